/*
 * NOTIFY's state, hints and looks. A look is a command without a tag, in the
 * place of the one that the session runs; one that only waits, IDLE, is parked
 * meanwhile.
 */
#include "services/imap/notify.h"

#include "services/imap/box.h"
#include "services/imap/context.h"
#include "services/imap/metadata.h"
#include "services/imap/notify_state.h"

/* ---- watches -------------------------------------------------------------- */

static void
watch_selected(struct session *s)
{
	struct worker *w = s->worker;

	if (s->watch == NULL && s->view != NULL && w->notify != NULL)
		s->watch = store_notify_watch(w->notify, s->view->mailbox,
		    &s->hint);
	if (s->watch == NULL && s->view != NULL)
		s->notify->unwatched = true;
}

static void
unwatch(struct session *s, struct notify_box *b)
{
	if (b->watch != NULL)
		store_notify_unwatch(s->worker->notify, b->watch);
	b->watch = NULL;
}

static struct store_watch *
watch_name(struct session *s, struct slice name, struct hint *hint)
{
	struct arena arena = ARENA_INIT;
	struct store_watch *watch = NULL;
	struct slice inner;
	struct store_user *u = box_user(s, &arena, name, &inner);

	if (u != NULL)
		watch = store_notify_watch_folder(s->worker->notify, u, inner,
		    hint);
	arena_release(&arena);
	return watch;
}

static void
watch_box(struct session *s, struct notify_box *b)
{
	struct store_notify *notify = s->worker->notify;
	struct notify *n = s->notify;

	if (b->watch != NULL || (b->attributes &
	    (STORE_NOSELECT | STORE_VIRTUAL)) != 0 ||
	    (b->events & NOTIFY_MESSAGES) == 0)
		return;
	if (notify != NULL)
		b->watch = watch_name(s, slice_str(b->name), &b->hint);
	if (b->watch == NULL) {
		n->unwatched = true;
		return;
	}
	/* What came before the watch was there. */
	b->hint.hit = true;
	s->poked = true;
}

static void
watch_root(struct session *s)
{
	struct store_notify *notify = s->worker->notify;

	if (s->root_watch == NULL && notify != NULL &&
	    s->notify->others != 0)
		s->root_watch = store_notify_watch_root(notify, s->store,
		    &s->hint);
	if (s->root_watch == NULL && s->notify->others != 0)
		s->notify->unwatched = true;
}

/* ---- life ----------------------------------------------------------------- */

static void
free_boxes(struct session *s, struct notify *n)
{
	for (size_t i = 0; i < n->n; i++) {
		unwatch(s, n->boxes[i]);
		notify_box_free(n->boxes[i]);
	}
	mem_free(n->boxes);
	n->boxes = NULL;
	n->n = 0;
}

void
notify_free(struct session *s)
{
	struct notify *n = s->notify;

	if (n == NULL)
		return;
	free_boxes(s, n);
	if (s->root_watch != NULL)
		store_notify_unwatch(s->worker->notify, s->root_watch);
	s->root_watch = NULL;
	notify_changes_free(n->changes);
	arena_release(&n->arena);
	mem_free(n);
	s->notify = NULL;
	store_set_clear(&s->fresh);
}

static bool
is_abroad(const struct notify_group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (box_reaches_others(g->names[i]))
			return true;
	return g->filter == NOTIFY_SUBSCRIBED;
}

/* A copy of the request that outlives the command. */
static struct notify *
notify_new(const struct notify_request *r)
{
	struct notify *n = mem_zero(sizeof(*n));
	struct arena *a = &n->arena;

	n->groups = arena_array(a, r->n + 1, sizeof(*n->groups));
	n->n_groups = r->n;
	n->atts = arena_slice(a, r->atts);
	for (size_t i = 0; i < r->n; i++) {
		struct notify_group *g = &n->groups[i];

		*g = r->groups[i];
		g->names = arena_array(a, g->n + 1, sizeof(*g->names));
		for (size_t k = 0; k < g->n; k++)
			g->names[k] = arena_slice(a, r->groups[i].names[k]);
		if (g->filter > NOTIFY_DELAYED) {
			n->others |= g->events;
			n->abroad = n->abroad || is_abroad(g);
			continue;
		}
		n->selected = g->events;
		n->delayed = g->filter == NOTIFY_DELAYED;
	}
	return n;
}

/* Takes over what a scan found; the watches follow. */
static void
take_scan(struct session *s, struct notify_scan *k)
{
	struct notify *n = k->n;

	if (k->boxes != NULL) {
		for (size_t i = 0; i < n->n; i++)
			n->boxes[i]->kept = false;
		for (size_t i = 0; i < k->n_boxes; i++)
			k->boxes[i]->kept = true;
		for (size_t i = 0; i < n->n; i++) {
			if (n->boxes[i]->kept)
				continue;
			unwatch(s, n->boxes[i]);
			notify_box_free(n->boxes[i]);
		}
		mem_free(n->boxes);
		n->boxes = k->boxes;
		n->n = k->n_boxes;
		k->boxes = NULL;
	}
	notify_changes_free(k->changes);
	k->changes = NULL;
	n->unwatched = false;
	for (size_t i = 0; i < n->n; i++) {
		if (n->boxes[i]->moved)
			unwatch(s, n->boxes[i]);
		n->boxes[i]->moved = false;
		watch_box(s, n->boxes[i]);
	}
}

/* A scan that ended early leaves boxes that nobody has taken. */
static void
scan_release(void *state)
{
	struct notify_scan *k = state;
	struct notify *n = k->n;

	notify_changes_free(k->changes);
	if (n == NULL || k->boxes == NULL)
		return;
	for (size_t i = 0; i < n->n; i++)
		n->boxes[i]->kept = true;
	for (size_t i = 0; i < k->n_boxes; i++)
		if (!k->boxes[i]->kept)
			notify_box_free(k->boxes[i]);
	mem_free(k->boxes);
}

static void
overflow(struct session *s, struct buf *out)
{
	struct notify_request none = { 0 };

	/* 5.8: as if NOTIFY NONE had come. */
	notify_free(s);
	s->notify = notify_new(&none);
	buf_adds(out, "* OK [NOTIFICATIONOVERFLOW] Too much to be told; "
	    "notifications are off.\r\n");
}

/* ---- NOTIFY --------------------------------------------------------------- */

static enum step
set_step(struct command *c)
{
	struct notify_scan *k = c->state;
	enum store_err err = STORE_OK;

	/* NOTIFY SET is a NOOP too (3.1), by the rules of before. */
	if (!k->listed)
		command_refresh(c, true, true);
	if (k->n->others != 0 && notify_scan_step(k, &err) == STEP_MORE)
		return STEP_MORE;
	if (err != STORE_OK)
		command_failed(c, err);
	else if (k->overflow)
		command_no(c, "[NOTIFICATIONOVERFLOW] Too many mailboxes.");
	else
		command_completed(c);
	c->bad = err != STORE_OK || k->overflow;
	return STEP_DONE;
}

static void
set_release(void *state)
{
	struct notify_scan *k = state;
	struct notify *n = k->n;

	scan_release(k);
	/* Not installed. */
	if (n != NULL) {
		arena_release(&n->arena);
		mem_free(n);
	}
}

static void
set_after(struct command *c)
{
	struct session *s = c->session;
	struct notify_scan *k = c->state;

	if (!c->bad) {
		notify_free(s);
		s->notify = k->n;
		take_scan(s, k);
		watch_root(s);
		k->n = NULL;
		s->poked = true; /* what came before the watches */
	}
	c->bad = false;
	session_done(s);
}

#define BADEVENT "[BADEVENT (MessageNew MessageExpunge FlagChange "            \
	"MailboxName SubscriptionChange MailboxMetadataChange "                \
	"ServerMetadataChange)] Unsupported event."

enum verdict
cmd_notify(struct command *c)
{
	struct notify_scan *k = COMMAND_STATE(c, struct notify_scan);
	struct notify_request r;

	if (notify_parse(&c->p, &r) == -1)
		return CMD_BAD;
	if (r.bad_event) {
		command_no(c, BADEVENT);
		return CMD_DONE;
	}
	if (r.too_much) {
		command_no(c, "[NOTIFICATIONOVERFLOW] Too much at once.");
		return CMD_DONE;
	}
	k->c = c;
	k->n = notify_new(&r);
	k->status = r.status;
	c->release = set_release;
	c->step = set_step;
	c->after = set_after;
	return CMD_WORK;
}

/* ---- looks ---------------------------------------------------------------- */

static enum step
look_step(struct command *c)
{
	struct notify_scan *k = c->state;
	enum store_err err;

	if (!k->listed)
		command_refresh(c, true, true);
	if (k->n->others == 0)
		return STEP_DONE;
	/* A failure is logged by the store; the next hint tries again. */
	return notify_scan_step(k, &err);
}

static void
look_after(struct command *c)
{
	struct session *s = c->session;
	struct notify_scan *k = c->state;

	if (k->overflow) {
		notify_changes_free(k->changes);
		k->changes = NULL;
		overflow(s, &c->out);
	} else {
		take_scan(s, k);
	}
	k->n = NULL;
	notify_over(s);
}

/* Parks IDLE, and makes a command that answers nobody. */
static struct command *
begin(struct session *s)
{
	struct command *c;

	s->parked = s->cmd;
	s->cmd = NULL;
	c = session_command(s);
	c->silent = true;
	return c;
}

static void
look(struct session *s)
{
	struct command *c = begin(s);
	struct notify_scan *k = COMMAND_STATE(c, struct notify_scan);
	struct notify *n = s->notify;

	k->c = c;
	k->n = n;
	k->tell = true;
	k->changes = n->changes;
	n->changes = NULL;
	for (size_t i = 0; i < n->n; i++) {
		n->boxes[i]->look = n->boxes[i]->hint.hit;
		n->boxes[i]->hint.hit = false;
	}
	c->release = scan_release;
	c->step = look_step;
	c->after = look_after;
	session_work(s);
}

/*
 * The attributes of new messages, as a FETCH of them (5.2), or of new results
 * of a context (section 7).
 */
static void
fetch_fresh(struct session *s)
{
	struct command *c = begin(s);

	buf_adds(&c->text, "n ");
	if (s->fresh.n > 0) {
		buf_adds(&c->text, "UID FETCH ");
		store_set_format(&s->fresh, &c->text);
		buf_addc(&c->text, ' ');
		buf_add_slice(&c->text, s->notify->atts);
		store_set_clear(&s->fresh);
	} else {
		context_take_fetch(s, &c->text);
	}
	if (buf_ok(&c->text) && command_dispatch(c) == CMD_WORK)
		session_work(s);
	else
		notify_over(s);
}

/* No command, or one that only waits: IDLE, or a stray empty line. */
static bool
is_idle(const struct session *s)
{
	return s->cmd == NULL || s->mode == INPUT_IDLE ||
	    (s->mode == INPUT_LINE && s->cmd->text.n == 0);
}

void
notify_look(struct session *s)
{
	if (s->dead || s->closing ||
	    (s->notify == NULL && !context_has_fetch(s)))
		return;
	if (s->busy || s->waiting || s->user->naming > 0 || !is_idle(s) ||
	    conn_out_pending(s->conn) > CONN_OUT_HIGH) {
		s->poked = true;
		return;
	}
	if (s->lost) {
		s->lost = s->poked = false;
		overflow(s, &s->news);
		session_tell_news(s);
		return;
	}
	if (s->notify != NULL)
		watch_selected(s);
	if (s->view != NULL && (s->fresh.n > 0 || context_has_fetch(s))) {
		fetch_fresh(s);
		return;
	}
	s->poked = false;
	look(s);
}

/* A mailbox that was just selected is watched from the look on. */
void
notify_after(struct session *s)
{
	if (context_has_fetch(s) || (s->notify != NULL &&
	    (s->poked || s->fresh.n > 0 ||
	    (s->view != NULL && s->watch == NULL))))
		notify_look(s);
}

void
notify_over(struct session *s)
{
	session_end_silent(s);
	if (s->notify == NULL && !context_has_fetch(s)) {
		/* IDLE goes on as it does without NOTIFY. */
		if (s->mode == INPUT_IDLE &&
		    (s->poked || context_is_behind(s))) {
			s->poked = false;
			session_poke(s);
		}
	} else if (s->poked || s->fresh.n > 0 || context_is_behind(s) ||
	    context_has_fetch(s)) {
		notify_look(s);
	}
	if (!s->busy)
		session_tell_news(s);
	session_resume(s);
}

void
notify_poll(struct session *s)
{
	struct notify *n = s->notify;

	if (n == NULL || !n->unwatched)
		return;
	for (size_t i = 0; i < n->n; i++)
		n->boxes[i]->hint.hit = true;
	notify_look(s);
}

/* ---- what others say ------------------------------------------------------ */

static void
hear_metadata(struct session *s, const struct event *e)
{
	const struct notify *n = s->notify;
	unsigned want = e->name.n == 0 ? NOTIFY_SERVER : NOTIFY_METADATA;
	unsigned events = n == NULL ? 0 : e->name.n == 0 ? n->others :
	    notify_events(n->groups, n->n_groups, e->name,
	    e->subscribed);

	if (!s->metadata && (events & want) == 0)
		return;
	metadata_put_changed(&s->news, e->name, s->utf8, e->entries, e->n);
	if (!buf_ok(&s->news)) {
		buf_release(&s->news);
		s->lost = s->poked = n != NULL;
	}
	session_tell_news(s);
}

void
notify_hear(struct session *s, const struct event *e, bool own)
{
	struct notify *n = s->notify;
	struct notify_change *c, **end;

	if (e->kind == EVENT_METADATA) {
		if (!own)
			hear_metadata(s, e);
		return;
	}
	if (n == NULL || n->others == 0)
		return;
	c = mem_zero(sizeof(*c));
	c->name = slice_dup(e->name);
	/* INBOX stays when it is renamed: the other name is new. */
	if (e->old.n > 0 && !slice_eq(e->old, S("INBOX")))
		c->from = slice_dup(e->old);
	c->own = own;
	for (end = &n->changes; *end != NULL; end = &(*end)->next)
		;
	*end = c;
	s->poked = true;
}

/* ---- the selected mailbox ------------------------------------------------- */

bool
notify_allows(const struct command *c, struct view_report *how)
{
	struct session *s = c->session;
	const struct notify *n = s->notify;
	const struct command_row *row = c->row;
	bool adds = row != NULL && (row->handler == cmd_append ||
	    row->handler == cmd_copy || row->handler == cmd_move);

	/* Not what the client adds itself (5.2, section 7). */
	if (adds)
		how->arrived = NULL;
	if (n == NULL)
		return true;
	if (n->selected == 0) {
		/* Only what the command itself does. */
		how->only_gone = true;
		return row != NULL && (row->handler == cmd_expunge ||
		    row->handler == cmd_move);
	}
	how->no_flags = (n->selected & NOTIFY_FLAGS) == 0;
	/* 6.1.2: numbers hold until a command that may change them. */
	if (c->silent && n->delayed && s->mode != INPUT_IDLE)
		how->expunge = false;
	if (n->atts.n > 0 && !adds)
		how->fresh = &s->fresh;
	return true;
}
