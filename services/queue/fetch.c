#include "services/queue/fetch.h"

#include "core/file.h"
#include "core/log.h"
#include "services/queue/notice.h"
#include "wire/reports.h"

/* A few a minute: other mail comes first. */
#define PAUSE_MS 10000
#define AGAIN_MS 60000 /* when the spool is full */
#define SIZE_MAX_MAIL (64u << 20)

struct fetch {
	struct queue *queue;
	struct loop_timer *timer;
};

/* One report on its way into the spool. */
struct report {
	struct fetch *fetch;
	struct notice notice;
	uint64_t number;
	uint64_t size;
	char *domain;
	uint32_t n;
	char *to[LIMIT_NOTES_RECIPIENTS];
};

static void
report_free(struct report *p)
{
	notice_release(&p->notice);
	for (uint32_t i = 0; i < p->n; i++)
		mem_free(p->to[i]);
	mem_free(p->domain);
	mem_free(p);
}

static void
report_end(struct report *p, bool ok)
{
	struct fetch *f = p->fetch;
	struct queue *q = f->queue;
	struct buf b = WIRE_BUF;
	struct log_line l;

	if (ok) {
		wire_put_u64(&b, p->number);
		peer_post(q->dmarc, WIRE_REPORTS_SENT, buf_slice(&b), -1);
		buf_release(&b);
		log_begin(&l, LOG_INFO, "dmarc-report-sent");
		log_str(&l, "id", p->notice.env.id);
		log_str(&l, "domain", p->domain);
		log_num(&l, "nrcpt", p->n);
		log_end(&l);
	}
	report_free(p);
	loop_timer_start(f->timer, ok ? PAUSE_MS : AGAIN_MS, 0);
	queue_maybe_exit(q);
}

static void
on_kept(struct notice *n, bool ok)
{
	report_end(CONTAINER_OF(n, struct report, notice), ok);
}

/* -1 if it is malformed. */
static int
take(struct report *p, struct slice payload)
{
	struct wire_in in = wire_in(payload);
	uint32_t count;

	p->number = wire_get_u64(&in);
	p->domain = slice_dup(wire_get_slice(&in, WIRE_REPORTS_TEXT));
	p->size = wire_get_u64(&in);
	count = wire_get_u32(&in);
	if (count == 0 || count > LEN(p->to) || p->size > SIZE_MAX_MAIL)
		return -1;
	for (uint32_t i = 0; i < count && !in.failed; i++)
		p->to[p->n++] = slice_dup(wire_get_slice(&in, LIMIT_ADDRESS));
	return wire_end(&in);
}

/* The mail from its descriptor into the notice. -1 with errno. */
static int
copy(struct report *p, int fd)
{
	struct buf text = BUF_INIT(SIZE_MAX_MAIL);
	char *room = buf_reserve(&text, (size_t)p->size);
	int r = -1;

	if (room != NULL && file_pread_all(fd, room, (size_t)p->size, 0) == 0)
		r = notice_write(&p->notice, slice_of(room, (size_t)p->size));
	buf_release(&text);
	return r;
}

static void
report_start(struct fetch *f, struct chan_frame *frame)
{
	struct report *p = mem_zero(sizeof(*p));
	int r;

	p->fetch = f;
	/* Nobody is told when it does not arrive: there are no flags. */
	r = notice_init(&p->notice, f->queue, 0);
	if (take(p, frame->payload) == -1 || frame->fd == -1) {
		log_error("dmarc-fetch", "reason=\"malformed answer\"");
		report_end(p, false);
		return;
	}
	for (uint32_t i = 0; i < p->n && r == 0; i++)
		r = notice_to(&p->notice, slice_str(p->to[i]));
	if (r == -1 || copy(p, frame->fd) == -1) {
		log_error("spool", "id=%s write=\"%s\"", p->notice.env.id,
		    strerror(errno));
		report_end(p, false);
		return;
	}
	notice_send(&p->notice, on_kept);
}

static bool
on_reply(void *arg, struct chan_frame *frame)
{
	struct fetch *f = arg;

	/* Without an answer reports has died, and is soon back. */
	if (frame == NULL || frame->type != WIRE_REPORTS_READY ||
	    service_is_stopping(f->queue->service))
		loop_timer_start(f->timer, PAUSE_MS, 0);
	else
		report_start(f, frame);
	return false;
}

static void
ask(void *arg)
{
	struct fetch *f = arg;

	if (!service_is_stopping(f->queue->service))
		peer_open(f->queue->dmarc, WIRE_REPORTS_NEXT, S(""), -1,
		    on_reply, f);
}

void
fetch_start(struct queue *q)
{
	struct fetch *f;

	if (!q->conf->dmarc_send_reports)
		return;
	f = mem_zero(sizeof(*f));
	f->queue = q;
	f->timer = loop_timer_new(q->loop, ask, f);
	loop_timer_start(f->timer, 0, 0);
}
