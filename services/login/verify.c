#include "services/login/login.h"

#include "core/base64.h"
#include "core/log.h"
#include "wire/auth.h"

#define VERIFY_MS 120000
#define EXCHANGE_MS 300000 /* auth ends it before, if the client is silent */
#define FAILURES_MAX 5

static void
log_login(struct login_session *s, enum log_level level, const char *event,
    struct slice master)
{
	struct log_line l;
	char ip[SOCKADDR_TEXT];

	log_begin(&l, level, event);
	log_str(&l, "session", s->id);
	log_str(&l, "user", s->user != NULL ? s->user : "");
	if (master.n > 0)
		log_slice(&l, "master", master);
	log_str(&l, "mechanism", s->mechanism != NULL ? s->mechanism->name :
	    "command");
	log_str(&l, "ip", sockaddr_ip(&s->from, ip));
	log_str(&l, "tls", conn_tls_info(s->client));
	log_end(&l);
}

static void
refuse(struct login_session *s, const char *text)
{
	conn_writef(s->client, "%s NO %s\r\n", s->tag, text);
	mem_free(s->user);
	s->user = NULL;
	login_enter(s, LOGIN_COMMAND);
	conn_resume(s->client);
}

static void
take_reply(struct login_session *s, const struct wire_auth_reply *r)
{
	/* Of a master's login auth knows who is who. */
	if (s->user == NULL || r->master.n > 0) {
		mem_free(s->user);
		s->user = slice_dup(r->user);
	}
	switch (r->result) {
	case WIRE_VERIFY_OK:
		log_login(s, LOG_INFO, "login", r->master);
		login_proxy(s, r->user, r->ticket);
		break;
	case WIRE_VERIFY_DENIED:
	case WIRE_VERIFY_FORBIDDEN:
		log_login(s, LOG_WARN, "login-failed", r->master);
		/* RFC 5530 section 3 */
		refuse(s, r->result == WIRE_VERIFY_DENIED ?
		    "[AUTHENTICATIONFAILED] Authentication failed." :
		    "[AUTHORIZATIONFAILED] Authorization failed.");
		if (++s->failures >= FAILURES_MAX)
			login_bye(s, "Too many failed logins.");
		break;
	default:
		refuse(s, "[UNAVAILABLE] Authentication is not available, "
		    "try again later.");
		break;
	}
}

/* No frame, or one that auth should not have sent, is LATER. */
static struct wire_auth_reply
read_reply(struct chan_frame *f)
{
	struct wire_auth_reply r;

	if (f == NULL || f->type != WIRE_AUTH_VERIFY_REPLY ||
	    wire_auth_reply_get(f->payload, &r) == -1)
		r = (struct wire_auth_reply){ .result = WIRE_VERIFY_LATER };
	return r;
}

static void
on_verified(void *arg, struct chan_frame *f)
{
	struct login_session *s = arg;
	struct wire_auth_reply r = read_reply(f);

	s->request = 0;
	take_reply(s, &r);
}

/* tag may be s->tag itself, kept from the AUTHENTICATE line. */
void
login_keep_tag(struct login_session *s, struct slice tag)
{
	size_t n = tag.n < LOGIN_TAG ? tag.n : LOGIN_TAG;

	memmove(s->tag, tag.p, n);
	s->tag[n] = '\0';
}

static void
wait_for_auth(struct login_session *s)
{
	login_enter(s, LOGIN_VERIFY);
	conn_pause(s->client);
	conn_timeout(s->client, VERIFY_MS + 10000);
}

void
login_verify(struct login_session *s, struct slice tag, struct slice authzid,
    struct slice user, struct slice password)
{
	struct buf b = WIRE_BUF;
	char ip[SOCKADDR_TEXT];

	login_keep_tag(s, tag);
	if (user.n > LOGIN_USER || password.n > LIMIT_PASSWORD ||
	    authzid.n > LOGIN_USER) {
		refuse(s, "[AUTHENTICATIONFAILED] Authentication failed.");
		return;
	}
	mem_free(s->user);
	s->user = slice_dup(user);
	wire_put_u8(&b, WIRE_SERVICE_IMAP);
	wire_put_str(&b, sockaddr_ip(&s->from, ip));
	wire_put_slice(&b, authzid);
	wire_put_slice(&b, user);
	wire_put_slice(&b, password);
	wait_for_auth(s);
	s->exchange = false;
	s->request = peer_request(s->login->auth, WIRE_AUTH_VERIFY,
	    buf_slice(&b), -1, VERIFY_MS, on_verified, s);
	buf_wipe(&b);
}

/* What the certificate is worth is for auth to say, also when it is plainly
 * not enough: so all refusals are logged and slowed down in one place. */
void
login_external(struct login_session *s, struct slice authzid)
{
	struct wire_auth_external e = { .service = WIRE_SERVICE_IMAP,
		.authzid = authzid };
	struct buf der = BUF_INIT(LIMIT_TLS_CERTIFICATES);
	struct buf b = WIRE_BUF;
	char ip[SOCKADDR_TEXT];

	if (authzid.n > LOGIN_USER) {
		refuse(s, "[AUTHENTICATIONFAILED] Authentication failed.");
		return;
	}
	conn_tls_peer(s->client, &der);
	e.client_ip = slice_str(sockaddr_ip(&s->from, ip));
	e.certificates = buf_slice(&der);
	wire_auth_external_put(&b, &e);
	wait_for_auth(s);
	s->exchange = false;
	s->request = peer_request(s->login->auth, WIRE_AUTH_EXTERNAL,
	    buf_slice(&b), -1, VERIFY_MS, on_verified, s);
	buf_release(&der);
	buf_release(&b);
}

/* --- an exchange of messages that auth understands ------------------------ */

static void
challenge(struct login_session *s, struct slice message)
{
	struct buf text = BUF_INIT(4 * LIMIT_SASL_MESSAGE);

	base64_encode(&text, message);
	conn_writef(s->client, "+ %s\r\n", buf_str(&text));
	login_enter(s, LOGIN_SASL);
	conn_resume(s->client);
	buf_release(&text);
}

static bool
on_exchange(void *arg, struct chan_frame *f)
{
	struct login_session *s = arg;
	struct wire_auth_reply r = read_reply(f);

	if (f != NULL && r.result == WIRE_VERIFY_CHALLENGE &&
	    s->state == LOGIN_VERIFY) {
		challenge(s, r.message);
		return true;
	}
	s->request = 0;
	/* Over before its time: the client's next line is told. */
	if (s->state == LOGIN_VERIFY)
		take_reply(s, &r);
	return false;
}

void
login_exchange(struct login_session *s, struct slice message)
{
	struct mechanism_offer offer = login_offer(s);
	struct wire_auth_sasl sasl = { .service = WIRE_SERVICE_IMAP,
		.mechanism = slice_str(s->mechanism->name),
		.message = message };
	struct tls_binding tls;
	struct buf b = WIRE_BUF;
	char ip[SOCKADDR_TEXT];

	conn_tls_binding(s->client, &tls);
	sasl.plus_offered = mechanism_offers_plus(&offer, s->mechanism);
	sasl.tls_exporter = slice_of(tls.exporter, tls.exporter_n);
	sasl.tls_unique = slice_of(tls.unique, tls.unique_n);
	sasl.tls_end_point = slice_of(tls.end_point, tls.end_point_n);
	sasl.client_ip = slice_str(sockaddr_ip(&s->from, ip));
	wire_auth_sasl_put(&b, &sasl);
	wait_for_auth(s);
	s->exchange = true;
	s->request = peer_stream(s->login->auth, WIRE_AUTH_SASL, buf_slice(&b),
	    -1, EXCHANGE_MS, on_exchange, s);
	buf_wipe(&b);
}

void
login_exchange_more(struct login_session *s, struct slice message)
{
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, message);
	wait_for_auth(s);
	if (s->request == 0 || peer_send(s->login->auth, s->request,
	    WIRE_AUTH_SASL_MORE, buf_slice(&b)) == -1) {
		login_forget(s);
		take_reply(s, &(struct wire_auth_reply){
		    .result = WIRE_VERIFY_LATER });
	}
	buf_wipe(&b);
}

void
login_forget(struct login_session *s)
{
	if (s->request == 0)
		return;
	if (s->exchange)
		(void)peer_send(s->login->auth, s->request,
		    WIRE_AUTH_SASL_ABORT, S(""));
	peer_cancel(s->login->auth, s->request);
	s->request = 0;
}
