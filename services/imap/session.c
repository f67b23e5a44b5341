#include "services/imap/session.h"

#include "core/log.h"
#include "core/now.h"
#include "services/imap/box.h"
#include "services/imap/context.h"
#include "services/imap/event.h"
#include "services/imap/kept.h"
#include "services/imap/limits.h"
#include "services/imap/name.h"
#include "services/imap/notify.h"
#include "services/imap/output.h"
#include "wire/capability.h"

#define STEP_MS 10
/* Threads that one user's commands may hold at once: a user whose mailbox is
 * locked for long must not keep all of them from the others. */
#define USER_STEPS 3
/* What one command may have waiting at once, sent in pieces. */
#define OUT_MAX (256u << 20)
/* Commands, or pieces of input, that are taken in one round of the loop from
 * what was inflated. */
#define ROUND_PIECES 256

static void session_free(struct session *s);
static void session_next(void *arg);

struct command *
session_command(struct session *s)
{
	struct command *c = s->cmd;

	if (c != NULL)
		return c;
	c = mem_zero(sizeof(*c));
	c->session = s;
	buf_init(&c->text, LIMIT_IMAP_COMMAND);
	buf_init(&c->out, OUT_MAX);
	s->cmd = c;
	return c;
}

static void
command_free(struct session *s)
{
	struct command *c = s->cmd;

	if (c == NULL)
		return;
	s->cmd = NULL;
	if (c->release != NULL)
		c->release(c->state);
	buf_release(&c->text);
	buf_release(&c->out);
	arena_release(&c->arena);
	mem_free(c);
}

void
session_flush(struct session *s)
{
	struct command *c = s->cmd;

	if (c == NULL || c->out.n == 0)
		return;
	s->bytes_out += c->out.n;
	session_send(s, buf_slice(&c->out));
	buf_release(&c->out);
}

void
session_drop_cache(struct session *s)
{
	if (s->cache != NULL)
		section_cache_free(s->cache);
	s->cache = NULL;
	kept_forget(s);
	list_remove(&s->cache_link);
}

/* The session is in the worker's list while nobody works with the cache. */
void
session_hold_cache(struct command *c)
{
	struct session *s = c->session;

	list_remove(&s->cache_link);
	if (s->cache != NULL || s->kept != NULL) {
		s->cache_used_at = loop_now(s->worker->loop);
		list_push(&s->worker->cachers, &s->cache_link);
	}
	session_done(s);
}

void
session_unwatch(struct session *s)
{
	if (s->watch != NULL)
		store_notify_unwatch(s->worker->notify, s->watch);
	s->watch = NULL;
}

void
session_unselect(struct session *s)
{
	session_drop_cache(s);
	context_free_all(s);
	session_unwatch(s);
	store_set_clear(&s->fresh);
	view_free(s->view);
	s->view = NULL;
}

/* ---- the end -------------------------------------------------------------- */

static void
log_logout(const struct session *s)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "logout");
	log_str(&l, "session", s->id);
	log_str(&l, "user", s->user->address);
	log_str(&l, "ip", s->ip);
	log_str(&l, "reason", s->why != NULL ? s->why : "closed");
	log_num(&l, "in", (int64_t)s->bytes_in);
	log_num(&l, "out", (int64_t)s->bytes_out);
	log_num(&l, "deleted", (int64_t)s->deleted);
	log_num(&l, "expunged", (int64_t)s->expunged);
	log_num(&l, "appended", (int64_t)s->appended);
	log_end(&l);
}

static void
session_free(struct session *s)
{
	struct worker *w = s->worker;

	log_logout(s);
	loop_defer_cancel(w->loop, session_next, s);
	command_free(s);
	s->cmd = s->parked;
	command_free(s);
	session_unselect(s);
	notify_free(s);
	store_set_release(&s->fresh);
	other_free_all(s);
	store_user_close(s->store);
	list_remove(&s->link);
	list_remove(&s->user_link);
	list_remove(&s->idle_link);
	leave_free(s);
	session_zip_free(s);
	buf_release(&s->early);
	buf_release(&s->news);
	worker_leave(w, s->user);
	mem_free(s->ip);
	mem_free(s->id);
	mem_free(s);
}

static void
say_bye(struct session *s)
{
	struct buf bye = BUF_INIT(256);

	buf_addf(&bye, "* BYE %s\r\n", s->why);
	session_send(s, buf_slice(&bye));
	buf_release(&bye);
	conn_close(s->conn);
}

void
session_bye(struct session *s, const char *text)
{
	if (s->closing || s->dead)
		return;
	s->closing = true;
	s->why = text;
	if (!s->busy)
		say_bye(s); /* else when the step is over */
}

static void
on_close(void *arg, const char *why)
{
	struct session *s = arg;

	s->conn = NULL;
	s->dead = true;
	if (s->why == NULL)
		s->why = why;
	if (!s->busy)
		session_free(s);
}

/* ---- steps ---------------------------------------------------------------- */

static void
step_run(void *arg)
{
	struct session *s = arg;
	struct command *c = s->cmd;

	c->slice_end = now_mono_ms() + STEP_MS;
	if (c->given != NULL)
		name_settle(c);
	s->waiting = box_check(c) && c->step(c) == STEP_MORE;
}

static void step_over(void *arg);

static void
step_start(struct session *s)
{
	s->user->running++;
	if (s->cmd->names)
		s->user->naming++;
	limits_refresh(s->user);
	store_user_set_quota(s->store, &s->user->quota);
	other_begin(s);
	loop_work(s->worker->loop, step_run, step_over, s);
}

/* A step of the user is over: one that waited may run. */
static void
start_next(struct user *u)
{
	struct session *s = LIST_FIRST(&u->queue, struct session, queue_link);

	u->running--;
	if (s == NULL)
		return;
	list_remove(&s->queue_link);
	step_start(s);
}

static void
step_over(void *arg)
{
	struct session *s = arg;
	struct command *c = s->cmd;
	struct store_usage held;

	s->busy = false;
	if (store_user_usage(s->store, &held))
		limits_report(s->worker, s->user->address, &held);
	other_end(s);
	start_next(s->user);
	if (c->names)
		s->user->naming--;
	/* What was renamed is known before anybody looks. */
	event_publish(c);
	if (c->touched || c->names)
		worker_poke(s->user, s);
	c->touched = false;
	if (s->dead) {
		session_free(s);
		return;
	}
	session_flush(s);
	if (s->closing) {
		say_bye(s);
	} else if (c->vanished) {
		/* RFC 2180 3.3: the numbers mean nothing any more. */
		session_bye(s, "The selected mailbox was deleted.");
	} else if (s->waiting) {
		/* on_drain goes on when the client is slow. */
		if (conn_out_pending(s->conn) <= CONN_OUT_HIGH) {
			s->waiting = false;
			session_work(s);
		}
	} else if (c->after != NULL) {
		c->after(c);
	} else {
		session_done(s);
	}
}

static void
step_queue(struct session *s)
{
	if (s->user->running < USER_STEPS)
		step_start(s);
	else
		list_push(&s->user->queue, &s->queue_link);
}

void
session_work(struct session *s)
{
	s->busy = true;
	conn_pause(s->conn);
	if (other_ready(s->cmd))
		step_queue(s);
}

void
session_go_on(struct session *s)
{
	if (!s->dead && !s->closing) {
		step_queue(s);
		return;
	}
	s->busy = false;
	if (s->dead)
		session_free(s);
	else
		say_bye(s);
}

/* ---- going on ------------------------------------------------------------- */

static bool
session_can_read(const struct session *s)
{
	return !s->busy && !s->closing && !s->dead && !s->waiting;
}

/* What came compressed is used before more of it is looked at. */
static bool
session_has_plain(const struct session *s)
{
	return s->plain.n > 0 || s->zip_more;
}

/* Uses input as it came from the connection. */
static size_t
take_raw(struct session *s, struct slice in)
{
	return s->zip != NULL ? session_inflate(s, in) : input_take(s, in);
}

/* One piece of input from where the next one is; false if there is none. */
static bool
take_next(struct session *s)
{
	struct buf *b = s->plain.n > 0 ? &s->plain : &s->early;
	size_t used;

	if (s->plain.n == 0 && s->zip_more) {
		session_inflate(s, S(""));
		return true;
	}
	if (b->n == 0)
		return false;
	used = b == &s->plain ? input_take(s, buf_slice(b)) :
	    take_raw(s, buf_slice(b));
	buf_consume(b, used);
	if (b->n == 0)
		buf_release(b);
	return used > 0;
}

/*
 * Input that came with the session, and what was inflated, is used first, then
 * the connection's. A few bytes can be inflated to very many: not all of them
 * at once.
 */
static void
session_next(void *arg)
{
	struct session *s = arg;
	unsigned pieces = 0;

	s->resuming = false;
	if (s->leaving != NULL) {
		leave_collect(s);
		return;
	}
	while (session_can_read(s) &&
	    conn_out_pending(s->conn) <= CONN_OUT_HIGH) {
		if (session_has_plain(s) && ++pieces > ROUND_PIECES) {
			session_resume(s);
			return;
		}
		if (!take_next(s))
			break;
	}
	if (!session_can_read(s))
		return;
	if (conn_out_pending(s->conn) > CONN_OUT_HIGH)
		return; /* on_drain */
	if (conn_is_paused(s->conn))
		conn_resume(s->conn);
}

void
session_resume(struct session *s)
{
	if (!s->resuming)
		loop_defer(s->worker->loop, session_next, s);
	s->resuming = true;
}

static void
on_drain(void *arg)
{
	struct session *s = arg;

	if (s->busy || s->closing)
		return;
	conn_timeout(s->conn, s->worker->conf.timeout_ms);
	if (s->waiting) {
		s->waiting = false;
		session_work(s);
		return;
	}
	session_tell_news(s);
	if (s->poked)
		notify_look(s);
	session_next(s);
}

void
session_tell_news(struct session *s)
{
	if (s->busy || s->waiting || s->dead || s->closing ||
	    conn_out_pending(s->conn) > CONN_OUT_HIGH)
		return;
	if (s->news.n > 0)
		session_send(s, buf_slice(&s->news));
	s->bytes_out += s->news.n;
	buf_release(&s->news);
}

void
session_end_silent(struct session *s)
{
	session_flush(s);
	command_free(s);
	s->cmd = s->parked;
	s->parked = NULL;
}

void
session_done(struct session *s)
{
	struct command *c = s->cmd;
	bool logout = c->logout;
	bool compress = c->compress;

	if (c->silent) {
		notify_over(s);
		return;
	}
	s->errors = c->bad ? s->errors + 1 : 0;
	session_flush(s);
	command_free(s);
	if (s->leaving != NULL) {
		leave_begin(s);
		return;
	}
	/* RFC 4978 section 3: from behind the tagged OK on. */
	if (compress)
		s->zip = zip_new();
	s->mode = INPUT_LINE;
	session_tell_news(s);
	if (logout) {
		s->closing = true;
		s->why = "logout";
		conn_close(s->conn);
		return;
	}
	if (s->errors >= LIMIT_IMAP_ERRORS) {
		session_bye(s, "Too many errors");
		return;
	}
	notify_after(s);
	if (conn_out_pending(s->conn) > CONN_OUT_HIGH)
		conn_pause(s->conn);
	if (conn_is_paused(s->conn) || s->early.n > 0 || session_has_plain(s))
		session_resume(s);
}

void
session_poke(struct session *s)
{
	if (s->dead || s->closing)
		return;
	if (s->notify != NULL)
		notify_look(s);
	else if (s->mode != INPUT_IDLE)
		return;
	else if (s->busy)
		s->poked = true;
	else
		idle_look(s->cmd);
}

static size_t
on_input(void *arg, struct slice in)
{
	struct session *s = arg;
	size_t used;

	if (s->leaving != NULL)
		return leave_input(s, in);
	if (!session_can_read(s) || s->early.n > 0 || session_has_plain(s))
		return s->closing ? in.n : 0;
	conn_timeout(s->conn, s->worker->conf.timeout_ms);
	used = take_raw(s, in);
	s->bytes_in += used;
	if (session_has_plain(s)) {
		conn_pause(s->conn);
		session_resume(s);
	}
	return used;
}

static void
on_eof(void *arg)
{
	struct session *s = arg;

	if (s->leaving != NULL) {
		leave_end(s);
		return;
	}
	if (s->why == NULL)
		s->why = "closed by peer";
	conn_close(s->conn);
}

/* RFC 3501 5.4: at least 30 minutes of silence. */
static void
on_timeout(void *arg)
{
	struct session *s = arg;

	if (s->leaving != NULL)
		conn_close(s->conn);
	session_bye(s, "Autologout; idle for too long");
}

static const struct conn_ops ops = {
	.on_input = on_input,
	.on_close = on_close,
	.on_drain = on_drain,
	.on_timeout = on_timeout,
	.on_eof = on_eof,
};

/* ---- the start ------------------------------------------------------------ */

static struct session *
session_new(struct worker *w, struct user *u, struct store_user *store,
    const struct session_start *start)
{
	struct session *s = mem_zero(sizeof(*s));

	s->hint.session = s;
	s->worker = w;
	s->user = u;
	s->store = store;
	s->login = start->login;
	s->login_id = start->login_id;
	s->ip = slice_dup(start->ip);
	s->id = slice_dup(start->id);
	buf_init(&s->early, LIMIT_FRAME);
	buf_init(&s->plain, ZIP_PIECE);
	buf_add_slice(&s->early, start->input);
	buf_init(&s->news, LIMIT_IMAP_NEWS);
	s->bytes_in = start->input.n;
	list_init(&s->others);
	list_push(&w->sessions, &s->link);
	list_push(&u->sessions, &s->user_link);
	list_init(&s->idle_link);
	list_init(&s->cache_link);
	list_init(&s->queue_link);
	list_init(&s->zip_link);
	return s;
}

static void
log_login(const struct session *s, bool tls)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "login");
	log_str(&l, "session", s->id);
	log_str(&l, "user", s->user->address);
	log_str(&l, "ip", s->ip);
	log_str(&l, "tls", tls ? "yes" : "no");
	log_end(&l);
}

void
session_capabilities(const struct session *s, struct buf *out)
{
	const struct worker_config *conf = &s->worker->conf;

	capability_put(out, CAPABILITY_USER |
	    (conf->quotas ? CAPABILITY_QUOTA : 0) |
	    (conf->unauthenticate ? CAPABILITY_LEAVE : 0));
	buf_addf(out, " MESSAGELIMIT=%llu",
	    (unsigned long long)conf->message_limit);
}

/* The answer to the login command. */
static void
say_hello(struct session *s, struct slice tag)
{
	struct buf out = BUF_INIT(LIMIT_FRAME);

	buf_addf(&out, "%.*s OK [CAPABILITY ", SLICE_ARG(tag));
	session_capabilities(s, &out);
	buf_adds(&out, "] Logged in\r\n");
	conn_write_slice(s->conn, buf_slice(&out));
	buf_release(&out);
}

int
session_start(struct worker *w, int fd, const struct session_start *start,
    const char **why)
{
	struct store_user *store = NULL;
	struct user *u;
	struct session *s;

	/* The tag goes back to the client: it must be one. */
	if (!imap_tag_is_valid(start->tag)) {
		close(fd);
		return fail(why, "invalid tag");
	}
	u = worker_join(w, start->user, why);
	if (u == NULL) {
		close(fd);
		return -1;
	}
	if (store_user_open(w->store, start->user, &store) != STORE_OK) {
		worker_leave(w, u);
		close(fd);
		return fail(why, "the mail folder cannot be opened");
	}
	limits_set(u, &start->quota);
	s = session_new(w, u, store, start);
	s->conn = conn_new(w->loop, fd, LIMIT_IMAP_LINE * 2, &ops, s);
	conn_timeout(s->conn, w->conf.timeout_ms);
	say_hello(s, start->tag);
	log_login(s, start->tls);
	if (s->early.n > 0) {
		conn_pause(s->conn);
		session_resume(s);
	}
	return 0;
}
