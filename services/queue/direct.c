/* Delivery while the client waits, and the spool. See intake.h. */
#include "services/queue/intake.h"

#include <fcntl.h>

#include "core/log.h"
#include "services/queue/frame.h"
#include "services/queue/run.h"
#include "wire/deliver.h"

/* A slow disk is waited for, as the client does (RFC 5321 4.5.3.2.6); a
 * deliver process that died is back in seconds or not soon. */
#define DIRECT_MS (5u * 60 * 1000)
#define DIRECT_GONE_MS 10000

/* One request to deliver: recipients first to first + n - 1. */
struct part {
	struct txn *txn;
	uint32_t *index;
	uint32_t n;
	uint32_t left;
};

static void direct_send(struct txn *t);
static void txn_decide(struct txn *t);

static void
txn_done(struct txn *t)
{
	struct buf text = BUF_INIT(64);

	t->queue->intake->accepted++;
	buf_addf(&text, "Ok: queued as %s", t->env.id);
	if (t->records.n == 0)
		txn_spare_body(t);
	txn_result(t, 250, "2.0.0", buf_slice(&text));
	buf_release(&text);
}

/* ---- keeping -------------------------------------------------------------- */

static void
keep_work(void *arg)
{
	struct txn *t = arg;

	if (spool_keep(&t->queue->spool, t->fd, t->env.id, t->env.size,
	    buf_slice(&t->records)) == -1)
		t->err = errno;
}

static void
keep_done(void *arg)
{
	struct txn *t = arg;
	struct queue *q = t->queue;
	char name[SPOOL_NAME];

	if (t->err != 0) {
		log_error("spool", "id=%s keep=\"%s\"", t->env.id,
		    strerror(t->err));
		if (t->err == ENOSPC || t->err == EDQUOT)
			txn_result(t, 452, "4.3.1",
			    S("Insufficient system storage"));
		else
			txn_result(t, 451, "4.3.0", S("Queue file write error"));
		return;
	}
	if (t->client == NULL) {
		/* Nobody heard the promise: the client will send it again. */
		spool_name(name, t->env.id, t->env.size);
		if (spool_message_remove(&q->spool, name) == -1)
			log_error("spool", "id=%s remove=\"%s\"", t->env.id,
			    strerror(errno));
		txn_free(t);
		return;
	}
	run_take(q, t->env.id, t->env.size, buf_slice(&t->records));
	txn_done(t);
}

static void
txn_keep(struct txn *t)
{
	struct wire_edit view;

	edit_view(t->edit, &view);
	envelope_write(&t->records, &t->env, &view);
	if (!buf_ok(&t->records)) {
		txn_result(t, 452, "4.5.3", S("Too many recipients"));
		return;
	}
	loop_work(t->queue->loop, keep_work, keep_done, t);
}

/* ---- delivering while the client waits ------------------------------------ */

static bool
is_open(const struct recipient *r)
{
	return r->state == RECIPIENT_WAITING && r->reply == NULL;
}

static void
direct_result(struct txn *t, uint32_t index, const struct frame_result *f)
{
	struct recipient *r = &t->env.rcpt[index];

	r->busy = false;
	recipient_reply(r, f->enhanced, f->text, S(""));
	if (f->outcome == WIRE_DONE) {
		r->state = RECIPIENT_DONE;
		r->owed = envelope_owes_success(&t->env, r, false);
	} else if (f->outcome == WIRE_NEVER) {
		r->state = RECIPIENT_FAILED;
		r->owed = envelope_owes_failure(&t->env, r);
	}
}

static void
part_end(struct part *p)
{
	struct txn *t = p->txn;

	for (uint32_t i = 0; i < p->n; i++)
		t->env.rcpt[p->index[i]].busy = false;
	mem_free(p->index);
	mem_free(p);
	if (--t->requests == 0)
		txn_decide(t);
}

static bool
on_result(void *arg, struct chan_frame *f)
{
	struct part *p = arg;
	struct txn *t = p->txn;
	uint64_t soon = loop_now(t->queue->loop) + DIRECT_GONE_MS;
	struct frame_result r;

	if (f != NULL && f->type == WIRE_DELIVER_RESULT &&
	    frame_deliver_result(f->payload, &r) == 0 && r.index < p->n &&
	    t->env.rcpt[p->index[r.index]].busy) {
		direct_result(t, p->index[r.index], &r);
		if (--p->left > 0)
			return true;
	} else {
		t->unfinished = true;
		log_warn("try-broken", "id=%s reason=\"%s\"", t->env.id,
		    f == NULL ? "no answer" : "malformed answer");
		if (soon < t->deadline)
			t->deadline = soon;
	}
	part_end(p);
	return false;
}

/* Sends one request for the first of these recipients; how many are in it. */
static uint32_t
part_send(struct txn *t, const struct wire_edit *edit, const uint32_t *index,
    uint32_t n)
{
	struct queue *q = t->queue;
	struct buf b = WIRE_BUF;
	int fd = spool_body_again(&q->spool, t->fd, t->env.id, O_RDONLY);
	struct part *p;

	if (fd == -1) {
		log_error("spool", "id=%s open=\"%s\"", t->env.id,
		    strerror(errno));
		return 0;
	}
	p = mem_zero(sizeof(*p));
	p->txn = t;
	p->n = p->left = frame_deliver(&b, &t->env, edit, index, n);
	p->index = mem_dup(index, p->n * sizeof(*index));
	for (uint32_t i = 0; i < p->n; i++)
		t->env.rcpt[index[i]].busy = true;
	t->requests++;
	peer_stream(q->deliver, WIRE_DELIVER, buf_slice(&b), fd,
	    t->deadline - loop_now(q->loop), on_result, p);
	buf_release(&b);
	return p->n;
}

/* Asks deliver for everybody without an answer. */
static void
direct_send(struct txn *t)
{
	uint32_t *index = mem_array(t->env.n, sizeof(*index));
	struct wire_edit view;
	uint32_t n = 0, at = 0, sent = 1;

	for (uint32_t i = 0; i < t->env.n; i++)
		if (is_open(&t->env.rcpt[i]))
			index[n++] = i;
	edit_view(t->edit, &view);
	while (at < n && sent > 0) {
		sent = part_send(t, &view, index + at, n - at);
		at += sent;
	}
	for (; at < n; at++)
		recipient_reply(&t->env.rcpt[index[at]], S("4.3.0"),
		    S("Queue file read error"), S(""));
	mem_free(index);
	if (t->requests == 0)
		txn_decide(t);
}

/* The reply to a message that nobody takes. */
static void
txn_refuse(struct txn *t, const struct reply *reply)
{
	static const struct {
		struct slice enhanced;
		unsigned code;
	} codes[] = {
		{ { "5.1", 3 }, 550 },   /* no such mailbox */
		{ { "5.2.1", 5 }, 550 }, /* disabled */
		{ { "5.2", 3 }, 552 },   /* full, too large */
		{ { "5.3.4", 5 }, 552 },
		{ { "5.7", 3 }, 550 },   /* refused by its owner */
	};
	unsigned code = 554;
	char enhanced[33];

	for (size_t i = 0; i < LEN(codes) && code == 554; i++)
		if (slice_starts(reply->enhanced, codes[i].enhanced))
			code = codes[i].code;
	snprintf(enhanced, sizeof(enhanced), "%.*s",
	    SLICE_ARG(reply->enhanced));
	txn_result(t, code, enhanced, reply->text);
}

/*
 * All requests are over. Everybody failed: the client gets a real 5xx and no
 * report goes to an address that may be forged. Otherwise the message is
 * accepted, and what is left to do is kept first.
 */
static void
txn_decide(struct txn *t)
{
	bool open = false, keep = false, taken = false;

	if (t->client == NULL) {
		txn_free(t);
		return;
	}
	for (uint32_t i = 0; i < t->env.n; i++) {
		const struct recipient *r = &t->env.rcpt[i];

		open |= is_open(r);
		keep |= r->owed || r->state == RECIPIENT_WAITING;
		taken |= r->state != RECIPIENT_FAILED;
	}
	if (open && loop_now(t->queue->loop) < t->deadline)
		direct_send(t);
	else if (!taken)
		txn_refuse(t, t->env.rcpt[0].reply);
	else if (keep)
		txn_keep(t);
	else
		txn_done(t);
}

/*
 * Mailboxes only: at once. Anybody else: kept first, then delivered and
 * relayed from the spool.
 */
void
txn_deliver(struct txn *t)
{
	if (t->edit->failed || !buf_ok(&t->edit->text)) {
		txn_result(t, 554, "5.6.0", S("Header has too many fields"));
		return;
	}
	for (uint32_t i = 0; i < t->env.n; i++)
		if (t->env.rcpt[i].kind != RECIPIENT_LOCAL) {
			txn_keep(t);
			return;
		}
	t->deadline = loop_now(t->queue->loop) + DIRECT_MS;
	direct_send(t);
}
