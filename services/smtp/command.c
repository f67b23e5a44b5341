/* The table of commands and its dispatcher. See command.h. */
#include "services/smtp/command.h"

#include "services/smtp/reply.h"

#define LINES (IN(NEW) | IN(IDLE) | IN(MAIL) | IN(RCPT) | IN(BDAT))

#define IN_TRANSACTION "503 5.5.1 Error: MAIL transaction in progress"
#define NO_RCPT "503 5.5.1 Error: need RCPT command"

/* clang-format off */
static const struct command commands[] = {
	{ "MAIL", smtp_cmd_mail, IN(IDLE),
	  COMMAND_NEEDS_TLS | COMMAND_NEEDS_AUTH,
	  NULL, "503 5.5.1 Error: nested MAIL command", NULL },
	{ "RCPT", smtp_cmd_rcpt, IN(MAIL) | IN(RCPT),
	  COMMAND_NEEDS_TLS | COMMAND_NEEDS_AUTH,
	  "503 5.5.1 Error: need MAIL command", IN_TRANSACTION, NULL },
	{ "DATA", smtp_cmd_data, IN(RCPT),
	  COMMAND_NEEDS_TLS | COMMAND_NEEDS_AUTH | COMMAND_LAST,
	  NO_RCPT, "503 5.5.1 Error: DATA after BDAT", NULL },
	{ "BDAT", smtp_cmd_bdat, IN(RCPT) | IN(BDAT),
	  COMMAND_NEEDS_TLS | COMMAND_NEEDS_AUTH,
	  NO_RCPT, IN_TRANSACTION, bdat_skip },
	{ "EHLO", smtp_cmd_ehlo, LINES, 0, NULL, NULL, NULL },
	{ "HELO", smtp_cmd_helo, LINES, 0, NULL, NULL, NULL },
	{ "STARTTLS", smtp_cmd_starttls, IN(IDLE), 0,
	  NULL, IN_TRANSACTION, NULL },
	{ "AUTH", smtp_cmd_auth, IN(IDLE),
	  COMMAND_NEEDS_TLS | COMMAND_SUBMISSION | COMMAND_LAST,
	  NULL, IN_TRANSACTION, NULL },
	{ "RSET", smtp_cmd_rset, LINES, 0, NULL, NULL, NULL },
	{ "NOOP", smtp_cmd_noop, LINES, 0, NULL, NULL, NULL },
	{ "QUIT", smtp_cmd_quit, LINES, 0, NULL, NULL, NULL },
	{ "VRFY", smtp_cmd_vrfy, LINES, COMMAND_NEEDS_TLS, NULL, NULL, NULL },
	{ "EXPN", smtp_cmd_expn, LINES, COMMAND_NEEDS_TLS, NULL, NULL, NULL },
	{ "HELP", smtp_cmd_help, LINES, COMMAND_NEEDS_TLS, NULL, NULL, NULL },
};
/* clang-format on */

const struct command *
command_find(struct slice verb)
{
	for (size_t i = 0; i < LEN(commands); i++)
		if (slice_ieq(verb, slice_str(commands[i].verb)))
			return &commands[i];
	return NULL;
}

/* Other protocols' first words: a browser or a worm, not a mail client. */
static bool
is_foreign(struct slice verb)
{
	return slice_ieq(verb, S("GET")) || slice_ieq(verb, S("POST")) ||
	    slice_ieq(verb, S("CONNECT")) ||
	    (verb.n > 0 && !ascii_is_alpha(verb.p[0]));
}

static const char *
order_reply(const struct session *s, const struct command *c)
{
	if (s->state == SMTP_NEW)
		return "503 5.5.1 Error: send HELO/EHLO first";
	if (c->accepted < 1u << s->state)
		return c->late;
	/* RFC 5321 3.3: only DATA and BDAT are early behind MAIL. */
	if (s->state == SMTP_MAIL)
		return "554 5.5.1 Error: no valid recipients";
	return c->early;
}

/* The reply that refuses c now, or NULL. */
static const char *
refusal(const struct session *s, const struct command *c, bool more)
{
	bool submission = s->server->submission;

	if ((c->flags & COMMAND_SUBMISSION) && !submission)
		return "503 5.5.1 Error: authentication not enabled";
	if ((c->flags & COMMAND_NEEDS_TLS) && submission &&
	    !conn_is_tls(s->conn))
		return "530 5.7.0 Must issue a STARTTLS command first";
	if ((c->flags & COMMAND_NEEDS_AUTH) && submission && s->user == NULL)
		return "530 5.7.0 Authentication required";
	if ((c->accepted & 1u << s->state) == 0)
		return order_reply(s, c);
	/* RFC 2920 3.1 */
	if ((c->flags & COMMAND_LAST) && more && !s->trusted && s->user == NULL)
		return "503 5.5.0 Error: improper use of SMTP command "
		       "pipelining";
	return NULL;
}

bool
command_keyword(struct slice *args, struct slice keyword)
{
	if (!slice_istarts(*args, keyword))
		return false;
	*args = slice_from(*args, keyword.n);
	while (args->n > 0 && args->p[0] == ' ')
		*args = slice_from(*args, 1);
	return true;
}

void
command_run(struct session *s, struct slice line, bool more)
{
	const char *hostname = s->server->conf->hostname;
	const struct command *c;
	struct slice args = line, verb = S("");
	const char *no;

	if (s->server->stopping && s->state != SMTP_BDAT) {
		session_stop(s);
		return;
	}
	if (s->errors >= LIMIT_SMTP_ERRORS) {
		reply(s, "421 4.7.0 %s Error: too many errors", hostname);
		session_close(s, "too many errors");
		return;
	}
	slice_split(&args, ' ', &verb);
	args = slice_trim(args);
	c = command_find(verb);
	if (c == NULL && is_foreign(verb)) {
		reply(s, "221 2.7.0 Error: I can break rules, too. Goodbye.");
		session_close(s, "not SMTP");
		return;
	}
	if (c == NULL) {
		reply(s, "500 5.5.2 Error: command not recognized");
		return;
	}
	no = refusal(s, c, more);
	if (no == NULL) {
		c->run(s, args);
		return;
	}
	reply_reject(s, c->verb, S(""), "%s", no);
	if (c->refused != NULL)
		c->refused(s, args);
}
