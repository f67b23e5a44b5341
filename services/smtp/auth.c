/* AUTH. See auth.h. */
#include "services/smtp/auth.h"

#include "core/base64.h"
#include "services/smtp/command.h"
#include "services/smtp/reply.h"
#include "wire/auth.h"

/* auth itself delays failures and answers when it is overloaded. */
#define VERIFY_MS 60000

#define EXCHANGE_MS 300000

/* RFC 4616: three parts, each up to its limit, with two NULs between; or a
 * message of an exchange. */
#define MAX_PLAIN (2 * LIMIT_ADDRESS + LIMIT_PASSWORD + 2)
#define MAX_MESSAGE                                                            \
	(MAX_PLAIN > LIMIT_SASL_MESSAGE ? MAX_PLAIN : LIMIT_SASL_MESSAGE)

struct mechanism_offer
auth_offer(const struct session *s)
{
	struct mechanism_offer offer = s->server->offer;
	struct tls_binding b;

	conn_tls_binding(s->conn, &b);
	offer.plus = s->server->conf->scram_plus &&
	    b.exporter_n + b.unique_n + b.end_point_n > 0;
	offer.external = conn_tls_is_verified(s->conn);
	return offer;
}

void
auth_exchange_release(struct auth_exchange *a)
{
	if (a->id != 0) {
		(void)peer_send(a->peer, a->id, WIRE_AUTH_SASL_ABORT, S(""));
		peer_cancel(a->peer, a->id);
	}
	a->id = 0;
	buf_wipe(&a->user);
}

static void
auth_failed(struct session *s)
{
	s->auth_failures++;
	reply(s, "535 5.7.8 Error: authentication failed: "
	    "(reason unavailable)");
	if (s->auth_failures < LIMIT_SMTP_AUTH_FAILURES)
		return;
	reply(s, "421 4.7.0 %s Error: too many errors",
	    s->server->conf->hostname);
	session_close(s, "too many failed logins");
}

/* On success the session has the user, and with it every line of the log. */
static void
log_result(struct session *s, const char *event, struct slice master)
{
	struct log_line l;

	session_log(s, &l, LOG_INFO, event);
	log_str(&l, "mechanism", s->auth.mechanism->name);
	if (s->user == NULL)
		log_slice(&l, "user", buf_slice(&s->auth.user));
	if (master.n > 0)
		log_slice(&l, "master", master);
	log_end(&l);
}

static void
take_result(struct session *s, const struct wire_auth_reply *r)
{
	/* Of a master's login auth knows who is who. */
	if (s->auth.user.n == 0 || r->master.n > 0) {
		buf_release(&s->auth.user);
		buf_init(&s->auth.user, LIMIT_ADDRESS);
		buf_add_slice(&s->auth.user, r->user);
	}
	session_go_on(s);
	session_enter(s, SMTP_IDLE);
	switch (r->result) {
	case WIRE_VERIFY_OK:
		s->user = slice_dup(r->user);
		log_result(s, "auth", r->master);
		reply(s, "235 2.7.0 Authentication successful");
		break;
	case WIRE_VERIFY_DENIED:
	case WIRE_VERIFY_FORBIDDEN:
		log_result(s, "auth-failed", r->master);
		auth_failed(s);
		break;
	default:
		log_result(s, "auth-later", S(""));
		reply(s, "454 4.7.0 Temporary authentication failure");
		break;
	}
	auth_exchange_release(&s->auth);
}

/* No frame, or one that auth should not have sent, is LATER. */
static struct wire_auth_reply
read_reply(struct chan_frame *f)
{
	struct wire_auth_reply r;

	if (f == NULL || f->type != WIRE_AUTH_VERIFY_REPLY ||
	    wire_auth_reply_get(f->payload, &r) == -1 ||
	    (r.result == WIRE_VERIFY_OK && r.user.n == 0))
		r = (struct wire_auth_reply){ .result = WIRE_VERIFY_LATER };
	return r;
}

static void
on_verified(void *arg, struct chan_frame *f)
{
	struct wire_auth_reply r = read_reply(f);

	take_result(arg, &r);
}

static void
verify(struct session *s, struct slice authzid, struct slice user,
    struct slice password)
{
	struct server *v = s->server;
	struct buf b = WIRE_BUF;
	struct buf name = BUF_INIT(LIMIT_ADDRESS);

	wire_put_u8(&b, WIRE_SERVICE_SMTP);
	wire_put_str(&b, s->ip);
	wire_put_slice(&b, authzid);
	wire_put_slice(&b, user);
	wire_put_slice(&b, password);
	/* Kept for the log; user may be a view into s->auth.user. */
	buf_add_slice(&name, user);
	auth_exchange_release(&s->auth);
	s->auth.user = name;
	session_wait(s, v->verify, peer_request(v->verify, WIRE_AUTH_VERIFY,
	    buf_slice(&b), -1, VERIFY_MS, on_verified, s));
	buf_wipe(&b);
}

static void
abandon(struct session *s, const char *text)
{
	auth_exchange_release(&s->auth);
	session_enter(s, SMTP_IDLE);
	reply(s, "%s", text);
}

static void
take_plain(struct session *s, struct slice message)
{
	struct slice authzid, user, password;

	if (auth_plain_parse(message, &authzid, &user, &password) == -1)
		abandon(s, "501 5.5.2 Error: malformed authentication data");
	else
		verify(s, authzid, user, password);
}

static void
take_login_user(struct session *s, struct slice message)
{
	if (message.n == 0 || message.n > LIMIT_ADDRESS ||
	    slice_find(message, '\0') >= 0) {
		abandon(s, "501 5.5.2 Error: malformed authentication data");
		return;
	}
	buf_init(&s->auth.user, LIMIT_ADDRESS);
	buf_add_slice(&s->auth.user, message);
	s->auth.step = AUTH_LOGIN_PASSWORD;
	reply(s, "334 UGFzc3dvcmQ6");
}

static void
take_login_password(struct session *s, struct slice message)
{
	if (message.n == 0 || message.n > LIMIT_PASSWORD)
		abandon(s, "501 5.5.2 Error: malformed authentication data");
	else
		verify(s, S(""), buf_slice(&s->auth.user), message);
}

/* --- an exchange of messages that auth understands ------------------------ */

static void
challenge(struct session *s, struct slice message)
{
	struct buf text = BUF_INIT(4 * LIMIT_SASL_MESSAGE);

	base64_encode(&text, message);
	/* Longer than other replies may be, and nothing for the log. */
	conn_writef(s->conn, "334 %s\r\n", buf_str(&text));
	buf_release(&text);
	s->auth.step = AUTH_EXCHANGE_MORE;
	session_go_on(s);
}

static bool
on_exchange(void *arg, struct chan_frame *f)
{
	struct session *s = arg;
	struct wire_auth_reply r = read_reply(f);

	if (f != NULL && s->waiting && r.result == WIRE_VERIFY_CHALLENGE) {
		challenge(s, r.message);
		return true;
	}
	s->auth.id = 0;
	/* Over before its time: the client's next line is told. */
	if (s->waiting)
		take_result(s, &r);
	return false;
}

static void
take_exchange(struct session *s, struct slice message)
{
	struct server *v = s->server;
	struct mechanism_offer offer = auth_offer(s);
	struct wire_auth_sasl sasl = { .service = WIRE_SERVICE_SMTP,
		.client_ip = slice_str(s->ip),
		.mechanism = slice_str(s->auth.mechanism->name),
		.message = message };
	struct tls_binding tls;
	struct buf b = WIRE_BUF;

	conn_tls_binding(s->conn, &tls);
	sasl.plus_offered = mechanism_offers_plus(&offer, s->auth.mechanism);
	sasl.tls_exporter = slice_of(tls.exporter, tls.exporter_n);
	sasl.tls_unique = slice_of(tls.unique, tls.unique_n);
	sasl.tls_end_point = slice_of(tls.end_point, tls.end_point_n);
	wire_auth_sasl_put(&b, &sasl);
	s->auth.peer = v->verify;
	s->auth.id = peer_stream(v->verify, WIRE_AUTH_SASL, buf_slice(&b), -1,
	    EXCHANGE_MS, on_exchange, s);
	session_wait(s, v->verify, 0);
	buf_wipe(&b);
}

static void
take_exchange_more(struct session *s, struct slice message)
{
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, message);
	session_wait(s, s->auth.peer, 0);
	if (s->auth.id == 0 || peer_send(s->auth.peer, s->auth.id,
	    WIRE_AUTH_SASL_MORE, buf_slice(&b)) == -1)
		take_result(s, &(struct wire_auth_reply){
		    .result = WIRE_VERIFY_LATER });
	buf_wipe(&b);
}

/* --- by certificate ------------------------------------------------------- */

/* RFC 4422 A.1: the authorization identity, or nothing. Whether there is a
 * certificate at all is for auth to find out, who counts refusals. */
static void
take_external(struct session *s, struct slice message)
{
	struct server *v = s->server;
	struct wire_auth_external e = { .service = WIRE_SERVICE_SMTP,
		.client_ip = slice_str(s->ip),
		.authzid = message };
	struct buf der = BUF_INIT(LIMIT_TLS_CERTIFICATES);
	struct buf b = WIRE_BUF;

	if (message.n > LIMIT_ADDRESS || slice_find(message, '\0') >= 0) {
		abandon(s, "501 5.5.2 Error: malformed authentication data");
		return;
	}
	conn_tls_peer(s->conn, &der);
	e.certificates = buf_slice(&der);
	wire_auth_external_put(&b, &e);
	auth_exchange_release(&s->auth);
	session_wait(s, v->verify, peer_request(v->verify, WIRE_AUTH_EXTERNAL,
	    buf_slice(&b), -1, VERIFY_MS, on_verified, s));
	buf_release(&der);
	buf_release(&b);
}

/* --- lines of the client -------------------------------------------------- */

static void (*const steps[])(struct session *, struct slice) = {
	[AUTH_PLAIN] = take_plain,
	[AUTH_LOGIN_USER] = take_login_user,
	[AUTH_LOGIN_PASSWORD] = take_login_password,
	[AUTH_EXCHANGE] = take_exchange,
	[AUTH_EXCHANGE_MORE] = take_exchange_more,
	[AUTH_EXTERNAL] = take_external,
};

static const enum auth_step first_step[] = {
	[MECHANISM_PLAIN] = AUTH_PLAIN,
	[MECHANISM_LOGIN] = AUTH_LOGIN_USER,
	[MECHANISM_SCRAM] = AUTH_EXCHANGE,
	[MECHANISM_EXTERNAL] = AUTH_EXTERNAL,
};

/* One response, still in base64. */
static void
take_response(struct session *s, struct slice text)
{
	struct buf message = BUF_INIT(MAX_MESSAGE);

	int r = base64_decode(&message, text);

	/* RFC 4954 section 4 */
	if (!buf_ok(&message))
		abandon(s, "500 5.5.6 Error: authentication exchange line is "
		    "too long");
	else if (r == -1)
		abandon(s, "501 5.5.2 Error: malformed authentication data");
	else
		steps[s->auth.step](s, buf_slice(&message));
	buf_wipe(&message);
}

void
auth_line(struct session *s, struct slice line)
{
	/* RFC 4954 4: the client cancels. */
	if (slice_eq(line, S("*")))
		abandon(s, "501 5.7.0 Authentication aborted");
	else
		take_response(s, line);
}

void
smtp_cmd_auth(struct session *s, struct slice args)
{
	const struct mechanism *m;
	struct slice mechanism, initial;

	if (s->user != NULL) {
		reply(s, "503 5.5.1 Error: already authenticated");
		return;
	}
	if (!slice_word(&args, &mechanism)) {
		reply(s, "501 5.5.4 Syntax: AUTH mechanism");
		return;
	}
	m = mechanism_find(mechanism);
	if (m == NULL) {
		/* RFC 4954 section 4 */
		reply(s, "504 5.5.4 Error: unrecognized authentication "
		    "mechanism");
		return;
	}
	s->auth.mechanism = m;
	s->auth.step = first_step[m->kind];
	session_enter(s, SMTP_AUTH);
	if (!slice_word(&args, &initial)) {
		reply(s, "334 %s",
		    m->kind == MECHANISM_LOGIN ? "VXNlcm5hbWU6" : "");
		return;
	}
	/* RFC 4954 4: "=" is an empty initial response. */
	if (args.n > 0)
		abandon(s, "501 5.5.4 Syntax: AUTH mechanism [response]");
	else if (slice_eq(initial, S("=")))
		steps[s->auth.step](s, S(""));
	else
		take_response(s, initial);
}
