/* WIRE_ADMIN: `setup dmarc report [DOMAIN] [--days N] [--json]`, `setup dmarc
 * send`. */
#include "services/reports/reports.h"

#include "core/limits.h"
#include "core/now.h"
#include "core/num.h"
#include "wire/admin.h"

#define TEXT_FRAME 32768
#define ANSWER_MAX (16u << 20)
#define DAYS 30

struct ask {
	struct reports *reports;
	struct chan *chan; /* NULL when its caller is gone */
	uint32_t id;
	struct list link;
	struct arena arena;
	struct base_query query;
	struct buf out;
	uint8_t status;
};

static int
parse(struct ask *a, struct slice words)
{
	struct base_query *q = &a->query;
	struct slice word = S("");
	uint64_t days = DAYS;

	if (!slice_split(&words, '\0', &word) || !slice_eq(word, S("report")))
		return -1;
	while (slice_split(&words, '\0', &word)) {
		if (slice_eq(word, S("--json")))
			q->json = true;
		else if (slice_eq(word, S("--days"))) {
			if (!slice_split(&words, '\0', &word) ||
			    num_u64(word, 36500, &days) == -1 || days == 0)
				return -1;
		} else if (word.n > 0 && word.p[0] != '-' && q->domain.n == 0)
			q->domain = arena_slice(&a->arena, word);
		else
			return -1;
	}
	q->since = now_wall() - (int64_t)days * 86400;
	return 0;
}

static void
send_answer(struct ask *a)
{
	struct slice rest = buf_slice(&a->out);

	while (rest.n > 0 && a->chan != NULL) {
		struct slice piece = slice_head(rest, TEXT_FRAME);

		if (chan_send(a->chan, WIRE_ADMIN_TEXT, a->id, piece, -1) == -1)
			a->chan = NULL;
		rest = slice_from(rest, piece.n);
	}
	if (a->chan != NULL)
		(void)chan_send(a->chan, WIRE_ADMIN_END, a->id,
		    slice_of((char *)&a->status, 1), -1);
}

static void
ask_work(void *arg)
{
	struct ask *a = arg;

	if (base_show(a->reports->base, &a->query, &a->out) == -1 ||
	    !buf_ok(&a->out)) {
		buf_clear(&a->out);
		buf_adds(&a->out, "the database of reports cannot be read\n");
		a->status = 1;
	}
}

static void
send_work(void *arg)
{
	struct ask *a = arg;
	int n = notes_end_now(a->reports->notes, now_wall());

	if (n == -1) {
		buf_adds(&a->out, "the database of notes cannot be written\n");
		a->status = 1;
	} else {
		buf_addf(&a->out, n == 1 ? "%d report is due now.\n" :
		    "%d reports are due now.\n", n);
	}
}

static void
ask_done(void *arg)
{
	struct ask *a = arg;
	struct reports *r = a->reports;

	send_answer(a);
	send_try(r);
	list_remove(&a->link);
	buf_release(&a->out);
	arena_release(&a->arena);
	mem_free(a);
	r->jobs--;
	reports_maybe_exit(r);
}

int
ask_request(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct reports *r = service_data(s);
	struct ask *a = mem_zero(sizeof(*a));

	a->reports = r;
	a->chan = c;
	a->id = f->id;
	buf_init(&a->out, ANSWER_MAX);
	list_push(&r->asks, &a->link);
	r->jobs++;
	if (slice_eq(f->payload, S("send")) && r->notes != NULL) {
		note_flush(r);
		loop_work(r->loop, send_work, ask_done, a);
		return 0;
	}
	if (parse(a, f->payload) == -1) {
		buf_adds(&a->out, "usage: report [DOMAIN] [--days N] "
		    "[--json], or send\n");
		a->status = 1;
		ask_done(a);
		return 0;
	}
	loop_work(r->loop, ask_work, ask_done, a);
	return 0;
}

void
ask_forget_channel(struct reports *r, struct chan *c)
{
	struct ask *a;

	LIST_EACH (a, &r->asks, struct ask, link)
		if (a->chan == c)
			a->chan = NULL;
}
