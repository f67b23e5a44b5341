/*
 * The event loop of a process: timers, descriptors, signals and a pool of
 * threads for work that blocks. One loop per process, one thread runs it, and
 * every callback runs on that thread (loop_work's first function excepted).
 * libuv is behind these names; nothing else of ours includes uv.h.
 *
 * Handles are heap objects that the loop frees after their _free: a _free is
 * legal at any time, also inside the handle's own callback, and no callback
 * of it runs afterwards.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "core/list.h"

struct loop;
struct loop_timer;
struct loop_poll;
struct loop_signal;

struct loop *loop_new(void);
/* Runs until loop_stop or until nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Closes every handle that is still open and releases the loop. */
void loop_free(struct loop *l);
/* Milliseconds of the monotonic clock, as of this round of the loop. */
uint64_t loop_now(struct loop *l);

/* One-shot or repeating timer; created stopped. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *), void *arg);
/* (Re)starts: fires after ms, then every repeat_ms unless that is 0. */
void loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/*
 * Watches a descriptor, which stays the caller's: loop_poll_free first, close
 * after. events is what is ready; an error or hangup shows as both.
 */
struct loop_poll *loop_poll_new(struct loop *l, int fd,
    void (*fn)(void *arg, int events), void *arg);
void loop_poll_set(struct loop_poll *p, int events); /* 0 stops */
void loop_poll_free(struct loop_poll *p); /* NULL is fine */

struct loop_signal *loop_signal_new(struct loop *l, int signo,
    void (*fn)(void *), void *arg);
void loop_signal_free(struct loop_signal *s);

/*
 * Runs work(arg) on a thread of the pool, then done(arg) on the loop. There is
 * no cancelling: arg must live until done.
 */
void loop_work(struct loop *l, void (*work)(void *), void (*done)(void *),
    void *arg);
/* Number of threads of the pool; call before the first loop_work. */
void loop_work_threads(unsigned n);

/*
 * A task runs once, on the next round after it was scheduled; scheduling a
 * scheduled one changes nothing. Embedded in its owner, who cancels it before
 * going away.
 */
struct loop_task {
	struct list link;
	void (*fn)(void *);
	void *arg;
};

void loop_task_init(struct loop_task *t, void (*fn)(void *), void *arg);
void loop_task_schedule(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

/*
 * The same without an owner: runs fn(arg) once, on the next round of the loop. loop_defer_cancel drops
 * every pending call of fn with arg.
 */
void loop_defer(struct loop *l, void (*fn)(void *), void *arg);
void loop_defer_cancel(struct loop *l, void (*fn)(void *), void *arg);

#endif
