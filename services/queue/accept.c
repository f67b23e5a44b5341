/* The end of data: header edit, dkim's verdict or signature. See intake.h. */
#include "services/queue/intake.h"

#include <fcntl.h>

#include "core/log.h"
#include "mail/addr.h"
#include "mail/date.h"
#include "mail/header.h"
#include "services/queue/sign.h"
#include "wire/auth.h"
#include "wire/dkim.h"
#include "wire/reports.h"

/*
 * dkim waits for the DNS, so it may take its time; but mail goes on without
 * it. Once it did not answer, it gets less time for a while.
 */
#define VERIFY_TIMEOUT_MS 25000
#define VERIFY_SLOW_MS 3000
#define VERIFY_SLOW_FOR_MS 30000
#define HOSTED_TIMEOUT_MS 10000

static void
log_accept(const struct txn *t, struct slice message_id)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "accept");
	log_str(&l, "id", t->env.id);
	log_slice(&l, "from", t->env.sender);
	log_num(&l, "size", (int64_t)t->env.size);
	log_num(&l, "nrcpt", t->commands);
	log_slice(&l, "client", t->env.client);
	if (t->env.user.n > 0)
		log_slice(&l, "user", t->env.user);
	log_slice(&l, "msgid", message_id);
	log_end(&l);
}

/* ---- the verdict on what comes in ----------------------------------------- */

struct verdict {
	bool junk;
	bool dmarc; /* passed */
	uint8_t chain;
	struct slice field;
	uint32_t code;
	struct slice enhanced;
	struct slice text;
};

/* Takes the reply; cuts go into the edit. -1 if it is malformed. */
static int
verdict_take(struct txn *t, struct slice payload, struct verdict *v)
{
	struct wire_in in = wire_in(payload);
	uint32_t cuts;

	v->field = wire_get_slice(&in, WIRE_PREFIX);
	v->code = wire_get_u32(&in);
	v->enhanced = wire_get_slice(&in, 32);
	v->text = wire_get_slice(&in, LIMIT_SMTP_REPLY);
	v->junk = wire_get_bool(&in);
	v->dmarc = wire_get_bool(&in);
	v->chain = wire_get_u8(&in);
	cuts = wire_get_u32(&in);
	for (uint32_t i = 0; i < cuts && !in.failed; i++) {
		uint64_t start = wire_get_u64(&in);
		uint64_t end = wire_get_u64(&in);

		if (in.failed || end > t->env.size)
			return -1;
		edit_cut(t->edit, start, end);
	}
	if (v->code != 0 && (v->code < 400 || v->code > 599))
		return -1;
	return wire_end(&in);
}

/* The service reports reads it, too; it is delivered all the same. */
static void
tell_report(struct txn *t, bool verified)
{
	struct queue *q = t->queue;
	struct buf b = WIRE_BUF;
	int fd = spool_body_again(&q->spool, t->fd, t->env.id, O_RDONLY);

	if (fd == -1)
		return;
	t->unfinished = true;
	wire_put_str(&b, t->env.id);
	wire_put_u64(&b, t->env.size);
	wire_put_bool(&b, verified);
	wire_put_bool(&b, t->report == REPORT_NAMED);
	peer_post(q->dmarc, WIRE_REPORTS_MAIL, buf_slice(&b), fd);
	buf_release(&b);
}

/* What dkim adds to a message that leaves. */
static void
on_signed(void *arg, struct slice fields)
{
	struct txn *t = arg;

	if (t->client == NULL) {
		txn_free(t);
		return;
	}
	edit_prepend(t->edit, fields);
	txn_deliver(t);
}

/* The first recipient that is somewhere else now, by an alias of ours. */
static const struct recipient *
passed_on(const struct txn *t)
{
	for (uint32_t i = 0; i < t->env.n; i++)
		if (t->env.rcpt[i].kind == RECIPIENT_REMOTE)
			return &t->env.rcpt[i];
	return NULL;
}

/* RFC 8617 5.1: the next host then knows what we saw. */
static void
txn_seal(struct txn *t, const struct verdict *v, const struct recipient *r)
{
	struct header_field f;

	if (!header_find_nth(v->field, S("Authentication-Results"), 0, &f)) {
		txn_deliver(t);
		return;
	}
	sign_seal(t->queue, t->fd, t->env.id, t->env.size, t->edit, r->orig,
	    f.value, v->chain, on_signed, t);
}

static void txn_verify(struct txn *t);

static void
on_verdict(void *arg, struct chan_frame *f)
{
	struct txn *t = arg;
	struct intake *in = t->queue->intake;
	struct verdict v = { 0 };
	const struct recipient *r;

	if (t->client == NULL) {
		txn_free(t);
		return;
	}
	/* dkim died under it, and is soon back: a crash lets nothing pass. */
	if (f == NULL && !t->asked_again &&
	    loop_now(t->queue->loop) < t->verify_until) {
		t->asked_again = true;
		txn_verify(t);
		return;
	}
	if (f == NULL) {
		t->unfinished = true;
		log_warn("unverified", "id=%s reason=\"no answer\"", t->env.id);
		in->dkim_slow_until = loop_now(t->queue->loop) +
		    VERIFY_SLOW_FOR_MS;
	} else if (f->type != WIRE_DKIM_VERDICT ||
	    verdict_take(t, f->payload, &v) == -1) {
		log_error("unverified", "id=%s reason=\"malformed answer\"",
		    t->env.id);
		v = (struct verdict){ 0 };
	} else {
		in->dkim_slow_until = 0;
	}
	if (v.code != 0) {
		char enhanced[33];

		snprintf(enhanced, sizeof(enhanced), "%.*s",
		    SLICE_ARG(v.enhanced));
		txn_result(t, v.code, enhanced, v.text);
		return;
	}
	if (v.junk)
		t->env.flags |= ENVELOPE_JUNK;
	edit_prepend(t->edit, v.field);
	if (t->report != REPORT_NONE)
		tell_report(t, v.dmarc);
	r = passed_on(t);
	if (r != NULL && v.field.n > 0 && t->queue->conf->arc_seal)
		txn_seal(t, &v, r);
	else
		txn_deliver(t);
}

static void
txn_verify(struct txn *t)
{
	struct queue *q = t->queue;
	struct buf b = WIRE_BUF;
	int fd = spool_body_again(&q->spool, t->fd, t->env.id, O_RDONLY);
	bool slow = q->intake->dkim_slow_until > loop_now(q->loop);
	uint64_t timeout = slow ? VERIFY_SLOW_MS : VERIFY_TIMEOUT_MS;

	if (fd == -1) {
		log_error("spool", "id=%s open=\"%s\"", t->env.id,
		    strerror(errno));
		txn_result(t, 451, "4.3.0", S("Queue file read error"));
		return;
	}
	wire_put_u64(&b, t->env.size);
	wire_put_slice(&b, t->env.client);
	wire_put_slice(&b, t->helo);
	wire_put_slice(&b, t->env.sender);
	wire_put_slice(&b, q->host);
	t->verify_until = loop_now(q->loop) + timeout;
	peer_request(q->dkim, WIRE_DKIM_VERIFY, buf_slice(&b), fd, timeout,
	    on_verdict, t);
	buf_release(&b);
}

/* ---- what our users send -------------------------------------------------- */

static void
txn_sign(struct txn *t)
{
	sign_message(t->queue, t->fd, t->env.id, t->env.size, t->edit,
	    on_signed, t);
}

static void
on_hosted(void *arg, struct chan_frame *f)
{
	struct txn *t = arg;
	bool hosted = t->env.flags & ENVELOPE_SUBMISSION;

	if (f != NULL && f->type == WIRE_AUTH_DOMAIN_REPLY) {
		struct wire_in in = wire_in(f->payload);
		bool reply = wire_get_bool(&in);

		if (wire_end(&in) == 0)
			hosted = reply;
	}
	if (hosted)
		t->env.flags |= ENVELOPE_OURS;
	if (t->env.flags & ENVELOPE_SUBMISSION)
		txn_sign(t);
	else
		txn_verify(t);
}

/* RELAY_HOST is for senders of our domains only (dms-compat 6.11). */
static bool
must_know_sender(const struct txn *t)
{
	if (t->queue->conf->relay_host[0] == '\0' || t->env.sender.n == 0)
		return false;
	for (uint32_t i = 0; i < t->env.n; i++)
		if (t->env.rcpt[i].kind == RECIPIENT_REMOTE)
			return true;
	return false;
}

static void
txn_ask_hosted(struct txn *t)
{
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, addr_domain_of(t->env.sender));
	peer_request(t->queue->auth, WIRE_AUTH_DOMAIN, buf_slice(&b), -1,
	    HOSTED_TIMEOUT_MS, on_hosted, t);
	buf_release(&b);
}

/* ---- the header ----------------------------------------------------------- */

static enum compose_result
txn_compose(struct txn *t, struct slice header)
{
	struct compose c = {
		.submission = t->env.flags & ENVELOPE_SUBMISSION,
		.client_ip = t->env.client,
		.client_rdns = t->rdns,
		.helo = t->helo,
		.esmtp = t->esmtp,
		.tls = t->tls,
		.utf8 = t->env.flags & ENVELOPE_UTF8,
		.rcpt = t->commands == 1 ? t->env.rcpt[0].orig : S(""),
		.host = t->queue->host,
		.id = slice_str(t->env.id),
		.date = t->env.created,
		.zone = DATE_LOCAL,
	};
	enum compose_result r;

	t->edit = mem_alloc(sizeof(*t->edit));
	edit_init(t->edit);
	r = compose_edit(t->edit, &c, header);
	if (r == COMPOSE_OK)
		log_accept(t, c.message_id);
	return r;
}

void
txn_accept(struct txn *t)
{
	struct queue *q = t->queue;
	struct buf *header = &q->intake->header;
	enum compose_result r;

	buf_clear(header);
	if (compose_read_header(header, t->fd, t->env.size) == -1) {
		log_error("spool", "id=%s read=\"%s\"", t->env.id,
		    strerror(errno));
		txn_result(t, 451, "4.3.0", S("Queue file read error"));
		return;
	}
	r = txn_compose(t, buf_slice(header));
	if (q->conf->dmarc_reports)
		t->report = report_kind(&t->env, buf_slice(header));
	if (r == COMPOSE_HOPS)
		txn_result(t, 554, "5.4.6", S("Too many hops"));
	else if (r == COMPOSE_TOO_MANY)
		txn_result(t, 554, "5.6.0", S("Header has too many fields"));
	else if (must_know_sender(t))
		txn_ask_hosted(t);
	else if (t->env.flags & ENVELOPE_SUBMISSION)
		txn_sign(t);
	else
		txn_verify(t);
}
