/*
 * FETCH and UID FETCH (RFC 3501 6.4.5, RFC 3516, RFC 7162 3.1.4, RFC 8970).
 * Works in rounds: one walk through the index writes the data of some messages,
 * then the files of those that need it are opened, one after the other, and
 * their sections sent piece by piece. The cursor allows to stop after any piece.
 */
#include "core/log.h"
#include "core/now.h"
#include "mail/date.h"
#include "mail/header.h"
#include "services/imap/box.h"
#include "services/imap/fetch_plan.h"
#include "services/imap/output.h"
#include "services/imap/section.h"
#include "services/imap/session.h"

#define ROUND 512           /* messages of one walk */
#define ROUND_BYTES 131072  /* of index data in one round */
#define META_MAX (64u << 20)
#define PIECE 65536

/* A message of this round: its index data is meta[from..to). */
struct row {
	uint32_t uid;
	size_t from;
	size_t to;
};

struct fetch {
	struct command *c;
	struct fetch_plan plan;
	struct store_set set;
	size_t at;          /* in the view */
	uint32_t next;      /* UID the walk goes on at; 0: done */
	struct buf meta;
	struct row rows[ROUND];
	size_t n_rows;
	size_t row;         /* the one being sent */
	size_t section;     /* of that row */
	bool in_row;        /* its index data is sent */
	bool in_section;    /* cur is open */
	bool announced;     /* its size is sent */
	size_t previews;    /* that were made */
	bool unknown_cte;   /* some part could not be decoded */
	struct section cur;
	struct store_set seen; /* made \\Seen by this command */
	size_t found;
	bool started;
	enum store_err err;    /* stops the command */
	enum store_err failed; /* of one message: the others are sent */
};

static void
fetch_release(void *state)
{
	struct fetch *f = state;

	store_set_release(&f->set);
	store_set_release(&f->seen);
	buf_release(&f->meta);
	section_release(&f->cur);
}

/* ---- what the index knows ------------------------------------------------- */

static void
item(struct buf *out, const char *name)
{
	if (out->n > 0 && out->p[out->n - 1] != '(')
		buf_addc(out, ' ');
	buf_adds(out, name);
}

/* Texts of the index are empty when the file could not be read. */
static void
item_text(struct buf *out, const char *name, struct slice text,
    const char *missing)
{
	item(out, name);
	buf_addc(out, ' ');
	if (text.n > 0)
		buf_add_slice(out, text);
	else
		buf_adds(out, missing);
}

/* Of a file that could not be read there is none. */
static void
item_id(struct buf *out, const char *name, char kind, struct slice id)
{
	item(out, name);
	if (id.n > 0)
		out_objectid(out, kind, id);
	else
		buf_adds(out, " NIL");
}

#define NO_BODY "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)"

static void
write_items(struct fetch *f, struct buf *out, const struct store_message *msg)
{
	const struct view *v = f->c->session->view;
	unsigned items = f->plan.items;

	if (store_set_has(&f->seen, msg->uid)) {
		items |= FETCH_FLAGS;
		if (f->c->session->condstore)
			items |= FETCH_MODSEQ;
	}
	if ((items & FETCH_UID) != 0) {
		item(out, "UID ");
		buf_addu(out, msg->uid);
	}
	if ((items & FETCH_FLAGS) != 0) {
		item(out, "FLAGS ");
		out_flags(out, msg->flags, msg->keywords, msg->n_keywords,
		    store_set_has(&v->recent, msg->uid));
	}
	if ((items & FETCH_INTERNALDATE) != 0) {
		item(out, "INTERNALDATE \"");
		date_format_imap(out, msg->internaldate, DATE_LOCAL);
		buf_addc(out, '"');
	}
	if ((items & FETCH_SAVEDATE) != 0) {
		item(out, "SAVEDATE \"");
		date_format_imap(out, msg->savedate, DATE_LOCAL);
		buf_addc(out, '"');
	}
	if ((items & FETCH_SIZE) != 0) {
		item(out, "RFC822.SIZE ");
		buf_addu(out, msg->vsize);
	}
	if ((items & FETCH_MODSEQ) != 0) {
		item(out, "MODSEQ (");
		buf_addu(out, msg->modseq);
		buf_addc(out, ')');
	}
	if ((items & FETCH_EMAILID) != 0)
		item_id(out, "EMAILID", 'M', msg->emailid);
	if ((items & FETCH_THREADID) != 0)
		item_id(out, "THREADID", 'T', msg->threadid);
	if ((items & FETCH_ENVELOPE) != 0)
		item_text(out, "ENVELOPE", msg->envelope,
		    "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
	if ((items & FETCH_BODY) != 0)
		item_text(out, "BODY", msg->body, NO_BODY);
	if ((items & FETCH_BODYSTRUCTURE) != 0)
		item_text(out, "BODYSTRUCTURE", msg->bodystructure, NO_BODY);
}

static void
write_label(struct buf *out, const struct fetch_section *sec)
{
	if (out->n > 0 && out->p[out->n - 1] != '(')
		buf_addc(out, ' ');
	buf_add_slice(out, sec->label);
}

/* HEADER.FIELDS from the fields that the index keeps. */
static void
write_cached(struct buf *out, const struct fetch_section *sec,
    const struct store_message *msg)
{
	struct buf text = BUF_INIT(LIMIT_HEADER_BYTES * 2);
	struct slice part;

	/* The index keeps none that had no empty line at its end. */
	header_select(&text, msg->headers, sec->names, sec->n_names, false);
	buf_adds(&text, "\r\n");
	part = buf_slice(&text);
	if (sec->partial)
		part = slice_head(slice_from(part, sec->offset), sec->length);
	write_label(out, sec);
	buf_addf(out, " {%zu}\r\n", part.n);
	buf_add_slice(out, part);
	buf_release(&text);
}

static bool
needs_file(const struct fetch *f, const struct store_message *msg)
{
	return f->plan.n > 0 && (f->plan.opens || !msg->headers_complete);
}

static int
on_message(void *ctx, const struct store_message *msg)
{
	struct fetch *f = ctx;
	uint32_t seq = view_seq_next(f->c->session->view, msg->uid, &f->at);
	struct row *row = &f->rows[f->n_rows];

	if (seq == 0)
		return 0;
	row->uid = needs_file(f, msg) ? msg->uid : 0;
	row->from = f->meta.n;
	out_fetch(&f->meta, f->c->session->uidonly, seq, msg->uid, false);
	write_items(f, &f->meta, msg);
	for (size_t i = 0; row->uid == 0 && i < f->plan.n; i++)
		write_cached(&f->meta, &f->plan.sections[i], msg);
	row->to = f->meta.n;
	f->n_rows++;
	f->found++;
	return f->n_rows == ROUND || f->meta.n >= ROUND_BYTES;
}

static unsigned
wanted(const struct fetch_plan *plan)
{
	unsigned want = 0;

	if ((plan->items & FETCH_ENVELOPE) != 0)
		want |= STORE_WANT_ENVELOPE;
	if ((plan->items & FETCH_BODY) != 0)
		want |= STORE_WANT_BODY;
	if ((plan->items & FETCH_BODYSTRUCTURE) != 0)
		want |= STORE_WANT_BODYSTRUCTURE;
	if ((plan->items & (FETCH_EMAILID | FETCH_THREADID)) != 0)
		want |= STORE_WANT_OBJECTID;
	if (plan->n > 0 && !plan->opens)
		want |= STORE_WANT_HEADERS;
	return want;
}

static bool
is_flags_only(const struct fetch_plan *plan)
{
	return (plan->items & ~(FETCH_UID | FETCH_FLAGS)) == 0 &&
	    !plan->sets_seen && (plan->n == 0 || plan->opens);
}

/* ---- \Seen ---------------------------------------------------------------- */

struct unseen {
	struct store_set set;
	size_t n;
};

static int
on_unseen(void *ctx, const struct store_message *msg)
{
	struct unseen *u = ctx;

	if ((msg->flags & STORE_SEEN) == 0)
		store_set_add(&u->set, msg->uid, msg->uid);
	return ++u->n == ROUND;
}

/* Reading a body without PEEK sets \Seen (RFC 3501 6.4.5). */
static enum store_err
mark_seen(struct fetch *f, struct store_walk walk)
{
	struct command *c = f->c;
	struct view *v = c->session->view;
	struct store_change change = { .how = STORE_ADD, .flags = STORE_SEEN };
	struct unseen u = { 0 };
	enum store_err err;
	uint64_t modseq;

	walk.want = 0;
	walk.flags_only = true;
	err = store_walk(v->mailbox, &walk, on_unseen, &u, NULL);
	if (err == STORE_OK && u.set.n > 0)
		err = store_change_flags(v->mailbox, &u.set, &change, NULL,
		    &modseq);
	if (err == STORE_OK && u.set.n > 0) {
		command_own(c, modseq, &f->seen);
		c->touched = true;
		/* The round may end before all of them are told. */
		for (size_t i = 0; i < u.set.n; i++)
			store_set_add(&f->seen, u.set.r[i].first,
			    u.set.r[i].last);
	}
	store_set_release(&u.set);
	return err;
}

/* ---- rounds --------------------------------------------------------------- */

/* Fills rows and meta with the next messages. */
static enum store_err
fetch_round(struct fetch *f)
{
	struct view *v = f->c->session->view;
	struct store_walk walk = {
		.set = &f->set,
		.from = f->next,
		.since = f->plan.changed_since,
		.want = wanted(&f->plan),
		.flags_only = is_flags_only(&f->plan),
		.limit = ROUND,
	};
	enum store_err err = STORE_OK;

	f->n_rows = f->row = 0;
	buf_clear(&f->meta);
	/* Not without the right (RFC 4314 section 4). */
	if (f->plan.sets_seen && !v->read_only &&
	    (v->rights & ACL_WRITE_SEEN) != 0)
		err = mark_seen(f, walk);
	if (err == STORE_OK)
		err = store_walk(v->mailbox, &walk, on_message, f, &f->next);
	if (!buf_ok(&f->meta))
		err = STORE_LIMIT;
	return err;
}

/* The message of the row is open, or cannot be. */
static struct section_cache *
open_message(struct fetch *f, uint32_t uid)
{
	struct session *s = f->c->session;
	enum store_err err;

	if (s->cache != NULL && s->cache->uid == uid)
		return s->cache;
	if (s->cache != NULL)
		section_cache_free(s->cache);
	s->cache = section_cache_open(s->view->mailbox, uid, &err);
	if (s->cache == NULL) {
		log_warn("imap-fetch", "session=%s uid=%u: %s", s->id, uid,
		    store_err_text(err));
		if (err != STORE_NO_MESSAGE)
			f->failed = err;
	}
	return s->cache;
}

/*
 * RFC 8970 4.1: previews are not kept anywhere, so a lazy list gets those of
 * its first messages, and NIL for the rest: the client asks for them later.
 */
static bool
is_too_lazy(const struct fetch *f)
{
	return f->plan.lazy && f->previews >= LIMIT_IMAP_LAZY;
}

static void
section_begin(struct fetch *f, const struct fetch_section *sec,
    struct section_cache *m)
{
	write_label(&f->c->out, sec);
	f->cur = (struct section){ 0 };
	if (m != NULL && !(sec->form == FORM_PREVIEW && is_too_lazy(f)))
		section_find(&f->cur, m, sec);
	f->previews += sec->form == FORM_PREVIEW;
	f->in_section = true;
	f->announced = false;
}

/* What stands before the bytes of a section, or instead of them. */
static void
announce(struct fetch *f, const struct fetch_section *sec)
{
	struct buf *out = &f->c->out;
	struct section *cur = &f->cur;

	f->announced = true;
	if (cur->unknown) {
		/* RFC 3516 4.3: the command fails, the others are told. */
		f->unknown_cte = true;
		cur->exists = false;
	}
	if (sec->form == FORM_SIZE) {
		buf_addf(out, " %llu", cur->exists ?
		    (unsigned long long)cur->size : 0);
		cur->left = 0;
	} else if (sec->form == FORM_PREVIEW && !cur->exists &&
	    !f->plan.lazy) {
		buf_adds(out, " \"\""); /* RFC 8970 3.2: never NIL */
	} else if (!cur->exists) {
		/* No such part, or the file is gone (RFC 2180 4.1.3): NIL. */
		buf_adds(out, " NIL");
	} else if (cur->left == 0) {
		buf_adds(out, " \"\"");
	} else {
		buf_addf(out, " %s{%llu}\r\n", cur->nul ? "~" : "",
		    (unsigned long long)cur->left);
	}
}

/* Sends the section until done or tired; true when done. */
static bool
send_section(struct fetch *f, const struct fetch_section *sec,
    struct section_cache *m)
{
	struct command *c = f->c;

	if (!f->in_section)
		section_begin(f, sec, m);
	while (!f->announced) {
		if (!section_measure(&f->cur, m, PIECE))
			announce(f, sec);
		else if (command_should_yield(c))
			return false;
	}
	/* A message that closed halfway is filled with blanks. */
	while (f->cur.exists && section_write(&f->cur, m, PIECE, &c->out))
		if (command_should_yield(c))
			return false;
	section_release(&f->cur);
	f->in_section = false;
	return true;
}

/* Sends sections of the row until done or tired; true when done. */
static bool
send_sections(struct fetch *f, const struct row *row)
{
	bool idle = is_too_lazy(f) && f->plan.n == 1;
	struct section_cache *m = idle ? NULL : open_message(f, row->uid);

	for (; f->section < f->plan.n; f->section++)
		if (!send_section(f, &f->plan.sections[f->section], m))
			return false;
	return true;
}

/* True when the row is complete. */
static bool
send_row(struct fetch *f)
{
	const struct row *row = &f->rows[f->row];

	if (!f->in_row) {
		buf_add(&f->c->out, f->meta.p + row->from,
		    row->to - row->from);
		f->in_row = true;
		f->section = 0;
	}
	if (row->uid != 0 && !send_sections(f, row))
		return false;
	buf_adds(&f->c->out, ")\r\n");
	f->in_row = false;
	f->row++;
	return true;
}

/* VANISHED (EARLIER) of RFC 7162 3.2.6. */
static void
tell_vanished(struct fetch *f)
{
	struct view *v = f->c->session->view;
	struct store_set gone = STORE_SET_INIT, both = STORE_SET_INIT;
	struct buf *out = &f->c->out;
	size_t j = 0;

	f->err = store_vanished(v->mailbox, f->plan.changed_since, &gone);
	for (size_t i = 0; i < gone.n; i++) {
		while (j < f->set.n && f->set.r[j].last < gone.r[i].first)
			j++;
		for (size_t k = j; k < f->set.n &&
		    f->set.r[k].first <= gone.r[i].last; k++) {
			uint32_t a = gone.r[i].first, b = gone.r[i].last;

			if (a < f->set.r[k].first)
				a = f->set.r[k].first;
			if (b > f->set.r[k].last)
				b = f->set.r[k].last;
			store_set_add(&both, a, b);
		}
	}
	if (both.n > 0) {
		buf_adds(out, "* VANISHED (EARLIER) ");
		store_set_format(&both, out);
		buf_adds(out, "\r\n");
	}
	store_set_release(&gone);
	store_set_release(&both);
}

static int
add_found(void *ctx, const struct store_message *msg)
{
	search_result_add(ctx, msg->uid, 0, 0);
	return 0;
}

/* The messages of the set, if need be only those that changed. */
static void
list_messages(struct fetch *f, struct search_result *out)
{
	const struct view *v = f->c->session->view;
	const struct store_walk walk = { .set = &f->set,
		.since = f->plan.changed_since };
	size_t n = 0;

	if (walk.since > 0) {
		f->err = store_walk(v->mailbox, &walk, add_found, out, NULL);
		for (size_t i = 0; i < out->n; i++)
			if (view_seq(v, out->uids[i]) != 0)
				out->uids[n++] = out->uids[i];
		out->n = n;
		return;
	}
	for (size_t i = 0; i < f->set.n; i++) {
		size_t at = view_lower(v, f->set.r[i].first);

		for (; at < v->n && v->uids[at] <= f->set.r[i].last; at++)
			search_result_add(out, v->uids[at], 0, 0);
	}
}

/*
 * PARTIAL (RFC 9394 3.3): of the messages that would be told of, those in the
 * range.
 */
static void
cut_range(struct fetch *f)
{
	struct search_result all;
	size_t from, to;

	search_result_init(&all, false, false);
	list_messages(f, &all);
	search_range_of(&f->plan.range, all.n, &from, &to);
	store_set_clear(&f->set);
	for (size_t i = from; i < to; i++)
		store_set_add(&f->set, all.uids[i], all.uids[i]);
	if (from == to)
		f->next = 0;
	search_result_release(&all);
}

static void
fetch_end(struct fetch *f)
{
	struct command *c = f->c;
	struct session *s = c->session;
	bool some_gone = f->plan.changed_since == 0 &&
	    f->found < view_count(s->view, &f->set);

	/* Only a client that reads in parts will want the message again. */
	if (s->cache != NULL && !f->plan.partial) {
		section_cache_free(s->cache);
		s->cache = NULL;
	}
	command_refresh(c, c->uid, false);
	if (some_gone)
		command_tell_cut(c);
	if (f->err != STORE_OK)
		command_failed(c, f->err);
	else if (f->failed != STORE_OK)
		command_failed(c, f->failed);
	else if (f->unknown_cte)
		command_no(c, "[UNKNOWN-CTE] A part is encoded in a way that "
		    "is not known.");
	else if (some_gone)
		/* RFC 2180 4.1.3 */
		command_ok(c, "[EXPUNGEISSUED] Some messages are gone.");
	else
		command_completed(c);
}

static enum step
fetch_step(struct command *c)
{
	struct fetch *f = c->state;

	if (!f->started && f->plan.vanished)
		tell_vanished(f);
	if (!f->started && f->plan.ranged && f->err == STORE_OK)
		cut_range(f);
	f->started = true;
	while (f->err == STORE_OK) {
		while (f->row < f->n_rows) {
			if (!send_row(f) || command_should_yield(c))
				return STEP_MORE;
		}
		if (f->next == 0)
			break;
		f->err = fetch_round(f);
		/* A round may be long: others first. */
		if (command_should_yield(c))
			return STEP_MORE;
	}
	fetch_end(f);
	return STEP_DONE;
}

enum verdict
cmd_fetch(struct command *c)
{
	struct session *s = c->session;
	struct fetch *f = COMMAND_STATE(c, struct fetch);

	f->c = c;
	f->next = 1;
	buf_init(&f->meta, META_MAX);
	c->release = fetch_release;
	if (parse_sp(&c->p) == -1 || command_set(c, &f->set) == -1 ||
	    parse_sp(&c->p) == -1 ||
	    fetch_plan_parse(&c->p, c->uid, &f->plan) == -1)
		return CMD_BAD;
	if (!f->plan.ranged)
		command_cut(c, &f->set);
	else if (command_exceeds(c,
	    (uint64_t)f->plan.range.last - f->plan.range.first + 1))
		return CMD_DONE;
	if (f->plan.vanished && !s->qresync) {
		/* RFC 7162 3.2.6: only after ENABLE QRESYNC. */
		parse_fail(&c->p, "VANISHED without ENABLE QRESYNC");
		return CMD_BAD;
	}
	if ((f->plan.items & FETCH_MODSEQ) != 0)
		command_enable_condstore(c);
	if (f->set.n == 0)
		f->next = 0;
	c->step = fetch_step;
	c->after = session_hold_cache;
	return CMD_WORK;
}
