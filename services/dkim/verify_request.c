/*
 * One WIRE_DKIM_VERIFY request: hash (a large message on a thread); ask the
 * resolver for the keys of DKIM, those of ARC, what SPF needs and DMARC's
 * policy side by side; then for what alignment needs; answer with the verdict.
 */
#include "core/log.h"
#include "core/now.h"
#include "core/rand.h"
#include "services/dkim/dkim.h"
#include "services/dkim/note.h"
#include "services/dkim/policy.h"
#include "services/dkim/spf_work.h"
#include "wire/dkim.h"
#include "wire/resolver.h"

/* For all questions together: queue waits a little longer, and must not take
 * a message unjudged because somebody's DNS is slow. */
#define DNS_TIME_MS 20000
/* Up to here reading costs less than waking a thread. */
#define INLINE_SIZE 16384

struct verify_request {
	struct list link;
	struct dkim *dkim;
	struct chan *chan; /* NULL when its caller is gone */
	uint32_t id;
	struct dkim_verify verify;
	struct spf_work spf;
	struct dmarc dmarc;
	struct policy policy;
	uint64_t deadline;   /* for the DNS, ms */
	bool aligning;       /* what dmarc asks needs all other results */
	size_t waiting;
	struct question {
		struct verify_request *request;
		struct dkim_verified *signature;
	} questions[LIMIT_DKIM_SIGNATURES];
};

static void
request_free(struct verify_request *r)
{
	spf_work_release(&r->spf);
	dmarc_release(&r->dmarc);
	dkim_verify_release(&r->verify);
	list_remove(&r->link);
	r->dkim->requests--;
	mem_free(r);
}

static const enum wire_dkim_chain chains[ARC_RESULTS] = {
	[ARC_NONE] = WIRE_DKIM_CHAIN_NONE,
	[ARC_PASS] = WIRE_DKIM_CHAIN_PASS,
	[ARC_FAIL] = WIRE_DKIM_CHAIN_FAIL,
};

static void
send_verdict(struct verify_request *r, struct slice field,
    const struct answer *a)
{
	const struct dkim_verify *v = &r->verify;
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, field);
	wire_put_u32(&b, a->code);
	wire_put_str(&b, a->enhanced);
	wire_put_slice(&b, a->text);
	wire_put_bool(&b, r->policy.junk);
	wire_put_bool(&b, v->author.why == NULL &&
	    r->dmarc.result == DMARC_PASS);
	wire_put_u8(&b, (uint8_t)chains[v->arc.result]);
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
	struct answer a = { 550, "5.7.23", { 0 } }; /* RFC 7372 section 3.2 */

	spf_refusal(s, &text);
	a.text = arena_slice(&r->verify.arena, buf_slice(&text));
	buf_release(&text);
	return a;
}

/* A DKIM result alone never refuses a message (RFC 6376 6.3). */
static struct answer
decide(struct verify_request *r)
{
	const struct dkim_verify *v = &r->verify;
	const struct spf *refuses = spf_work_refuses(&r->spf);

	if (v->error != 0)
		return (struct answer){ 451, "4.3.0",
			S("The message could not be read back") };
	if (v->too_many_cuts)
		return (struct answer){ 550, "5.6.0",
			S("Too many forged Authentication-Results fields") };
	/* A forwarder who is trusted sends in the name of others. */
	if (refuses != NULL && r->policy.excuse.n == 0)
		return refuse(r, refuses);
	return r->policy.answer;
}

static bool
judges(const struct dkim *d)
{
	return d->enabled || d->conf->enable_opendmarc;
}

static void
judge(struct verify_request *r)
{
	const struct dkim *d = r->dkim;

	r->policy.enforced = d->conf->enable_opendmarc;
	r->policy.invalid_from = d->conf->invalid_from;
	r->policy.networks = slice_str(d->conf->dmarc_trusted_networks);
	r->policy.sealers = d->sealers;
	r->policy.sealer_count = d->sealer_count;
	r->policy.arena = &r->verify.arena;
	dmarc_dispose(&r->dmarc, (unsigned)rand_below(100));
	policy_decide(&r->policy, &r->verify, &r->dmarc);
}

static void
finish(struct verify_request *r)
{
	struct buf field = BUF_INIT(LIMIT_FRAME / 2);
	struct authres_result others[DKIM_VERIFY_OTHERS];
	struct answer a;
	size_t n = spf_work_results(&r->spf, others);

	if (r->verify.error != 0) {
		log_error("dkim-verify-failed", "error=\"%s\"",
		    strerror(r->verify.error));
	} else if (judges(r->dkim)) {
		judge(r);
		n += policy_report(&r->policy, &r->verify, &r->dmarc,
		    others + n);
	}
	a = decide(r);
	if (judges(r->dkim))
		note_message(r->dkim, &(struct note_message){ &r->verify,
		    &r->spf, &r->dmarc, &r->policy, &a });
	spf_work_log(&r->spf);
	spf_work_received(&r->spf, &field);
	dkim_verify_report(&r->verify, others, n, &field);
	/* What filters of docker-mailserver look for (dms-compat 7.5). */
	if (r->policy.junk)
		buf_adds(&field, "X-Spam-Flag: YES\r\n");
	r->dkim->verdicts++;
	send_verdict(r, buf_slice(&field), &a);
	buf_release(&field);
	request_free(r);
}

/* ---- questions ------------------------------------------------------------ */

static void part_done(struct verify_request *r);

/* arg is what cb gets; an answer comes in any case, by the deadline. */
static void
ask(struct verify_request *r, const struct dns_question *q,
    void (*cb)(void *arg, struct chan_frame *reply), void *arg)
{
	uint64_t now = now_mono_ms();
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, q->name);
	wire_put_u32(&b, q->type);
	peer_request(r->dkim->resolver, WIRE_DNS_ASK, buf_slice(&b), -1,
	    now < r->deadline ? r->deadline - now : 1, cb, arg);
	buf_release(&b);
}

/* NULL if it is none. */
static const struct wire_dns_answer *
take_answer(struct chan_frame *reply, struct wire_dns_answer *a)
{
	return reply != NULL && reply->type == WIRE_DNS_ANSWER &&
	    wire_dns_answer_get(reply->payload, a) == 0 ? a : NULL;
}

static void
on_key(void *arg, struct chan_frame *reply)
{
	struct question *q = arg;
	struct wire_dns_answer a;

	dkim_verify_answer(q->signature, take_answer(reply, &a));
	part_done(q->request);
}

static void
ask_key(struct question *k)
{
	struct buf name = BUF_INIT(1024);
	struct dns_question q = { .type = DNS_TXT };

	if (dkim_verify_key_name(k->signature, &name) == -1) {
		dkim_verify_no_key(k->signature, false, "bad domain name");
	} else {
		q.name = buf_slice(&name);
		k->request->waiting++;
		ask(k->request, &q, on_key, k);
	}
	buf_release(&name);
}

static void
on_chain(void *arg, struct chan_frame *reply)
{
	struct verify_request *r = arg;
	struct wire_dns_answer a;
	struct dns_question q;

	arc_answer(&r->verify.arc, take_answer(reply, &a));
	if (arc_step(&r->verify.arc, &q) == MSGAUTH_ASK)
		ask(r, &q, on_chain, r);
	else
		part_done(r);
}

static enum msgauth_step
dmarc_next(struct verify_request *r, struct dns_question *q)
{
	return r->aligning ? dmarc_step(&r->dmarc, q) :
	    dmarc_discover(&r->dmarc, q);
}

static void
on_policy(void *arg, struct chan_frame *reply)
{
	struct verify_request *r = arg;
	struct wire_dns_answer a;
	struct dns_question q;

	dmarc_answer(&r->dmarc, take_answer(reply, &a));
	if (dmarc_next(r, &q) == MSGAUTH_ASK)
		ask(r, &q, on_policy, r);
	else
		part_done(r);
}

/* Everybody who could vouch is known now. */
static void
align(struct verify_request *r)
{
	const struct dkim_verify *v = &r->verify;
	struct dns_question q;

	r->aligning = true;
	/* RFC 7489 4.1: the sender's domain, or HELO's with the null sender,
	 * which is then the only part there is. */
	if (r->spf.n > 0)
		dmarc_vouch(&r->dmarc, DMARC_SPF,
		    spf_result_name(r->spf.parts[0].spf.result),
		    r->spf.parts[0].spf.domain);
	for (size_t i = 0; i < v->n; i++)
		dmarc_vouch(&r->dmarc, DMARC_DKIM,
		    dkim_result_name(v->list[i].result), v->list[i].sig.d);
	r->waiting = 1;
	if (dmarc_next(r, &q) == MSGAUTH_ASK)
		ask(r, &q, on_policy, r);
	else
		part_done(r);
}

static void
part_done(struct verify_request *r)
{
	if (--r->waiting > 0)
		return;
	if (!r->aligning && r->verify.error == 0 &&
	    r->verify.author.why == NULL && judges(r->dkim))
		align(r);
	else
		finish(r);
}

static void
ask_all(struct verify_request *r)
{
	struct dkim_verify *v = &r->verify;
	struct dns_question q;

	for (size_t i = 0; i < v->n; i++) {
		struct question *k = &r->questions[i];

		k->request = r;
		k->signature = &v->list[i];
		if (k->signature->result == DKIM_NEEDS_KEY)
			ask_key(k);
	}
	if (arc_step(&v->arc, &q) == MSGAUTH_ASK) {
		r->waiting++;
		ask(r, &q, on_chain, r);
	}
	if (v->author.why != NULL)
		return;
	dmarc_init(&r->dmarc, v->author.domain);
	if (dmarc_discover(&r->dmarc, &q) == MSGAUTH_ASK) {
		r->waiting++;
		ask(r, &q, on_policy, r);
	}
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

	if (!judges(r->dkim))
		r->verify.n = 0;
	else if (r->verify.error == 0)
		ask_all(r);
	part_done(r);
}

static void
on_spf(void *arg)
{
	struct verify_request *r = arg;

	part_done(r);
}

int
verify_request(struct dkim *d, struct chan *c, struct chan_frame *f)
{
	static const struct answer busy = { 451, "4.3.0",
		{ "Too busy", 8 } };
	struct wire_in in = wire_in(f->payload);
	struct verify_request *r = mem_zero(sizeof(*r));
	struct dkim_verify *v = &r->verify;
	struct spf_check check = { 0 };

	d->requests++;
	r->dkim = d;
	r->chan = c;
	r->id = f->id;
	list_init(&r->link);
	list_push(&d->verifying, &r->link);
	dkim_verify_init(v);
	v->size = wire_get_u64(&in);
	r->policy.client = arena_slice(&v->arena,
	    wire_get_slice(&in, SOCKADDR_TEXT));
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
	r->deadline = now_mono_ms() + DNS_TIME_MS;
	if (spf_work_start(&r->spf, d, r->policy.client, &check, on_spf, r))
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
