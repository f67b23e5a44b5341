#include "services/login/login.h"

#include "core/limits.h"
#include "services/login/parse.h"
#include "wire/capability.h"

enum { ANY = 0, CLEAR_ONLY = 1, NEEDS_TLS = 2 };

struct login_verb {
	const char *verb;
	size_t args; /* exactly */
	unsigned flags;
	void (*fn)(struct login_session *s, const struct login_line *line);
};

static void
reply(struct login_session *s, struct slice tag, const char *text)
{
	conn_writef(s->client, "%.*s %s\r\n", SLICE_ARG(tag), text);
}

struct mechanism_offer
login_offer(const struct login_session *s)
{
	struct mechanism_offer offer = s->login->offer;
	struct tls_binding b;

	conn_tls_binding(s->client, &b);
	offer.plus = service_conf(s->login->service)->scram_plus &&
	    b.exporter_n + b.unique_n + b.end_point_n > 0;
	offer.external = conn_tls_is_verified(s->client);
	return offer;
}

void
login_capabilities(const struct login_session *s, struct buf *out)
{
	unsigned states = login_is_secure(s) ? CAPABILITY_SECURE :
	    CAPABILITY_CLEAR;
	struct mechanism_offer offer = login_offer(s);

	if (s->starttls && !conn_is_tls(s->client))
		states |= CAPABILITY_TLS;
	capability_put(out, states);
	if (login_is_secure(s))
		mechanism_list(&offer, " AUTH=", out);
}

static void
cmd_capability(struct login_session *s, const struct login_line *line)
{
	struct buf *out = &s->login->line;

	buf_clear(out);
	buf_adds(out, "* CAPABILITY ");
	login_capabilities(s, out);
	buf_adds(out, "\r\n");
	conn_write_slice(s->client, buf_slice(out));
	reply(s, line->tag, "OK Capability completed.");
}

static void
cmd_noop(struct login_session *s, const struct login_line *line)
{
	reply(s, line->tag, "OK NOOP completed.");
}

/* RFC 2971; what the client says of itself is of no use to us. */
static void
cmd_id(struct login_session *s, const struct login_line *line)
{
	conn_writef(s->client, "* ID (\"name\" \"Pillarbox\")\r\n");
	reply(s, line->tag, "OK ID completed.");
}

static void
cmd_logout(struct login_session *s, const struct login_line *line)
{
	conn_writef(s->client, "* BYE Logging out\r\n");
	reply(s, line->tag, "OK Logout completed.");
	login_enter(s, LOGIN_CLOSED);
	conn_close(s->client);
}

/* RFC 3501 6.2.1: nothing that came in clear is remembered. */
static void
cmd_starttls(struct login_session *s, const struct login_line *line)
{
	reply(s, line->tag, "OK Begin TLS negotiation now.");
	login_enter(s, LOGIN_HANDSHAKE);
	conn_tls_server(s->client, s->login->tls);
}

static void
cmd_login(struct login_session *s, const struct login_line *line)
{
	s->mechanism = NULL;
	login_verify(s, line->tag, S(""), line->args[0], line->args[1]);
}

static void
cmd_authenticate(struct login_session *s, const struct login_line *line)
{
	if (line->count < 1 || line->count > 2)
		login_bad(s, line->tag, "AUTHENTICATE mechanism "
		    "[initial-response]");
	else
		login_authenticate(s, line->tag, line->args[0],
		    line->count == 2 ? &line->args[1] : NULL);
}

#define VARIES SIZE_MAX

static const struct login_verb verbs[] = {
	{ "CAPABILITY", 0, ANY, cmd_capability },
	{ "NOOP", 0, ANY, cmd_noop },
	{ "ID", VARIES, ANY, cmd_id },
	{ "LOGOUT", 0, ANY, cmd_logout },
	{ "STARTTLS", 0, CLEAR_ONLY, cmd_starttls },
	{ "LOGIN", 2, NEEDS_TLS, cmd_login },
	{ "AUTHENTICATE", VARIES, NEEDS_TLS, cmd_authenticate },
};

/* The dispatcher checks what a handler may rely on. */
static void
dispatch(struct login_session *s, const struct login_line *line)
{
	const struct login_verb *v = NULL;

	for (size_t i = 0; i < LEN(verbs); i++)
		if (slice_ieq(line->verb, slice_str(verbs[i].verb)))
			v = &verbs[i];
	if (v == NULL) {
		login_bad(s, line->tag, "Unknown command, or log in first.");
	} else if (v->args != VARIES && v->args != line->count) {
		login_bad(s, line->tag, "Wrong number of arguments.");
	} else if (v->flags == CLEAR_ONLY &&
	    (!s->starttls || conn_is_tls(s->client))) {
		login_bad(s, line->tag, "TLS is already active.");
	} else if (v->flags == NEEDS_TLS && !login_is_secure(s)) {
		/* RFC 8314 4.1: the password is in the open already; say so. */
		conn_writef(s->client, "* BAD [ALERT] Plaintext authentication "
		    "not allowed without SSL/TLS, but your client did it "
		    "anyway. If anyone was listening, the password was "
		    "exposed.\r\n");
		reply(s, line->tag, "NO [PRIVACYREQUIRED] Plaintext "
		    "authentication disallowed on non-secure (SSL/TLS) "
		    "connections.");
		s->errors++;
	} else {
		v->fn(s, line);
	}
}

size_t
login_command(struct login_session *s, struct slice in)
{
	char scratch[LIMIT_IMAP_PRELOGIN_LINE];
	struct login_line line;
	size_t used = 0;

	if (in.n > sizeof(scratch))
		in = slice_head(in, sizeof(scratch));
	switch (login_parse(in, scratch, &line)) {
	case LOGIN_PARSE_OK:
		s->literal_asked = 0;
		dispatch(s, &line);
		used = line.used;
		break;
	case LOGIN_PARSE_BAD:
		s->literal_asked = 0;
		login_bad(s, line.tag, "Malformed command.");
		used = line.used;
		break;
	case LOGIN_PARSE_LITERAL:
		if (s->literal_asked != in.n)
			conn_writef(s->client, "+ OK\r\n");
		s->literal_asked = in.n;
		/* FALLTHROUGH */
	case LOGIN_PARSE_MORE:
		if (in.n == sizeof(scratch)) {
			login_bye(s, "Command too long.");
			used = in.n;
		}
		break;
	}
	mem_wipe(scratch, sizeof(scratch)); /* it may have held a password */
	return used;
}
