/* The conversation with the queue. See transaction.h. */
#include "services/smtp/transaction.h"

#include "services/smtp/reply.h"
#include "services/smtp/session.h"

/* The request lives from the first recipient to the result: longer than any
 * session may take for that. The waits inside have their own limits. */
#define REQUEST_MS (24u * 3600 * 1000)
#define FILE_MS 30000          /* for a file at DATA */
#define RESULT_MS (600u * 1000) /* RFC 5321 4.5.3.2.6 */

#define QUEUE_AWAY "451 4.3.0 Error: queue file write error"

/* Room in one RCPT frame for targets; the rest is the address and ORCPT. */
#define FRAME_TARGETS (LIMIT_FRAME - 4096)

void
transaction_init(struct transaction *t)
{
	memset(t, 0, sizeof(*t));
	t->fd = -1;
	t->last = &t->first;
}

void
transaction_end(struct session *s)
{
	struct transaction *t = &s->t;
	struct peer *queue = s->server->queue;
	struct arena arena;

	if (t->request != 0) {
		(void)peer_send(queue, t->request, WIRE_QUEUE_ABORT, S(""));
		peer_cancel(queue, t->request);
	}
	if (t->fd != -1)
		close(t->fd);
	arena_clear(&t->arena);
	arena = t->arena;
	transaction_init(t);
	t->arena = arena;
}

static void
log_end_of(struct session *s, const char *event, const char *text)
{
	struct log_line l;

	session_log(s, &l, LOG_INFO, event);
	log_slice(&l, "from", s->t.sender);
	log_num(&l, "size", (int64_t)s->t.body.size);
	log_num(&l, "rcpts", (int64_t)s->t.count);
	log_str(&l, "proto", s->esmtp ? "ESMTP" : "SMTP");
	log_str(&l, "helo", s->helo != NULL ? s->helo : "");
	log_str(&l, "reply", text);
	log_end(&l);
}

/* The last reply of the transaction. */
static void
conclude(struct session *s, const char *text)
{
	bool good = text[0] == '2';

	log_end_of(s, good ? "accept" : "refuse", text);
	reply(s, "%s", text);
	if (good) {
		s->accepted++;
		s->server->messages++;
		s->errors = 0;
	}
	session_next(s);
}

static void
on_opened(struct session *s, struct chan_frame *f)
{
	struct transaction *t = &s->t;
	struct wire_in in = wire_in(f->payload);
	struct slice id = wire_get_slice(&in, sizeof(t->id) - 1);
	void (*then)(struct session *) = t->then;

	if (wire_end(&in) == -1 || f->fd == -1 || t->fd != -1)
		return;
	t->fd = f->fd;
	f->fd = -1;
	memcpy(t->id, id.p, id.n);
	t->id[id.n] = '\0';
	if (then == NULL)
		return;
	t->then = NULL;
	session_go_on(s);
	then(s);
}

/* The queue's verdict: of the message, or already of the request for a file. */
static void
on_result(struct session *s, struct slice payload)
{
	struct transaction *t = &s->t;
	struct wire_in in = wire_in(payload);
	uint32_t code = wire_get_u32(&in);
	struct slice enhanced = wire_get_slice(&in, 16);
	struct slice text = wire_get_slice(&in, LIMIT_FRAME);
	bool early = s->state != SMTP_COMMIT;

	t->request = 0;
	/* Before COMMIT nothing can have been accepted. */
	if (wire_end(&in) == -1 || code < (early ? 400 : 200) || code > 599)
		snprintf(t->refusal, sizeof(t->refusal), "%s", QUEUE_AWAY);
	else
		snprintf(t->refusal, sizeof(t->refusal), "%u %.*s %.*s", code,
		    SLICE_ARG(enhanced), SLICE_ARG(slice_head(text, 500)));
	if (early && t->then == NULL)
		return;
	t->then = NULL;
	session_go_on(s);
	conclude(s, t->refusal);
}

static void
on_queue_gone(struct session *s)
{
	struct transaction *t = &s->t;
	bool asked = s->state == SMTP_COMMIT || t->then != NULL;

	t->request = 0;
	t->then = NULL;
	/* A file that was not written to yet is simply asked for again. */
	if (t->fd != -1 && s->state == SMTP_RCPT) {
		close(t->fd);
		t->fd = -1;
		t->id[0] = '\0';
	}
	if (asked) {
		session_go_on(s);
		conclude(s, QUEUE_AWAY);
	}
}

/* A frame of the queue; true while more are expected. */
static bool
on_queue(void *arg, struct chan_frame *f)
{
	struct session *s = arg;

	if (f != NULL && f->type == WIRE_QUEUE_OPENED) {
		on_opened(s, f);
		return true;
	}
	if (f != NULL && f->type == WIRE_QUEUE_RESULT)
		on_result(s, f->payload);
	else
		on_queue_gone(s);
	return false;
}

void
transaction_open(struct session *s)
{
	struct server *v = s->server;
	struct transaction *t = &s->t;
	struct buf *b;

	if (t->request != 0 || t->fd != -1 || t->refusal[0] != '\0')
		return;
	b = server_frame(v);
	wire_queue_open_put(b, &(struct wire_queue_open){
	    .submission = s->user != NULL || s->trusted,
	    .user = slice_str(s->user),
	    .client_ip = slice_str(s->ip),
	    .client_rdns = rdns_is_settled(&s->rdns) ?
	    slice_str(s->rdns.name) : S(""),
	    .helo = slice_str(s->helo),
	    .esmtp = s->esmtp,
	    .tls = slice_str(conn_tls_info(s->conn)),
	    .sender = t->sender,
	    .size = t->params.size,
	    .body_8bit = t->params.body_8bit,
	    .smtputf8 = t->params.smtputf8,
	    .ret = t->params.ret,
	    .envid = t->params.envid,
	});
	t->request = peer_stream(v->queue, WIRE_QUEUE_OPEN, buf_slice(b), -1,
	    REQUEST_MS, on_queue, s);
}

void
transaction_need_file(struct session *s, void (*then)(struct session *))
{
	struct transaction *t = &s->t;

	if (t->refusal[0] != '\0') {
		conclude(s, t->refusal);
		return;
	}
	if (t->fd != -1) {
		then(s);
		return;
	}
	transaction_open(s);
	t->then = then;
	session_wait(s, NULL, 0);
	conn_timeout(s->conn, FILE_MS);
}

/* The recipient in as many frames as its targets need. */
static int
send_recipient(struct session *s, const struct wire_queue_rcpt *rcpt)
{
	struct server *v = s->server;
	uint32_t at = 0;

	while (at < rcpt->count) {
		struct wire_queue_rcpt part = *rcpt;
		struct buf *b = server_frame(v);
		size_t bytes = 0;

		part.targets = rcpt->targets + at;
		part.count = 0;
		while (at < rcpt->count && bytes < FRAME_TARGETS - 512) {
			bytes += rcpt->targets[at].address.n + 5;
			part.count++;
			at++;
		}
		wire_queue_rcpt_put(b, &part);
		if (!buf_ok(b) || peer_send(v->queue, s->t.request,
		    WIRE_QUEUE_RCPT, buf_slice(b)) == -1)
			return -1;
	}
	return 0;
}

static int
send_message(struct session *s)
{
	struct transaction *t = &s->t;
	struct buf *b;

	for (struct recipient *r = t->first; r != NULL; r = r->next)
		if (send_recipient(s, &r->rcpt) == -1)
			return -1;
	b = server_frame(s->server);
	wire_put_u64(b, t->body.size);
	return peer_send(s->server->queue, t->request, WIRE_QUEUE_COMMIT,
	    buf_slice(b));
}

void
transaction_commit(struct session *s)
{
	struct transaction *t = &s->t;
	const char *fault = body_fault(&t->body);

	if (fault == NULL && t->refusal[0] != '\0')
		fault = t->refusal;
	if (fault == NULL && (t->request == 0 || send_message(s) == -1))
		fault = QUEUE_AWAY;
	if (fault != NULL) {
		conclude(s, fault);
		return;
	}
	session_enter(s, SMTP_COMMIT);
	session_wait(s, NULL, 0);
	conn_timeout(s->conn, RESULT_MS);
}

void
transaction_timeout(struct session *s)
{
	struct log_line l;

	session_log(s, &l, LOG_WARN, "queue-timeout");
	log_end(&l);
	s->t.then = NULL;
	session_go_on(s);
	conclude(s, QUEUE_AWAY);
}
