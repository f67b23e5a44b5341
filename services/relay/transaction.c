/* One message on an open session: envelope, data, final reply. */
#include "services/relay/session_internal.h"

#include "wire/queue.h"

#define DATA_MS (2 * 60000u)  /* RFC 5321 4.5.3.2.4 */
#define BLOCK_MS (3 * 60000u) /* 4.5.3.2.5 */
#define ENVID_MAX 100 /* RFC 3461 4.4 */
#define ORCPT_MAX 500 /* RFC 3461 4.2 */

/*
 * The envelope is a row of steps, each one command and one reply: RSET on a
 * used connection, MAIL, RCPT for each recipient, DATA.
 */
enum { STEP_RSET, STEP_MAIL, STEP_RCPT };

static uint32_t
step_data(const struct session *s)
{
	return STEP_RCPT + s->m->count;
}

static void
settle(struct session *s, uint32_t index, const struct verdict *v)
{
	if (s->rcpt[index] == RCPT_ACCEPTED)
		s->accepted--;
	s->rcpt[index] = RCPT_SETTLED;
	s->ops->rcpt(s->arg, index, v);
}

/* The message is over: tells the rest, then the owner may do anything. */
static void
finish(struct session *s, const struct verdict *v)
{
	for (uint32_t i = 0; i < s->m->count; i++)
		if (s->rcpt[i] != RCPT_SETTLED)
			settle(s, i, v);
	s->m = NULL;
	mem_free(s->rcpt);
	s->rcpt = NULL;
	s->messages++;
	s->ops->done(s->arg);
}

/* Fit for the next message. */
static void
finish_idle(struct session *s, const struct verdict *v)
{
	session_enter(s, STATE_IDLE);
	finish(s, v);
}

void
transaction_lost(struct session *s, const struct verdict *v)
{
	if (!s->mail_ok) {
		s->m = NULL;
		session_fail(s, SESSION_LOST, v);
		return;
	}
	s->broken = true;
	session_hang_up(s);
	finish(s, v);
}

/* A parameter of RFC 3461 that cannot end a command early. */
static bool
param_valid(struct slice s, size_t max, bool utf8)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 0x7f || (c > 0x7f && !utf8))
			return false;
	}
	return s.n > 0 && s.n <= max;
}

static void
write_mail(struct session *s)
{
	const struct message *m = s->m;
	struct buf b = BUF_INIT(LIMIT_SMTP_COMMAND);

	buf_adds(&b, "MAIL FROM:<");
	buf_add_slice(&b, m->sender);
	buf_adds(&b, ">");
	if (s->ehlo.size) {
		buf_adds(&b, " SIZE=");
		buf_addu(&b, body_size(&s->body));
	}
	if (s->ehlo.mime8 && (m->body_8bit || (m->smtputf8 && s->ehlo.utf8)))
		buf_adds(&b, " BODY=8BITMIME");
	if (s->ehlo.utf8 && m->smtputf8)
		buf_adds(&b, " SMTPUTF8");
	if (s->ehlo.dsn && (slice_ieq(m->ret, S("FULL")) ||
	    slice_ieq(m->ret, S("HDRS")))) {
		buf_adds(&b, " RET=");
		buf_add_slice(&b, m->ret);
	}
	if (s->ehlo.dsn && param_valid(m->envid, ENVID_MAX, false)) {
		buf_adds(&b, " ENVID=");
		buf_add_slice(&b, m->envid);
	}
	buf_adds(&b, "\r\n");
	conn_write_slice(s->conn, buf_slice(&b));
	buf_release(&b);
}

static void
add_notify(struct buf *b, uint8_t notify)
{
	static const struct {
		uint8_t bit;
		const char *word;
	} words[] = {
		{ WIRE_NOTIFY_NEVER, "NEVER" },
		{ WIRE_NOTIFY_SUCCESS, "SUCCESS" },
		{ WIRE_NOTIFY_FAILURE, "FAILURE" },
		{ WIRE_NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < LEN(words); i++) {
		if (!(notify & words[i].bit))
			continue;
		buf_adds(b, before);
		buf_adds(b, words[i].word);
		before = ",";
	}
}

static void
write_rcpt(struct session *s, const struct message_rcpt *r)
{
	struct buf b = BUF_INIT(LIMIT_SMTP_COMMAND);

	buf_adds(&b, "RCPT TO:<");
	buf_add_slice(&b, r->address);
	buf_adds(&b, ">");
	if (s->ehlo.dsn) {
		add_notify(&b, r->notify);
		if (param_valid(r->orcpt, ORCPT_MAX,
		    s->ehlo.utf8 && s->m->smtputf8)) {
			buf_adds(&b, " ORCPT=");
			buf_add_slice(&b, r->orcpt);
		}
	}
	buf_adds(&b, "\r\n");
	conn_write_slice(s->conn, buf_slice(&b));
	buf_release(&b);
}

static void
write_step(struct session *s)
{
	uint32_t step = s->sent++;

	if (step == STEP_RSET)
		conn_write_slice(s->conn, S("RSET\r\n"));
	else if (step == STEP_MAIL)
		write_mail(s);
	else if (step < step_data(s))
		write_rcpt(s, &s->m->rcpts[step - STEP_RCPT]);
	else
		conn_write_slice(s->conn, S("DATA\r\n"));
}

/* RFC 2920 3.1: with PIPELINING all goes at once, DATA as the last. */
static void
write_steps(struct session *s)
{
	do {
		write_step(s);
	} while (s->ehlo.pipelining && s->sent <= step_data(s));
}

/* Can this server take the message at all? False with the reason. */
static bool
acceptable(const struct session *s, struct verdict *v)
{
	const struct message *m = s->m;
	uint64_t size = body_size(&s->body);
	int found;

	if (s->ehlo.size && s->ehlo.size_max > 0 && size > s->ehlo.size_max) {
		/* RFC 1870 6.1 */
		verdict_set(v, "5.3.4", "message size %llu exceeds size limit "
		    "%llu of %s", (unsigned long long)size,
		    (unsigned long long)s->ehlo.size_max, s->remote);
		return false;
	}
	if ((!m->smtputf8 || s->ehlo.utf8) && (!m->body_8bit || s->ehlo.mime8))
		return true;
	found = body_scan(&s->body);
	if (found == -1) {
		verdict_set(v, "4.3.0", "cannot read the message: %s",
		    strerror(errno));
		return false;
	}
	if (m->smtputf8 && !s->ehlo.utf8) {
		/* RFC 6531 3.5: only what really needs it is refused. */
		bool needed = (found & BODY_8BIT_HEADER) != 0 ||
		    !slice_is_ascii(m->sender);

		for (uint32_t i = 0; i < m->count; i++)
			needed |= !slice_is_ascii(m->rcpts[i].address);
		if (needed) {
			verdict_set(v, "5.6.7", "SMTPUTF8 is required, but was "
			    "not offered by %s", s->remote);
			return false;
		}
	}
	/*
	 * RFC 6152 3: text declared as 8-bit must not go to a server without
	 * 8BITMIME. We do not convert: that would break signatures. Text that
	 * nobody declared is passed on as it came, as all servers do.
	 */
	if (m->body_8bit && !s->ehlo.mime8 && (found & BODY_8BIT_TEXT)) {
		verdict_set(v, "5.6.3", "8BITMIME is required, but was not "
		    "offered by %s", s->remote);
		return false;
	}
	return true;
}

void
session_send(struct session *s, const struct message *m)
{
	struct verdict v;

	assert(s->state == STATE_IDLE && s->m == NULL);
	s->m = m;
	s->rcpt = mem_array(m->count, 1);
	s->accepted = 0;
	s->mail_ok = false;
	s->first = s->messages > 0 ? STEP_RSET : STEP_MAIL;
	s->sent = s->got = s->first;
	body_init(&s->body, m->fd, m->size, &m->edit);
	if (!acceptable(s, &v)) {
		finish(s, &v);
		return;
	}
	session_enter(s, STATE_ENVELOPE);
	write_steps(s);
}

/* More of the message, as long as the connection takes it. */
static void
write_body(struct session *s)
{
	/* A piece of dots and line feeds grows to at most three times. */
	struct buf piece = BUF_INIT(3 * (WIRE_PREFIX + 65536));
	int more = 1;

	while (more == 1 && conn_out_pending(s->conn) <= CONN_OUT_HIGH) {
		buf_clear(&piece);
		more = body_next(&s->body, &piece);
		conn_write_slice(s->conn, buf_slice(&piece));
	}
	buf_release(&piece);
	if (more == 1) {
		conn_timeout(s->conn, BLOCK_MS);
	} else if (more == 0) {
		conn_write_slice(s->conn, S(".\r\n"));
		session_enter(s, STATE_END);
	} else {
		struct verdict v;

		verdict_set(&v, "4.3.0", "cannot read the message: %s",
		    strerror(errno));
		transaction_lost(s, &v);
	}
}

void
transaction_drain(struct session *s)
{
	if (s->state == STATE_BODY)
		write_body(s);
}

static void
reply_rset(struct session *s)
{
	struct verdict v;

	if (s->reply.code / 100 == 2)
		return;
	verdict_from_reply(&v, &s->reply);
	verdict_soften(&v);
	s->m = NULL;
	session_fail(s, SESSION_LOST, &v);
}

static void
reply_mail(struct session *s)
{
	struct verdict v;

	if (s->reply.code / 100 == 2) {
		s->mail_ok = true;
		return;
	}
	verdict_from_reply(&v, &s->reply);
	s->broken = true;
	if (v.outcome == WIRE_NEVER) {
		finish(s, &v);
	} else {
		/* Another exchanger may be in a better mood. */
		s->m = NULL;
		session_fail(s, SESSION_REFUSED, &v);
	}
}

static void
reply_rcpt(struct session *s, uint32_t index)
{
	struct verdict v;

	if (s->reply.code / 100 == 2) {
		s->rcpt[index] = RCPT_ACCEPTED;
		s->accepted++;
		return;
	}
	verdict_from_rcpt(&v, &s->reply);
	settle(s, index, &v);
}

static void
reply_data(struct session *s)
{
	struct verdict v;

	if (s->reply.code == 354 && s->accepted > 0) {
		session_enter(s, STATE_BODY);
		write_body(s);
		return;
	}
	if (s->reply.code == 354) {
		/* RFC 2920 3.1: accepted although no recipient was. */
		conn_write_slice(s->conn, S(".\r\n"));
		session_enter(s, STATE_END);
		return;
	}
	verdict_from_reply(&v, &s->reply);
	if (v.outcome == WIRE_DONE)
		verdict_set(&v, "4.5.0", "%s takes DATA for done", s->remote);
	finish_idle(s, &v);
}

/* 421: whatever it answers, the server closes now (RFC 5321 3.8). */
static void
reply_closing(struct session *s)
{
	struct verdict v;

	verdict_from_reply(&v, &s->reply);
	s->broken = true;
	if (s->mail_ok) {
		finish(s, &v);
	} else {
		s->m = NULL;
		session_fail(s, SESSION_REFUSED, &v);
	}
}

/* Without PIPELINING the next command waits for this reply. */
static void
go_on(struct session *s)
{
	struct verdict v;

	if (s->got == step_data(s))
		conn_timeout(s->conn, DATA_MS);
	if (s->sent > s->got)
		return;
	if (s->got == step_data(s) && s->accepted == 0) {
		/* All are settled; the verdict is for nobody. */
		verdict_set(&v, "4.5.0", "no recipients");
		finish_idle(s, &v);
		return;
	}
	write_step(s);
}

void
transaction_envelope_reply(struct session *s)
{
	uint32_t step = s->got++, data = step_data(s);

	if (s->reply.code == 421) {
		reply_closing(s);
		return;
	}
	if (step == data) {
		reply_data(s);
		return;
	}
	/* Anything but a 2yz may have ended the session. */
	if (step <= STEP_MAIL && s->reply.code / 100 != 2) {
		if (step == STEP_RSET)
			reply_rset(s);
		else
			reply_mail(s);
		return;
	}
	if (step == STEP_MAIL)
		reply_mail(s);
	else if (step >= STEP_RCPT)
		reply_rcpt(s, step - STEP_RCPT);
	conn_timeout(s->conn, 5 * 60000u);
	go_on(s);
}

void
transaction_body_reply(struct session *s)
{
	struct verdict v;

	/* It speaks before the end: a refusal counts, anything else is noise
	 * of a server we cannot understand. */
	verdict_from_reply(&v, &s->reply);
	if (v.outcome == WIRE_DONE)
		verdict_set(&v, "4.5.0", "%s answered before the end of data",
		    s->remote);
	transaction_lost(s, &v);
}

void
transaction_end_reply(struct session *s)
{
	struct verdict v;

	verdict_from_reply(&v, &s->reply);
	if (s->reply.code == 421)
		s->broken = true;
	finish_idle(s, &v);
}
