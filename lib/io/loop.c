#include "io/loop.h"

#include <uv.h>

struct loop {
	uv_loop_t uv;
	uv_check_t check;  /* runs deferred calls after I/O */
	uv_idle_t idle;    /* keeps the round short while calls are pending */
	struct list deferred; /* for the next round */
	struct list running;  /* what this round still has to call */
	bool stopping;
};

struct loop_timer {
	uv_timer_t uv;
	void (*fn)(void *);
	void *arg;
};

struct loop_poll {
	uv_poll_t uv;
	void (*fn)(void *, int);
	void *arg;
	int events; /* as set, LOOP_ bits */
};

struct loop_signal {
	uv_signal_t uv;
	void (*fn)(void *);
	void *arg;
};

/* What loop_defer allocates: a task that frees itself. */
struct deferred {
	struct loop_task task;
	void (*fn)(void *);
	void *arg;
};

struct work {
	uv_work_t uv;
	void (*work)(void *);
	void (*done)(void *);
	void *arg;
};

static void
must(int r, const char *what)
{
	if (r < 0)
		panic("%s: %s", what, uv_strerror(r));
}

/* Runs what was pending when the round began; a task scheduled meanwhile
 * waits for the next round, so nobody can starve I/O. */
static void
run_deferred(uv_check_t *check)
{
	struct loop *l = check->data;

	if (list_is_empty(&l->deferred)) {
		/* All were cancelled: without this the loop would spin. */
		uv_idle_stop(&l->idle);
		return;
	}
	list_insert_before(l->deferred.next, &l->running);
	list_remove(&l->deferred);
	while (!list_is_empty(&l->running)) {
		struct loop_task *t =
		    LIST_FIRST(&l->running, struct loop_task, link);

		list_remove(&t->link);
		t->fn(t->arg);
	}
	if (list_is_empty(&l->deferred))
		uv_idle_stop(&l->idle);
}

static void
on_idle(uv_idle_t *idle UNUSED)
{
}

struct loop *
loop_new(void)
{
	struct loop *l = mem_zero(sizeof(*l));

	must(uv_loop_init(&l->uv), "uv_loop_init");
	list_init(&l->deferred);
	list_init(&l->running);
	must(uv_check_init(&l->uv, &l->check), "uv_check_init");
	must(uv_idle_init(&l->uv, &l->idle), "uv_idle_init");
	l->check.data = l;
	must(uv_check_start(&l->check, run_deferred), "uv_check_start");
	uv_unref((uv_handle_t *)&l->check);
	return l;
}

void
loop_run(struct loop *l)
{
	l->stopping = false;
	while (!l->stopping && uv_run(&l->uv, UV_RUN_ONCE) != 0)
		continue;
}

void
loop_stop(struct loop *l)
{
	l->stopping = true;
	uv_stop(&l->uv);
}

static void
free_handle(uv_handle_t *h)
{
	/* check and idle live in the loop; all else starts its own object. */
	if (h->type != UV_CHECK && h->type != UV_IDLE)
		mem_free(h);
}

static void
close_walk(uv_handle_t *h, void *arg UNUSED)
{
	if (!uv_is_closing(h))
		uv_close(h, free_handle);
}

void
loop_free(struct loop *l)
{
	uv_walk(&l->uv, close_walk, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	must(uv_loop_close(&l->uv), "uv_loop_close");
	mem_free(l);
}

uint64_t
loop_now(struct loop *l)
{
	return uv_now(&l->uv);
}

static void
on_timer(uv_timer_t *uv)
{
	struct loop_timer *t = (struct loop_timer *)uv;

	t->fn(t->arg);
}

struct loop_timer *
loop_timer_new(struct loop *l, void (*fn)(void *), void *arg)
{
	struct loop_timer *t = mem_zero(sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	must(uv_timer_init(&l->uv, &t->uv), "uv_timer_init");
	return t;
}

void
loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms)
{
	must(uv_timer_start(&t->uv, on_timer, ms, repeat_ms), "uv_timer_start");
}

void
loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t != NULL)
		uv_close((uv_handle_t *)&t->uv, free_handle);
}

static void
on_poll(uv_poll_t *uv, int status, int events)
{
	struct loop_poll *p = (struct loop_poll *)uv;
	int ready = 0;

	if (events & UV_READABLE)
		ready |= LOOP_READ;
	if (events & UV_WRITABLE)
		ready |= LOOP_WRITE;
	if (status < 0) {
		ready = LOOP_READ | LOOP_WRITE;
		/* libuv stops watching at POLLERR. The owner may find data in
		 * front of the error, so it must be told again. */
		loop_poll_set(p, p->events);
	}
	p->fn(p->arg, ready);
}

struct loop_poll *
loop_poll_new(struct loop *l, int fd, void (*fn)(void *, int), void *arg)
{
	struct loop_poll *p = mem_zero(sizeof(*p));

	p->fn = fn;
	p->arg = arg;
	must(uv_poll_init(&l->uv, &p->uv, fd), "uv_poll_init");
	return p;
}

void
loop_poll_set(struct loop_poll *p, int events)
{
	int want = 0;

	if (events & LOOP_READ)
		want |= UV_READABLE;
	if (events & LOOP_WRITE)
		want |= UV_WRITABLE;
	p->events = events;
	if (want == 0)
		must(uv_poll_stop(&p->uv), "uv_poll_stop");
	else
		must(uv_poll_start(&p->uv, want, on_poll), "uv_poll_start");
}

void
loop_poll_free(struct loop_poll *p)
{
	if (p == NULL)
		return;
	uv_poll_stop(&p->uv);
	uv_close((uv_handle_t *)&p->uv, free_handle);
}

static void
on_signal(uv_signal_t *uv, int signo UNUSED)
{
	struct loop_signal *s = (struct loop_signal *)uv;

	s->fn(s->arg);
}

struct loop_signal *
loop_signal_new(struct loop *l, int signo, void (*fn)(void *), void *arg)
{
	struct loop_signal *s = mem_zero(sizeof(*s));

	s->fn = fn;
	s->arg = arg;
	must(uv_signal_init(&l->uv, &s->uv), "uv_signal_init");
	must(uv_signal_start(&s->uv, on_signal, signo), "uv_signal_start");
	return s;
}

void
loop_signal_free(struct loop_signal *s)
{
	if (s != NULL)
		uv_close((uv_handle_t *)&s->uv, free_handle);
}

static void
on_work(uv_work_t *uv)
{
	struct work *w = (struct work *)uv;

	w->work(w->arg);
}

static void
after_work(uv_work_t *uv, int status UNUSED)
{
	struct work *w = (struct work *)uv;
	void (*done)(void *) = w->done;
	void *arg = w->arg;

	mem_free(w);
	done(arg);
}

void
loop_work(struct loop *l, void (*work)(void *), void (*done)(void *), void *arg)
{
	struct work *w = mem_zero(sizeof(*w));

	w->work = work;
	w->done = done;
	w->arg = arg;
	must(uv_queue_work(&l->uv, &w->uv, on_work, after_work),
	    "uv_queue_work");
}

void
loop_work_threads(unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	if (setenv("UV_THREADPOOL_SIZE", text, 1) == -1)
		panic("setenv: %s", strerror(errno));
}

void
loop_task_init(struct loop_task *t, void (*fn)(void *), void *arg)
{
	list_init(&t->link);
	t->fn = fn;
	t->arg = arg;
}

void
loop_task_schedule(struct loop *l, struct loop_task *t)
{
	if (!list_is_empty(&t->link))
		return;
	list_push(&l->deferred, &t->link);
	/* An active idle handle makes the next poll return at once. */
	must(uv_idle_start(&l->idle, on_idle), "uv_idle_start");
}

void
loop_task_cancel(struct loop_task *t)
{
	list_remove(&t->link);
}

static void
run_once(void *arg)
{
	struct deferred *d = arg;
	void (*fn)(void *) = d->fn;
	void *fn_arg = d->arg;

	mem_free(d);
	fn(fn_arg);
}

void
loop_defer(struct loop *l, void (*fn)(void *), void *arg)
{
	struct deferred *d = mem_alloc(sizeof(*d));

	loop_task_init(&d->task, run_once, d);
	d->fn = fn;
	d->arg = arg;
	loop_task_schedule(l, &d->task);
}

static void
cancel_in(struct list *head, void (*fn)(void *), void *arg)
{
	struct loop_task *t;

	LIST_EACH(t, head, struct loop_task, link) {
		struct deferred *d;

		if (t->fn != run_once)
			continue;
		d = t->arg;
		if (d->fn == fn && d->arg == arg) {
			list_remove(&t->link);
			mem_free(d);
		}
	}
}

void
loop_defer_cancel(struct loop *l, void (*fn)(void *), void *arg)
{
	cancel_in(&l->deferred, fn, arg);
	cancel_in(&l->running, fn, arg);
}
