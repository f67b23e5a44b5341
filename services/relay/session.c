#include "services/relay/session.h"

#include "core/base64.h"
#include "core/log.h"
#include "services/relay/session_internal.h"

#define CONNECT_MS 30000
#define QUIT_MS 5000
#define MINUTE 60000u
/* Room for the longest reply and the next line behind it. */
#define INPUT_MAX (2 * LIMIT_SMTP_REPLY)
#define IN(state) (1u << STATE_##state)

static void on_reply_none(struct session *s);
static void on_reply_greeting(struct session *s);
static void on_reply_ehlo(struct session *s);
static void on_reply_helo(struct session *s);
static void on_reply_starttls(struct session *s);
static void on_reply_auth(struct session *s);
static void on_reply_auth_login(struct session *s);
static void on_reply_auth_user(struct session *s);
static void on_reply_idle(struct session *s);
static void on_reply_quit(struct session *s);

/*
 * The dialogue: what each state is called, how long it may last (RFC 5321
 * 4.5.3.2), what a reply does in it, and which states may follow. DEAD may
 * always follow.
 */
static const struct {
	const char *doing;
	uint64_t timeout;
	void (*on_reply)(struct session *s);
	unsigned next;
} states[STATES] = {
	[STATE_CONNECT] = { "connecting", 0, on_reply_none,
		IN(GREETING) | IN(TLS) },
	[STATE_GREETING] = { "waiting for the greeting", 5 * MINUTE,
		on_reply_greeting, IN(EHLO) | IN(QUIT) },
	[STATE_EHLO] = { "sending EHLO", 5 * MINUTE, on_reply_ehlo,
		IN(HELO) | IN(STARTTLS) | IN(AUTH_PLAIN) | IN(AUTH_LOGIN) |
		IN(IDLE) | IN(QUIT) },
	[STATE_HELO] = { "sending HELO", 5 * MINUTE, on_reply_helo,
		IN(IDLE) | IN(QUIT) },
	[STATE_STARTTLS] = { "sending STARTTLS", 2 * MINUTE, on_reply_starttls,
		IN(TLS) | IN(IDLE) | IN(QUIT) },
	[STATE_TLS] = { "in the TLS handshake", 2 * MINUTE, on_reply_none,
		IN(EHLO) | IN(GREETING) },
	[STATE_AUTH_PLAIN] = { "logging in", 2 * MINUTE, on_reply_auth,
		IN(IDLE) | IN(QUIT) },
	[STATE_AUTH_LOGIN] = { "logging in", 2 * MINUTE, on_reply_auth_login,
		IN(AUTH_USER) | IN(QUIT) },
	[STATE_AUTH_USER] = { "logging in", 2 * MINUTE, on_reply_auth_user,
		IN(AUTH_PASSWORD) | IN(QUIT) },
	[STATE_AUTH_PASSWORD] = { "logging in", 2 * MINUTE, on_reply_auth,
		IN(IDLE) | IN(QUIT) },
	[STATE_IDLE] = { "waiting", 0, on_reply_idle,
		IN(ENVELOPE) | IN(QUIT) },
	[STATE_ENVELOPE] = { "sending the envelope", 5 * MINUTE,
		transaction_envelope_reply, IN(BODY) | IN(END) | IN(IDLE) |
		IN(QUIT) },
	[STATE_BODY] = { "sending the message", 3 * MINUTE,
		transaction_body_reply, IN(END) | IN(QUIT) },
	[STATE_END] = { "waiting for the reply to the end of data",
		10 * MINUTE, transaction_end_reply, IN(IDLE) | IN(QUIT) },
	[STATE_QUIT] = { "sending QUIT", QUIT_MS, on_reply_quit, 0 },
	[STATE_DEAD] = { "closed", 0, on_reply_none, 0 },
};

void
session_enter(struct session *s, enum session_state to)
{
	assert(to == STATE_DEAD || (states[s->state].next & (1u << to)) != 0);
	s->state = to;
	if (s->conn != NULL)
		conn_timeout(s->conn, states[to].timeout);
}

const char *
session_doing(const struct session *s)
{
	return states[s->state].doing;
}

static void
session_free(struct session *s)
{
	if (s->connecting != NULL)
		conn_connect_cancel(s->connecting);
	if (s->conn != NULL)
		conn_abort(s->conn);
	reply_release(&s->reply);
	if (s->password != NULL)
		mem_wipe(s->password, strlen(s->password));
	mem_free(s->password);
	mem_free(s->user);
	mem_free(s->host);
	mem_free(s->rcpt);
	mem_free(s);
}

void
session_hang_up(struct session *s)
{
	if (s->conn != NULL)
		conn_abort(s->conn);
	s->conn = NULL;
	s->state = STATE_DEAD;
}

void
session_fail(struct session *s, enum session_failure kind,
    const struct verdict *v)
{
	const struct session_ops *ops = s->ops;
	void *arg = s->arg;

	/* A server that answered is told goodbye, with nobody listening; any
	 * other connection is dropped. */
	if (kind == SESSION_REFUSED)
		session_quit(s);
	else
		session_free(s);
	if (ops != NULL)
		ops->failed(arg, kind, v);
}

/* Success where it means nothing: a confused server, try it again later. */
static void
make_temporary(struct verdict *v)
{
	if (v->outcome != WIRE_DONE)
		return;
	v->outcome = WIRE_LATER;
	snprintf(v->enhanced, sizeof(v->enhanced), "4.5.0");
}

/* The server's own words end the opening. */
static void
refuse(struct session *s)
{
	struct verdict v;

	verdict_from_reply(&v, &s->reply);
	make_temporary(&v);
	session_fail(s, SESSION_REFUSED, &v);
}

static void
become_ready(struct session *s)
{
	session_enter(s, STATE_IDLE);
	s->ops->ready(s->arg);
}

/* A reply where none is due. */
static void
on_reply_none(struct session *s)
{
	struct verdict v;

	verdict_set(&v, "4.5.0", "%s spoke out of turn", s->remote);
	session_fail(s, SESSION_LOST, &v);
}

static void
say_hello(struct session *s)
{
	session_enter(s, STATE_EHLO);
	conn_writef(s->conn, "EHLO %s\r\n", s->ctx->hostname);
}

static void
on_reply_greeting(struct session *s)
{
	struct verdict v;

	if (s->reply.code / 100 == 2) {
		say_hello(s);
		return;
	}
	verdict_from_reply(&v, &s->reply);
	/* 521 is meant for good (RFC 7504 3); 554 is often only our address
	 * in some list, or a mistake. */
	if (s->reply.code != 521)
		verdict_soften(&v);
	session_fail(s, SESSION_REFUSED, &v);
}

/* RFC 4616: no authorization identity, user, password. */
static void
auth_plain(struct session *s)
{
	struct buf raw = BUF_INIT(LIMIT_SMTP_AUTH_LINE);
	struct buf line = BUF_INIT(LIMIT_SMTP_AUTH_LINE * 2);

	buf_addc(&raw, '\0');
	buf_adds(&raw, s->user);
	buf_addc(&raw, '\0');
	buf_adds(&raw, s->password);
	buf_adds(&line, "AUTH PLAIN ");
	base64_encode(&line, buf_slice(&raw));
	buf_adds(&line, "\r\n");
	session_enter(s, STATE_AUTH_PLAIN);
	conn_write_slice(s->conn, buf_slice(&line));
	buf_wipe(&raw);
	buf_wipe(&line);
}

static void
write_base64(struct session *s, const char *text)
{
	struct buf line = BUF_INIT(LIMIT_SMTP_AUTH_LINE * 2);

	base64_encode(&line, slice_str(text));
	buf_adds(&line, "\r\n");
	conn_write_slice(s->conn, buf_slice(&line));
	buf_wipe(&line);
}

/* TLS is settled one way or the other. */
static void
log_in(struct session *s)
{
	struct verdict v;

	if (s->user[0] == '\0') {
		become_ready(s);
	} else if (s->ehlo.auth_plain) {
		auth_plain(s);
	} else if (s->ehlo.auth_login) {
		session_enter(s, STATE_AUTH_LOGIN);
		conn_write_slice(s->conn, S("AUTH LOGIN\r\n"));
	} else {
		verdict_set(&v, "4.7.0", "%s offers no way to log in that we "
		    "know (PLAIN, LOGIN)", s->remote);
		session_fail(s, SESSION_REFUSED, &v);
	}
}

static void
fail_no_tls(struct session *s)
{
	struct verdict v;

	verdict_set(&v, "4.7.4", "TLS is required, but was not offered by %s",
	    s->remote);
	session_fail(s, SESSION_REFUSED, &v);
}

static void
on_reply_ehlo(struct session *s)
{
	if (s->reply.code / 100 == 5 && !s->target.require_tls) {
		/* RFC 5321 3.2: a server that knows only HELO. */
		session_enter(s, STATE_HELO);
		conn_writef(s->conn, "HELO %s\r\n", s->ctx->hostname);
		return;
	}
	if (s->reply.code / 100 != 2) {
		refuse(s);
		return;
	}
	ehlo_parse(&s->ehlo, buf_slice(&s->reply.text));
	if (conn_is_tls(s->conn)) {
		log_in(s);
	} else if (s->ehlo.starttls && !s->target.avoid_tls) {
		session_enter(s, STATE_STARTTLS);
		conn_write_slice(s->conn, S("STARTTLS\r\n"));
	} else if (s->target.require_tls) {
		fail_no_tls(s);
	} else {
		log_in(s);
	}
}

static void
on_reply_helo(struct session *s)
{
	s->ehlo = (struct ehlo){ 0 };
	if (s->reply.code / 100 == 2)
		log_in(s);
	else
		refuse(s);
}

static const char *
sni(const struct session *s)
{
	union sockaddr_any ip;

	/* RFC 6066 3: no addresses. */
	return sockaddr_parse(&ip, slice_str(s->host), 0) == 0 ? NULL : s->host;
}

static void
on_reply_starttls(struct session *s)
{
	if (s->reply.code == 220) {
		session_enter(s, STATE_TLS);
		conn_tls_client(s->conn, s->ctx->tls, sni(s));
	} else if (s->target.require_tls) {
		struct verdict v;

		verdict_from_reply(&v, &s->reply);
		verdict_soften(&v);
		make_temporary(&v);
		session_fail(s, SESSION_REFUSED, &v);
	} else {
		/* RFC 3207 4: it changed its mind, we go on without. */
		log_in(s);
	}
}

static void
on_reply_auth_login(struct session *s)
{
	if (s->reply.code != 334) {
		on_reply_auth(s);
		return;
	}
	session_enter(s, STATE_AUTH_USER);
	write_base64(s, s->user);
}

static void
on_reply_auth_user(struct session *s)
{
	if (s->reply.code != 334) {
		on_reply_auth(s);
		return;
	}
	session_enter(s, STATE_AUTH_PASSWORD);
	write_base64(s, s->password);
}

static void
on_reply_auth(struct session *s)
{
	struct verdict v;

	if (s->reply.code == 235) {
		become_ready(s);
		return;
	}
	verdict_from_reply(&v, &s->reply);
	/* A wrong password in our configuration is no reason to return
	 * everybody's mail. */
	verdict_soften(&v);
	make_temporary(&v);
	session_fail(s, SESSION_REFUSED, &v);
}

/* 421 most likely: it closes. */
static void
on_reply_idle(struct session *s)
{
	struct verdict v;

	verdict_from_reply(&v, &s->reply);
	session_fail(s, SESSION_LOST, &v);
}

static void
on_reply_quit(struct session *s)
{
	session_free(s);
}

/* The connection is gone, by whatever cause, or speaks no SMTP. */
static void
lost(struct session *s, const char *enhanced, const char *why)
{
	enum session_failure kind = s->state == STATE_TLS ? SESSION_TLS :
	    SESSION_LOST;
	struct verdict v;

	if (s->state == STATE_QUIT) {
		session_free(s);
		return;
	}
	verdict_set(&v, enhanced, "%s: %s while %s", s->remote, why,
	    session_doing(s));
	if (s->m != NULL)
		transaction_lost(s, &v);
	else
		session_fail(s, kind, &v);
}

static size_t
on_input(void *arg, struct slice in)
{
	struct session *s = arg;
	enum reply_state state;
	size_t used = reply_feed(&s->reply, in, &state);

	/* The handlers may free the session: nothing of it is used behind. */
	if (state == REPLY_BAD) {
		lost(s, "4.5.0", "not an SMTP reply");
	} else if (state == REPLY_DONE) {
		if (log_enabled(LOG_DEBUG)) {
			struct log_line l;
			char line[VERDICT_TEXT];

			reply_line(&s->reply, line, sizeof(line));
			log_begin(&l, LOG_DEBUG, "smtp-reply");
			log_str(&l, "relay", s->remote);
			log_str(&l, "state", session_doing(s));
			log_str(&l, "reply", line);
			log_end(&l);
		}
		states[s->state].on_reply(s);
	}
	return used;
}

static void
on_close(void *arg, const char *why)
{
	struct session *s = arg;

	s->conn = NULL;
	lost(s, "4.4.2", why);
}

static void
on_timeout(void *arg)
{
	lost(arg, "4.4.2", "timeout");
}

static void
on_drain(void *arg)
{
	transaction_drain(arg);
}

static void
on_tls(void *arg, const char *why)
{
	struct session *s = arg;
	struct verdict v;

	if (why != NULL) {
		verdict_set(&v, "4.7.5", "TLS with %s failed: %s", s->remote,
		    why);
		session_fail(s, SESSION_TLS, &v);
	} else if (s->target.wrapped) {
		session_enter(s, STATE_GREETING);
	} else {
		/* RFC 3207 4.2: what was said in clear is forgotten. */
		s->ehlo = (struct ehlo){ 0 };
		say_hello(s);
	}
}

static const struct conn_ops conn_callbacks = {
	.on_input = on_input,
	.on_close = on_close,
	.on_drain = on_drain,
	.on_timeout = on_timeout,
	.on_tls = on_tls,
};

static void
connected(struct session *s, int fd)
{
	s->conn = conn_new(s->ctx->loop, fd, INPUT_MAX, &conn_callbacks, s);
	if (s->target.wrapped) {
		session_enter(s, STATE_TLS);
		conn_tls_client(s->conn, s->ctx->tls, sni(s));
	} else {
		session_enter(s, STATE_GREETING);
	}
}

static void
on_connect(void *arg, int fd, int err)
{
	struct session *s = arg;
	struct verdict v;

	s->connecting = NULL;
	if (fd != -1) {
		connected(s, fd);
		return;
	}
	verdict_set(&v, "4.4.1", "connect to %s: %s", s->remote, strerror(err));
	session_fail(s, SESSION_UNREACHABLE, &v);
}

static struct session *
session_new(const struct session_context *ctx, const struct session_target *t,
    const struct session_ops *ops, void *arg)
{
	struct session *s = mem_zero(sizeof(*s));
	char ip[SOCKADDR_TEXT];

	s->ctx = ctx;
	s->ops = ops;
	s->arg = arg;
	s->target = *t;
	s->host = mem_str(t->host);
	s->user = mem_str(t->user);
	s->password = mem_str(t->password);
	s->target.host = s->target.user = s->target.password = NULL;
	s->opened = loop_now(ctx->loop);
	snprintf(s->remote, sizeof(s->remote), "%s [%s]:%u", s->host,
	    sockaddr_ip(&t->addr, ip), sockaddr_port(&t->addr));
	reply_init(&s->reply);
	return s;
}

struct session *
session_open(const struct session_context *ctx, const struct session_target *t,
    const struct session_ops *ops, void *arg)
{
	struct session *s = session_new(ctx, t, ops, arg);

	s->connecting = conn_connect(ctx->loop, &s->target.addr.sa,
	    sockaddr_len(&s->target.addr), NULL, 0, CONNECT_MS, on_connect, s);
	return s;
}

struct session *
session_adopt(const struct session_context *ctx, int fd,
    const struct session_target *t, const struct session_ops *ops, void *arg)
{
	struct session *s = session_new(ctx, t, ops, arg);

	connected(s, fd);
	return s;
}

void
session_set_owner(struct session *s, const struct session_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
}

bool
session_is_usable(const struct session *s)
{
	return s->state == STATE_IDLE && !s->broken;
}

void
session_quit(struct session *s)
{
	s->ops = NULL;
	s->m = NULL;
	/* Behind 354 only the message may follow, before the greeting nothing
	 * (RFC 5321 4.3.1). */
	if (s->conn == NULL || s->state == STATE_BODY ||
	    s->state == STATE_TLS || s->state == STATE_CONNECT) {
		session_free(s);
		return;
	}
	session_enter(s, STATE_QUIT);
	conn_write_slice(s->conn, S("QUIT\r\n"));
}

void
session_abort(struct session *s)
{
	session_free(s);
}

const char *
session_remote(const struct session *s)
{
	return s->remote;
}

const char *
session_tls(const struct session *s)
{
	return s->conn != NULL ? conn_tls_info(s->conn) : "";
}

bool
session_has_dsn(const struct session *s)
{
	return s->ehlo.dsn;
}

unsigned
session_messages(const struct session *s)
{
	return s->messages;
}

uint64_t
session_opened(const struct session *s)
{
	return s->opened;
}
