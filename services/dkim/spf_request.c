/*
 * One WIRE_SPF_CHECK request: what smtp-mx asks at RCPT. The results for the
 * header are found again with the message (verify_request.c), when the DNS
 * answers lie in the resolver's cache.
 */
#include "core/arena.h"
#include "core/now.h"
#include "services/dkim/spf_work.h"
#include "wire/dkim.h"

struct spf_request {
	struct list link;
	struct dkim *dkim;
	struct chan *chan; /* NULL when its caller is gone */
	uint32_t id;
	struct arena arena;
	struct spf_work work;
};

static void
request_free(struct spf_request *r)
{
	spf_work_release(&r->work);
	arena_release(&r->arena);
	list_remove(&r->link);
	r->dkim->checks--;
	mem_free(r);
}

static void
finish(void *arg)
{
	struct spf_request *r = arg;
	const struct spf *refuses = spf_work_refuses(&r->work);
	struct buf text = BUF_INIT(LIMIT_SMTP_REPLY), b = WIRE_BUF;

	if (refuses != NULL) {
		spf_refusal(refuses, &text);
		spf_work_log(&r->work);
	}
	wire_put_slice(&b, buf_slice(&text));
	if (r->chan != NULL)
		chan_send(r->chan, WIRE_SPF_VERDICT, r->id, buf_slice(&b), -1);
	buf_release(&text);
	buf_release(&b);
	request_free(r);
}

int
spf_request(struct dkim *d, struct chan *c, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct spf_request *r = mem_zero(sizeof(*r));
	struct spf_check check = { .now = now_wall() };
	struct slice client;

	d->checks++;
	r->dkim = d;
	r->chan = c;
	r->id = f->id;
	list_init(&r->link);
	list_push(&d->checking, &r->link);
	client = wire_get_slice(&in, SOCKADDR_TEXT);
	check.helo = arena_slice(&r->arena,
	    wire_get_slice(&in, LIMIT_SMTP_COMMAND));
	check.sender = arena_slice(&r->arena,
	    wire_get_slice(&in, LIMIT_SMTP_COMMAND));
	check.receiver = slice_str(d->host);
	if (wire_end(&in) == -1) {
		request_free(r);
		return -1;
	}
	/* Too busy, or nothing to wait for: what is not refused here is looked
	 * at again with the message. */
	if (d->checks > LIMIT_SPF_JOBS ||
	    !spf_work_start(&r->work, d, client, &check, finish, r))
		finish(r);
	return 0;
}

void
spf_forget(struct dkim *d, struct chan *c)
{
	struct spf_request *r;

	LIST_EACH(r, &d->checking, struct spf_request, link)
		if (r->chan == c)
			r->chan = NULL;
}
