#include "service/internal.h"

#include "core/log.h"

#define POST_MS 30000 /* how long a frame without reply waits */

/* One instance of a process we may dial. */
struct peer {
	struct list link;
	struct service *service;
	struct chan *chan;     /* NULL while it is away */
	struct idmap waits;    /* id to struct wait */
	struct list waiting;   /* of them those with a deadline, in the order they
	                        * were sent */
	struct list open;      /* and those without */
	struct loop_timer *timer;
	uint32_t last_id;
	unsigned instance;
	char *name;            /* without the instance */
};

struct wait {
	struct list link;
	uint32_t id;
	uint64_t deadline;
	bool (*cb)(void *, struct chan_frame *);
	void (*once)(void *, struct chan_frame *);
	void *arg;
	bool lasting;          /* no deadline once it is sent */
	/* The request itself while the peer is away. */
	bool unsent;
	uint16_t type;
	int fd;
	struct buf payload;
};

struct inbound {
	struct list link;
	struct service *service;
	struct chan *chan;
	char *caller;
	char *door;
};

static void
wait_free(struct wait *w)
{
	if (w->fd != -1)
		close(w->fd);
	buf_wipe(&w->payload);
	mem_free(w);
}

static void
wait_remove(struct peer *p, struct wait *w)
{
	list_remove(&w->link);
	idmap_remove(&p->waits, w->id);
	if (list_is_empty(&p->waiting))
		loop_timer_stop(p->timer);
}

/* Hands one frame (or NULL: failed) to the waiter; frees it when it is over.
 * The callback may do anything, also send and cancel on this peer. */
static void
wait_answer(struct peer *p, struct wait *w, struct chan_frame *f)
{
	if (w->once != NULL || f == NULL) {
		void (*once)(void *, struct chan_frame *) = w->once;
		bool (*cb)(void *, struct chan_frame *) = w->cb;
		void *arg = w->arg;

		wait_remove(p, w);
		wait_free(w);
		if (once != NULL)
			once(arg, f);
		else
			cb(arg, f);
	} else {
		uint32_t id = w->id;

		if (!w->cb(w->arg, f))
			peer_cancel(p, id);
	}
}

static void
fail_where(struct peer *p, bool sent_only, uint64_t expired_at)
{
	struct list batch;
	struct wait *w;

	/* Callbacks may add and cancel waits, so pick them one by one. The
	 * ones that stay are marked by moving them behind a batch head. */
	list_init(&batch);
	if (expired_at == 0)
		LIST_EACH(w, &p->open, struct wait, link) {
			list_remove(&w->link);
			list_push(&batch, &w->link);
		}
	LIST_EACH(w, &p->waiting, struct wait, link) {
		if ((sent_only && w->unsent) ||
		    (expired_at != 0 && w->deadline > expired_at))
			continue;
		list_remove(&w->link);
		list_push(&batch, &w->link);
	}
	while (!list_is_empty(&batch))
		wait_answer(p, LIST_FIRST(&batch, struct wait, link), NULL);
}

static void
on_tick(void *arg)
{
	struct peer *p = arg;

	fail_where(p, false, loop_now(p->service->loop));
}

static int
on_reply(void *arg, struct chan *c UNUSED, struct chan_frame *f)
{
	struct peer *p = arg;
	struct wait *w = idmap_get(&p->waits, f->id);

	if (w != NULL && !w->unsent)
		wait_answer(p, w, f);
	return 0;
}

static void
on_gone(void *arg, struct chan *c UNUSED)
{
	struct peer *p = arg;

	p->chan = NULL;
	log_warn("peer-gone", "peer=%s", p->name);
	fail_where(p, true, 0);
}

static const struct chan_ops peer_ops = { on_reply, on_gone };

static struct peer *
peer_find(struct service *s, struct slice name, unsigned instance)
{
	struct peer *p;

	LIST_EACH(p, &s->peers, struct peer, link) {
		if (p->instance == instance &&
		    slice_eq(slice_str(p->name), name))
			return p;
	}
	return NULL;
}

static struct peer *
peer_new(struct service *s, struct slice name, unsigned instance)
{
	struct peer *p = mem_zero(sizeof(*p));

	p->service = s;
	p->name = slice_dup(name);
	p->instance = instance;
	idmap_init(&p->waits);
	list_init(&p->waiting);
	list_init(&p->open);
	p->timer = loop_timer_new(s->loop, on_tick, p);
	list_push(&s->peers, &p->link);
	return p;
}

void
peer_attach(struct service *s, struct slice name, int fd)
{
	struct slice rest = name, base;
	unsigned instance = 1;
	struct peer *p;
	struct wait *w;

	slice_split(&rest, '#', &base);
	if (rest.n == 1 && ascii_is_digit(rest.p[0]))
		instance = (unsigned)(rest.p[0] - '0');
	else if (rest.n == 2)
		instance = (unsigned)((rest.p[0] - '0') * 10 + rest.p[1] - '0');
	p = peer_find(s, base, instance);
	if (p == NULL)
		p = peer_new(s, base, instance);
	if (fd == -1)
		return;
	if (p->chan != NULL) {
		/* The old end has not noticed yet that its process died. */
		chan_close(p->chan);
		p->chan = NULL;
		fail_where(p, true, 0);
	}
	p->chan = chan_new(s->loop, fd, p->name, &peer_ops, p);
	LIST_EACH(w, &p->waiting, struct wait, link) {
		if (!w->unsent)
			continue;
		w->unsent = false;
		(void)chan_send(p->chan, w->type, w->id, buf_slice(&w->payload),
		    w->fd);
		w->fd = -1;
		buf_wipe(&w->payload);
		if (w->lasting) {
			list_remove(&w->link);
			list_push(&p->open, &w->link);
		}
	}
}

struct peer *
service_peer(struct service *s, const char *name, uint64_t pick)
{
	struct slice want = slice_str(name);
	unsigned count = 0;
	struct peer *p;

	LIST_EACH(p, &s->peers, struct peer, link) {
		if (slice_eq(slice_str(p->name), want))
			count++;
	}
	if (count > 0)
		LIST_EACH(p, &s->peers, struct peer, link) {
			if (slice_eq(slice_str(p->name), want) &&
			    p->instance == pick % count + 1)
				return p;
		}
	panic("%s may not dial %s", s->name, name);
}

static uint32_t
request(struct peer *p, uint16_t type, struct slice payload, int fd,
    uint64_t timeout_ms, struct wait model)
{
	struct wait *w = mem_dup(&model, sizeof(model));

	do {
		w->id = ++p->last_id;
	} while (w->id == 0 || idmap_get(&p->waits, w->id) != NULL);
	w->deadline = loop_now(p->service->loop) + timeout_ms;
	w->fd = -1;
	buf_init(&w->payload, LIMIT_FRAME);
	if (p->chan != NULL) {
		(void)chan_send(p->chan, type, w->id, payload, fd);
	} else {
		w->unsent = true;
		w->type = type;
		w->fd = fd;
		buf_add_slice(&w->payload, payload);
	}
	idmap_put(&p->waits, w->id, w);
	if (w->lasting && !w->unsent) {
		list_push(&p->open, &w->link);
		return w->id;
	}
	if (list_is_empty(&p->waiting))
		loop_timer_start(p->timer, 1000, 1000);
	list_push(&p->waiting, &w->link);
	return w->id;
}

uint32_t
peer_request(struct peer *p, uint16_t type, struct slice payload, int fd,
    uint64_t timeout_ms, void (*cb)(void *arg, struct chan_frame *reply),
    void *arg)
{
	return request(p, type, payload, fd, timeout_ms,
	    (struct wait){ .once = cb, .arg = arg });
}

uint32_t
peer_stream(struct peer *p, uint16_t type, struct slice payload, int fd,
    uint64_t timeout_ms, bool (*cb)(void *arg, struct chan_frame *reply),
    void *arg)
{
	return request(p, type, payload, fd, timeout_ms,
	    (struct wait){ .cb = cb, .arg = arg });
}

uint32_t
peer_open(struct peer *p, uint16_t type, struct slice payload, int fd,
    bool (*cb)(void *arg, struct chan_frame *reply), void *arg)
{
	return request(p, type, payload, fd, POST_MS,
	    (struct wait){ .cb = cb, .arg = arg, .lasting = true });
}

static void
ignore(void *arg UNUSED, struct chan_frame *reply UNUSED)
{
}

void
peer_post(struct peer *p, uint16_t type, struct slice payload, int fd)
{
	if (p->chan != NULL)
		(void)chan_send(p->chan, type, 0, payload, fd);
	else
		peer_request(p, type, payload, fd, POST_MS, ignore, NULL);
}

int
peer_send(struct peer *p, uint32_t id, uint16_t type, struct slice payload)
{
	struct wait *w = idmap_get(&p->waits, id);

	if (w == NULL || w->unsent || p->chan == NULL)
		return -1;
	return chan_send(p->chan, type, id, payload, -1);
}

void
peer_cancel(struct peer *p, uint32_t id)
{
	struct wait *w = idmap_get(&p->waits, id);

	if (w == NULL)
		return;
	wait_remove(p, w);
	wait_free(w);
}

static int
on_request(void *arg, struct chan *c, struct chan_frame *f)
{
	struct inbound *in = arg;
	const struct service_handler *h = in->service->ops->handlers;

	for (; h != NULL && h->door != NULL; h++)
		if (h->type == f->type && strcmp(h->door, in->door) == 0)
			return h->fn(in->service, c, f);
	return -1;
}

static void
on_caller_gone(void *arg, struct chan *c)
{
	struct inbound *in = arg;

	if (in->service->ops->on_peer != NULL)
		in->service->ops->on_peer(in->service, c, false);
	list_remove(&in->link);
	mem_free(in->caller);
	mem_free(in->door);
	mem_free(in);
}

static const struct chan_ops inbound_ops = { on_request, on_caller_gone };

void
inbound_attach(struct service *s, struct slice name, struct slice door, int fd)
{
	struct inbound *in = mem_zero(sizeof(*in));

	in->service = s;
	in->caller = slice_dup(name);
	in->door = slice_dup(door);
	in->chan = chan_new(s->loop, fd, in->caller, &inbound_ops, in);
	list_push(&s->inbound, &in->link);
	if (s->ready && s->ops->on_peer != NULL)
		s->ops->on_peer(s, in->chan, true);
}

void
inbound_flush(struct service *s)
{
	struct inbound *in;

	LIST_EACH(in, &s->inbound, struct inbound, link)
		chan_flush(in->chan);
}

const char *
service_door(struct chan *c)
{
	return ((struct inbound *)chan_arg(c))->door;
}

const char *
service_caller(struct chan *c)
{
	return ((struct inbound *)chan_arg(c))->caller;
}
