#include "services/relay/pool.h"

#include "core/list.h"

struct idle {
	struct list link; /* oldest first */
	struct pool *pool;
	struct session *s;
	struct loop_timer *timer;
	char *key;
};

struct pool {
	struct loop *l;
	struct list idle;
	size_t n;
};

/* Forgets the entry; the session is whoever's wants it. */
static struct session *
idle_free(struct idle *e)
{
	struct session *s = e->s;

	list_remove(&e->link);
	e->pool->n--;
	loop_timer_free(e->timer);
	mem_free(e->key);
	mem_free(e);
	return s;
}

static void
on_failed(void *arg, enum session_failure kind UNUSED,
    const struct verdict *v UNUSED)
{
	idle_free(arg);
}

static const struct session_ops idle_ops = { .failed = on_failed };

static void
on_timer(void *arg)
{
	session_quit(idle_free(arg));
}

struct pool *
pool_new(struct loop *l)
{
	struct pool *p = mem_zero(sizeof(*p));

	p->l = l;
	list_init(&p->idle);
	return p;
}

void
pool_clear(struct pool *p)
{
	struct idle *e;

	LIST_EACH(e, &p->idle, struct idle, link)
		session_quit(idle_free(e));
}

void
pool_free(struct pool *p)
{
	pool_clear(p);
	mem_free(p);
}

struct session *
pool_take(struct pool *p, struct slice key)
{
	struct idle *e, *found = NULL;

	/* The youngest is the least likely to be closed by the peer. */
	LIST_EACH(e, &p->idle, struct idle, link)
		if (slice_eq(slice_str(e->key), key))
			found = e;
	return found != NULL ? idle_free(found) : NULL;
}

void
pool_put(struct pool *p, struct slice key, struct session *s)
{
	struct idle *e;

	if (!session_is_usable(s) || session_messages(s) >= POOL_MESSAGES ||
	    loop_now(p->l) - session_opened(s) > POOL_AGE_MS) {
		session_quit(s);
		return;
	}
	if (p->n == POOL_SESSIONS)
		session_quit(idle_free(LIST_FIRST(&p->idle, struct idle, link)));
	e = mem_zero(sizeof(*e));
	e->pool = p;
	e->s = s;
	e->key = slice_dup(key);
	e->timer = loop_timer_new(p->l, on_timer, e);
	loop_timer_start(e->timer, POOL_IDLE_MS, 0);
	list_push(&p->idle, &e->link);
	p->n++;
	session_set_owner(s, &idle_ops, e);
}

size_t
pool_count(const struct pool *p)
{
	return p->n;
}
