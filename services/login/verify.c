#include "services/login/login.h"

#include "core/base64.h"
#include "core/log.h"
#include "wire/auth.h"

#define VERIFY_MS 120000
#define FAILURES_MAX 5

static void
log_login(struct login_session *s, enum log_level level, const char *event)
{
	struct log_line l;
	char ip[SOCKADDR_TEXT];

	log_begin(&l, level, event);
	log_str(&l, "session", s->id);
	log_str(&l, "user", s->user != NULL ? s->user : "");
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

/* 0, or -1 for a frame that auth should not have sent. */
static int
take_reply(struct login_session *s, struct slice payload)
{
	struct wire_in in = wire_in(payload);
	enum wire_verify_result result = wire_get_enum(&in, WIRE_VERIFY_RESULTS);
	struct slice user = wire_get_slice(&in, LIMIT_ADDRESS);
	struct slice ticket = wire_get_slice(&in, WIRE_TICKET);

	if (wire_end(&in) == -1)
		return -1;
	switch (result) {
	case WIRE_VERIFY_OK:
		log_login(s, LOG_INFO, "login");
		login_proxy(s, user, ticket);
		break;
	case WIRE_VERIFY_DENIED:
		log_login(s, LOG_WARN, "login-failed");
		refuse(s, "[AUTHENTICATIONFAILED] Authentication failed.");
		if (++s->failures >= FAILURES_MAX)
			login_bye(s, "Too many failed logins.");
		break;
	default:
		refuse(s, "[UNAVAILABLE] Try again later.");
		break;
	}
	return 0;
}

static void
on_verified(void *arg, struct chan_frame *reply)
{
	struct login_session *s = arg;

	s->request = 0;
	if (reply == NULL || reply->type != WIRE_AUTH_VERIFY_REPLY ||
	    take_reply(s, reply->payload) == -1)
		refuse(s, "[UNAVAILABLE] Authentication is not available, "
		    "try again later.");
}

/* tag may be s->tag itself, kept from the AUTHENTICATE line. */
static void
keep_tag(struct login_session *s, struct slice tag)
{
	size_t n = tag.n < LOGIN_TAG ? tag.n : LOGIN_TAG;

	memmove(s->tag, tag.p, n);
	s->tag[n] = '\0';
}

void
login_verify(struct login_session *s, struct slice tag, struct slice authzid,
    struct slice user, struct slice password)
{
	struct buf b = WIRE_BUF;
	char ip[SOCKADDR_TEXT];

	keep_tag(s, tag);
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
	login_enter(s, LOGIN_VERIFY);
	conn_pause(s->client);
	conn_timeout(s->client, VERIFY_MS + 10000);
	s->request = peer_request(s->login->auth, WIRE_AUTH_VERIFY,
	    buf_slice(&b), -1, VERIFY_MS, on_verified, s);
	buf_wipe(&b);
}

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static void
sasl_plain(struct login_session *s, struct slice message)
{
	struct slice authzid, user;
	ssize_t at = slice_find(message, '\0');

	if (at < 0)
		goto bad;
	authzid = slice_head(message, (size_t)at);
	message = slice_from(message, (size_t)at + 1);
	at = slice_find(message, '\0');
	if (at < 0)
		goto bad;
	user = slice_head(message, (size_t)at);
	message = slice_from(message, (size_t)at + 1);
	if (slice_find(message, '\0') >= 0)
		goto bad;
	login_verify(s, slice_str(s->tag), authzid, user, message);
	return;
bad:
	login_enter(s, LOGIN_COMMAND);
	login_bad(s, slice_str(s->tag), "Malformed PLAIN message.");
}

/* AUTHENTICATE LOGIN: the user name first, then the password. */
static void
sasl_login(struct login_session *s, struct slice message)
{
	char *user;

	if (s->user == NULL) {
		s->user = slice_dup(slice_head(message, LOGIN_USER));
		conn_writef(s->client, "+ UGFzc3dvcmQ6\r\n");
		return;
	}
	user = s->user;
	s->user = NULL;
	login_verify(s, slice_str(s->tag), S(""), slice_str(user), message);
	mem_free(user);
}

static void
sasl_message(struct login_session *s, struct slice encoded)
{
	struct buf message = BUF_INIT(LIMIT_IMAP_PRELOGIN_LINE);

	if (slice_eq(encoded, S("*")) ||
	    base64_decode(&message, encoded) == -1) {
		mem_free(s->user);
		s->user = NULL;
		login_enter(s, LOGIN_COMMAND);
		login_bad(s, slice_str(s->tag), "AUTHENTICATE failed.");
	} else if (s->sasl_login) {
		sasl_login(s, buf_slice(&message));
	} else {
		sasl_plain(s, buf_slice(&message));
	}
	buf_wipe(&message);
}

size_t
login_sasl_line(struct login_session *s, struct slice in)
{
	ssize_t at = slice_find(in, '\n');
	struct slice line;

	if (at < 0) {
		if (in.n < LIMIT_IMAP_PRELOGIN_LINE)
			return 0;
		login_bye(s, "Response too long.");
		return in.n;
	}
	line = slice_head(in, (size_t)at);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	sasl_message(s, line);
	return (size_t)at + 1;
}

void
login_authenticate(struct login_session *s, struct slice tag,
    struct slice mechanism, const struct slice *initial)
{
	if (!slice_ieq(mechanism, S("PLAIN")) &&
	    !slice_ieq(mechanism, S("LOGIN"))) {
		conn_writef(s->client, "%.*s NO Unsupported authentication "
		    "mechanism.\r\n", SLICE_ARG(tag));
		return;
	}
	keep_tag(s, tag);
	s->sasl_login = slice_ieq(mechanism, S("LOGIN"));
	mem_free(s->user);
	s->user = NULL;
	login_enter(s, LOGIN_SASL);
	if (initial == NULL)
		conn_writef(s->client, "+ %s\r\n",
		    s->sasl_login ? "VXNlcm5hbWU6" : "");
	else
		/* RFC 4959 section 3: "=" is the empty response. */
		sasl_message(s, slice_eq(*initial, S("=")) ? S("") : *initial);
}
