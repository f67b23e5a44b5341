/* AUTHENTICATE (RFC 3501 6.2.2, RFC 4959) and the lines that follow it. */
#include "services/login/login.h"

#include "core/base64.h"

static void
forget_user(struct login_session *s)
{
	mem_free(s->user);
	s->user = NULL;
}

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static void
take_plain(struct login_session *s, struct slice message)
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

/* The user name first, then the password. */
static void
take_login(struct login_session *s, struct slice message)
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
take_exchange(struct login_session *s, struct slice message)
{
	if (message.n > LIMIT_SASL_MESSAGE) {
		login_forget(s);
		login_enter(s, LOGIN_COMMAND);
		login_bad(s, slice_str(s->tag), "Message too long.");
	} else if (s->exchange) {
		login_exchange_more(s, message);
	} else {
		login_exchange(s, message);
	}
}

/* RFC 4422 A.1: the authorization identity, or nothing. */
static void
take_external(struct login_session *s, struct slice message)
{
	if (slice_find(message, '\0') < 0) {
		login_external(s, message);
		return;
	}
	login_enter(s, LOGIN_COMMAND);
	login_bad(s, slice_str(s->tag), "Malformed EXTERNAL message.");
}

static void (*const takers[])(struct login_session *s,
    struct slice message) = {
	[MECHANISM_PLAIN] = take_plain,
	[MECHANISM_LOGIN] = take_login,
	[MECHANISM_SCRAM] = take_exchange,
	[MECHANISM_EXTERNAL] = take_external,
};

static void
take_line(struct login_session *s, struct slice encoded)
{
	struct buf message = BUF_INIT(LIMIT_IMAP_PRELOGIN_LINE);

	if (slice_eq(encoded, S("*")) ||
	    base64_decode(&message, encoded) == -1) {
		login_forget(s);
		forget_user(s);
		login_enter(s, LOGIN_COMMAND);
		login_bad(s, slice_str(s->tag), "AUTHENTICATE failed.");
	} else {
		takers[s->mechanism->kind](s, buf_slice(&message));
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
	take_line(s, line);
	return (size_t)at + 1;
}

void
login_authenticate(struct login_session *s, struct slice tag,
    struct slice name, const struct slice *initial)
{
	const struct mechanism *m = mechanism_find(name);

	if (m == NULL) {
		conn_writef(s->client, "%.*s NO Unsupported authentication "
		    "mechanism.\r\n", SLICE_ARG(tag));
		return;
	}
	login_keep_tag(s, tag);
	s->mechanism = m;
	s->exchange = false;
	forget_user(s);
	login_enter(s, LOGIN_SASL);
	if (initial == NULL)
		conn_writef(s->client, "+ %s\r\n",
		    m->kind == MECHANISM_LOGIN ? "VXNlcm5hbWU6" : "");
	else
		/* RFC 4959 section 3: "=" is the empty response. */
		take_line(s, slice_eq(*initial, S("=")) ? S("") : *initial);
}
