#include "services/imap/worker.h"

#include "core/log.h"
#include "services/imap/limits.h"
#include "services/imap/notify.h"
#include "services/imap/session.h"
#include "store/acl.h"

#define TICK_MS 1000
#define CACHE_MS 5000 /* a message read in parts stays open this long */
#define ZIP_MS 2000   /* a connection that is silent for so long sleeps */
#define POLL_MS 30000 /* for mailboxes the kernel does not watch */

/* ---- the clock ------------------------------------------------------------ */

struct store_tick {
	struct worker *worker;
	uint64_t now;
};

static void
store_tick_run(void *arg)
{
	struct store_tick *t = arg;

	unsigned open = store_idle(t->worker->store, t->now);

	store_shares_refresh(t->worker->store);

	/* What the sessions of its user and its page cache took. */
	if (open < t->worker->open)
		mem_trim();
	t->worker->open = open;
}

static void
store_tick_over(void *arg)
{
	struct store_tick *t = arg;

	t->worker->ticking = false;
	mem_free(t);
}

/* Closing a database may write: not on the loop. */
static void
tick_store(struct worker *w)
{
	struct store_tick *t;

	if (w->ticking)
		return;
	t = mem_alloc(sizeof(*t));
	w->ticking = true;
	*t = (struct store_tick){ w, loop_now(w->loop) };
	loop_work(w->loop, store_tick_run, store_tick_over, t);
}

static void
tick_idlers(struct worker *w, uint64_t now)
{
	struct session *s;

	while (w->conf.keepalive_ms > 0 &&
	       (s = LIST_FIRST(&w->idlers, struct session, idle_link)) != NULL &&
	       s->keepalive_at <= now) {
		list_remove(&s->idle_link);
		s->keepalive_at = now + w->conf.keepalive_ms;
		list_push(&w->idlers, &s->idle_link);
		if (!s->closing && !s->dead && !s->busy && !s->waiting)
			session_send(s, S("* OK Still here\r\n"));
	}
	if (now - w->polled_at < POLL_MS)
		return;
	w->polled_at = now;
	LIST_EACH(s, &w->idlers, struct session, idle_link)
		if (s->watch == NULL && s->view != NULL)
			session_poke(s);
	LIST_EACH(s, &w->sessions, struct session, link)
		notify_poll(s);
}

static void
tick(void *arg)
{
	struct worker *w = arg;
	uint64_t now = loop_now(w->loop);
	struct session *s;

	tick_store(w);
	tick_idlers(w, now);
	LIST_EACH(s, &w->cachers, struct session, cache_link)
		if (!s->busy && s->cmd == NULL &&
		    now - s->cache_used_at >= CACHE_MS)
			session_drop_cache(s);
	if (now > ZIP_MS)
		session_zip_idle(w, now - ZIP_MS);
}

/* ---- changes by others ---------------------------------------------------- */

static void
on_changed(void *ctx)
{
	struct hint *h = ctx;

	h->hit = true;
	session_poke(h->session);
}

static void
on_notify(void *arg, int events UNUSED)
{
	struct worker *w = arg;

	if (store_notify_read(w->notify, on_changed) == -1)
		log_error("imap-notify", "read: %s", strerror(errno));
}

void
worker_poke(struct user *u, const struct session *except)
{
	struct session *s;

	LIST_EACH(s, &u->sessions, struct session, user_link)
		if (s != except)
			session_poke(s);
}

/* ---- users ---------------------------------------------------------------- */

struct user *
worker_join(struct worker *w, struct slice address, const char **why)
{
	struct user *u = map_get(&w->users, address);

	if (slice_find(address, '\0') != -1) {
		fail(why, "not a user name");
		return NULL;
	}
	if (w->stopping || w->count >= w->conf.sessions_max) {
		fail(why, "too many connections");
		return NULL;
	}
	if (u != NULL && u->count >= w->conf.sessions_per_user) {
		fail(why, "too many connections of this user");
		return NULL;
	}
	if (u == NULL) {
		u = mem_zero(sizeof(*u));
		u->worker = w;
		list_init(&u->sessions);
		list_init(&u->queue);
		u->address = slice_dup(address);
		map_put(&w->users, address, u);
	}
	u->count++;
	w->count++;
	return u;
}

static void
check_empty(void *arg)
{
	struct worker *w = arg;

	if (w->stopping && w->count == 0)
		w->on_empty(w->arg);
}

void
worker_leave(struct worker *w, struct user *u)
{
	u->count--;
	w->count--;
	if (u->count == 0) {
		if (u->quota_asked != 0)
			limits_cancel(u, u->quota_asked);
		map_remove(&w->users, slice_str(u->address));
		mem_free(u->address);
		mem_free(u);
	}
	if (w->stopping && w->count == 0)
		loop_defer(w->loop, check_empty, w);
}

/* ---- life ----------------------------------------------------------------- */

struct worker *
worker_new(struct loop *l, struct store *s, const struct worker_config *conf)
{
	struct worker *w = mem_zero(sizeof(*w));

	w->loop = l;
	w->store = s;
	w->conf = *conf;
	map_init(&w->users);
	list_init(&w->sessions);
	list_init(&w->idlers);
	list_init(&w->cachers);
	list_init(&w->zippers);
	w->polled_at = loop_now(l);
	w->notify = store_notify_new();
	if (w->notify == NULL) {
		log_warn("imap-notify", "inotify: %s", strerror(errno));
	} else {
		w->notify_poll = loop_poll_new(l, store_notify_fd(w->notify),
		    on_notify, w);
		loop_poll_set(w->notify_poll, LOOP_READ);
	}
	w->tick = loop_timer_new(l, tick, w);
	loop_timer_start(w->tick, TICK_MS, TICK_MS);
	return w;
}

void
worker_free(struct worker *w)
{
	loop_timer_free(w->tick);
	loop_poll_free(w->notify_poll);
	if (w->notify != NULL)
		store_notify_free(w->notify);
	loop_defer_cancel(w->loop, check_empty, w);
	map_release(&w->users, NULL);
	mem_free(w);
}

void
worker_stop(struct worker *w, void (*on_empty)(void *arg), void *arg)
{
	struct session *s;

	w->stopping = true;
	w->on_empty = on_empty;
	w->arg = arg;
	LIST_EACH(s, &w->sessions, struct session, link)
		session_bye(s, "Server shutting down.");
	loop_defer(w->loop, check_empty, w);
}
