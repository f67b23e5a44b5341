/*
 * One WIRE_DKIM_VERIFY request: hash (a large message on a thread), ask the
 * resolver for the keys, check SPF beside that, answer with the verdict.
 */
#include "core/log.h"
#include "core/now.h"
#include "msgauth/dkim_verify.h"
#include "services/dkim/dkim.h"
#include "services/dkim/spf_work.h"
#include "wire/dkim.h"
#include "wire/resolver.h"

#define DNS_TIMEOUT_MS 20000
/* Up to here reading costs less than waking a thread. */
#define INLINE_SIZE 16384

struct verify_request {
	struct list link;
	struct dkim *dkim;
	struct chan *chan; /* NULL when its caller is gone */
	uint32_t id;
	struct dkim_verify verify;
	struct spf_work spf;
	size_t waiting;
	struct question {
		struct verify_request *request;
		struct dkim_verified *signature;
	} questions[LIMIT_DKIM_SIGNATURES];
};

/* What SMTP answers; code 0 accepts. */
struct answer {
	uint32_t code;
	const char *enhanced;
	const char *text;
};

static void
request_free(struct verify_request *r)
{
	spf_work_release(&r->spf);
	dkim_verify_release(&r->verify);
	list_remove(&r->link);
	r->dkim->requests--;
	mem_free(r);
}

static void
send_verdict(struct verify_request *r, struct slice field,
    const struct answer *a)
{
	const struct dkim_verify *v = &r->verify;
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, field);
	wire_put_u32(&b, a->code);
	wire_put_str(&b, a->enhanced);
	wire_put_str(&b, a->text);
	wire_put_u32(&b, (uint32_t)v->cut_count);
	for (size_t i = 0; i < v->cut_count; i++) {
		wire_put_u64(&b, v->cuts[i].start);
		wire_put_u64(&b, v->cuts[i].end);
	}
	if (r->chan != NULL)
		chan_send(r->chan, WIRE_DKIM_VERDICT, r->id, buf_slice(&b), -1);
	buf_release(&b);
}

/* SPF refuses whatever DKIM says (dms-compat 6.9). */
static struct answer
refuse(struct verify_request *r, const struct spf *s)
{
	struct buf text = BUF_INIT(LIMIT_SMTP_REPLY);
	struct answer a = { 550, "5.7.23", "" }; /* RFC 7372 section 3.2 */

	spf_refusal(s, &text);
	a.text = arena_dup(&r->verify.arena, buf_slice(&text));
	buf_release(&text);
	return a;
}

/* A DKIM result alone never refuses a message (RFC 6376 6.3); a policy of the
 * author's domain will be judged here. */
static struct answer
decide(struct verify_request *r)
{
	const struct dkim_verify *v = &r->verify;
	const struct spf *refuses = spf_work_refuses(&r->spf);

	if (v->error != 0)
		return (struct answer){ 451, "4.3.0",
			"The message could not be read back" };
	if (v->too_many_cuts)
		return (struct answer){ 550, "5.6.0",
			"Too many forged Authentication-Results fields" };
	if (refuses != NULL)
		return refuse(r, refuses);
	return (struct answer){ 0, "", "" };
}

static void
finish(struct verify_request *r)
{
	struct buf field = BUF_INIT(LIMIT_FRAME / 2);
	struct authres_result spf[SPF_RESULTS_MAX];
	struct answer a = decide(r);

	if (r->verify.error != 0)
		log_error("dkim-verify-failed", "error=\"%s\"",
		    strerror(r->verify.error));
	spf_work_log(&r->spf);
	spf_work_received(&r->spf, &field);
	dkim_verify_report(&r->verify, spf, spf_work_results(&r->spf, spf),
	    &field);
	r->dkim->verdicts++;
	send_verdict(r, buf_slice(&field), &a);
	buf_release(&field);
	request_free(r);
}

/* RFC 6376 3.6.2.2: of several records each may be tried. */
static void
use_records(struct dkim_verified *s, const struct wire_dns_answer *a)
{
	bool used = false;

	for (uint32_t i = 0; i < a->count && !used; i++) {
		struct buf text = BUF_INIT(LIMIT_FRAME);

		if (wire_dns_txt(a->rdata[i], &text) == 0)
			used = dkim_verify_use_key(s, buf_slice(&text));
		buf_release(&text);
	}
	if (s->result == DKIM_NEEDS_KEY)
		dkim_verify_no_key(s, false, "no key");
}

static void
on_answer(void *arg, struct chan_frame *reply)
{
	struct question *q = arg;
	struct verify_request *r = q->request;
	struct wire_dns_answer a;

	if (reply == NULL || reply->type != WIRE_DNS_ANSWER ||
	    wire_dns_answer_get(reply->payload, &a) == -1)
		dkim_verify_no_key(q->signature, true, "DNS does not answer");
	else if (a.status == WIRE_DNS_SERVFAIL || a.status == WIRE_DNS_BOGUS)
		dkim_verify_no_key(q->signature, true, "key unavailable");
	else if (a.status != WIRE_DNS_OK)
		dkim_verify_no_key(q->signature, false, "no key");
	else
		use_records(q->signature, &a);
	if (--r->waiting == 0)
		finish(r);
}

static void
ask(struct question *q)
{
	struct buf name = BUF_INIT(1024);
	struct buf b = WIRE_BUF;

	if (dkim_verify_key_name(q->signature, &name) == -1) {
		dkim_verify_no_key(q->signature, false, "bad domain name");
	} else {
		q->request->waiting++;
		wire_put_slice(&b, buf_slice(&name));
		wire_put_u32(&b, DNS_TXT);
		peer_request(q->request->dkim->resolver, WIRE_DNS_ASK,
		    buf_slice(&b), -1, DNS_TIMEOUT_MS, on_answer, q);
	}
	buf_release(&b);
	buf_release(&name);
}

static void
read_work(void *arg)
{
	struct verify_request *r = arg;

	dkim_verify_read(&r->verify);
}

static void
read_done(void *arg)
{
	struct verify_request *r = arg;
	struct dkim_verify *v = &r->verify;

	if (!r->dkim->enabled)
		v->n = 0;
	for (size_t i = 0; i < v->n && v->error == 0; i++) {
		struct question *q = &r->questions[i];

		q->request = r;
		q->signature = &v->list[i];
		if (q->signature->result == DKIM_NEEDS_KEY)
			ask(q);
	}
	if (--r->waiting == 0)
		finish(r);
}

static void
on_spf(void *arg)
{
	struct verify_request *r = arg;

	if (--r->waiting == 0)
		finish(r);
}

int
verify_request(struct dkim *d, struct chan *c, struct chan_frame *f)
{
	static const struct answer busy = { 451, "4.3.0", "Too busy" };
	struct wire_in in = wire_in(f->payload);
	struct verify_request *r = mem_zero(sizeof(*r));
	struct dkim_verify *v = &r->verify;
	struct spf_check check = { 0 };
	struct slice client;

	d->requests++;
	r->dkim = d;
	r->chan = c;
	r->id = f->id;
	list_init(&r->link);
	list_push(&d->verifying, &r->link);
	dkim_verify_init(v);
	v->size = wire_get_u64(&in);
	client = wire_get_slice(&in, SOCKADDR_TEXT);
	check.helo = arena_slice(&v->arena,
	    wire_get_slice(&in, LIMIT_SMTP_COMMAND));
	check.sender = arena_slice(&v->arena,
	    wire_get_slice(&in, LIMIT_SMTP_COMMAND));
	v->authserv_id = arena_slice(&v->arena,
	    wire_get_slice(&in, LIMIT_DOMAIN));
	check.receiver = v->authserv_id;
	if (wire_end(&in) == -1 || f->fd == -1 || v->size > INT64_MAX) {
		request_free(r);
		return -1;
	}
	v->now = check.now = now_wall();
	v->fd = f->fd;
	f->fd = -1;
	if (d->requests > LIMIT_DKIM_JOBS) {
		send_verdict(r, S(""), &busy);
		request_free(r);
		return 0;
	}
	r->waiting = 1; /* for reading */
	if (spf_work_start(&r->spf, d, client, &check, on_spf, r))
		r->waiting++;
	if (v->size > INLINE_SIZE) {
		loop_work(d->loop, read_work, read_done, r);
		return 0;
	}
	read_work(r);
	read_done(r);
	return 0;
}

void
verify_forget(struct dkim *d, struct chan *c)
{
	struct verify_request *r;

	LIST_EACH(r, &d->verifying, struct verify_request, link)
		if (r->chan == c)
			r->chan = NULL;
}
