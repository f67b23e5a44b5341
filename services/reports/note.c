/*
 * WIRE_REPORTS_NOTE: what dkim found out about a message. Notes are collected
 * for a moment and written together.
 */
#include "services/reports/reports.h"

#include "core/log.h"
#include "core/now.h"
#include "wire/reports.h"

#define COLLECT_MS 1000

struct job {
	struct reports *reports;
	struct buf batch;
	int left_out;
};

static void
work(void *arg)
{
	struct job *j = arg;

	j->left_out = notes_take(j->reports->notes, buf_slice(&j->batch),
	    now_wall());
}

static void
done(void *arg)
{
	struct job *j = arg;
	struct reports *r = j->reports;

	if (j->left_out > 0)
		log_warn("dmarc-notes", "left-out=%d reason=\"too many\"",
		    j->left_out);
	buf_release(&j->batch);
	mem_free(j);
	r->jobs--;
	reports_maybe_exit(r);
}

void
note_flush(struct reports *r)
{
	struct job *j;

	if (r->pending.n == 0)
		return;
	j = mem_zero(sizeof(*j));
	j->reports = r;
	j->batch = r->pending;
	buf_init(&r->pending, LIMIT_NOTES_PENDING);
	r->jobs++;
	loop_work(r->loop, work, done, j);
}

static void
on_timer(void *arg)
{
	note_flush(arg);
}

void
note_start(struct reports *r)
{
	buf_init(&r->pending, LIMIT_NOTES_PENDING);
	r->collect = loop_timer_new(r->loop, on_timer, r);
}

int
note_take(struct service *s, struct chan *c UNUSED, struct chan_frame *f)
{
	struct reports *r = service_data(s);

	if (r->notes == NULL)
		return 0;
	if (!notes_is_good(f->payload))
		return -1;
	if (r->pending.n == 0)
		loop_timer_start(r->collect, COLLECT_MS, 0);
	if (r->pending.n + f->payload.n + 4 > LIMIT_NOTES_PENDING)
		note_flush(r);
	wire_put_slice(&r->pending, f->payload);
	r->noted++;
	return 0;
}
