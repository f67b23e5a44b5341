/* The commands that need no more than a reply. */
#include "services/smtp/command.h"

#include "services/smtp/reply.h"

void
smtp_cmd_rset(struct session *s, struct slice args)
{
	if (args.n > 0) {
		reply(s, "501 5.5.4 Syntax: RSET");
		return;
	}
	/* Before EHLO there is nothing to reset (RFC 5321 4.1.4). */
	if (s->state != SMTP_NEW)
		session_reset(s);
	reply(s, "250 2.0.0 Ok");
}

void
smtp_cmd_noop(struct session *s, struct slice args UNUSED)
{
	reply(s, "250 2.0.0 Ok");
}

void
smtp_cmd_vrfy(struct session *s, struct slice args UNUSED)
{
	reply(s, "502 5.5.1 VRFY command is disabled");
}

void
smtp_cmd_expn(struct session *s, struct slice args UNUSED)
{
	reply(s, "502 5.5.1 EXPN command is disabled");
}

void
smtp_cmd_help(struct session *s, struct slice args UNUSED)
{
	reply(s, "214 2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP "
	    "QUIT VRFY HELP STARTTLS%s", s->server->submission ? " AUTH" : "");
}

void
smtp_cmd_quit(struct session *s, struct slice args)
{
	if (args.n > 0) {
		reply(s, "501 5.5.4 Syntax: QUIT");
		return;
	}
	reply(s, "221 2.0.0 Bye");
	session_close(s, "quit");
}
