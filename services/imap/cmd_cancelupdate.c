/* CANCELUPDATE (RFC 5267 section 4.3.5). */
#include "services/imap/context.h"
#include "services/imap/session.h"

enum verdict
cmd_cancelupdate(struct command *c)
{
	struct parser all = c->p;
	struct slice tag;

	do {
		if (parse_sp(&c->p) == -1 || parse_string(&c->p, &tag) == -1)
			return CMD_BAD;
	} while (parse_peek(&c->p) == ' ');
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	/* A tag that nobody knows has no updates, as is wanted. */
	while (parse_try(&all, ' ') && parse_string(&all, &tag) == 0)
		context_cancel(c->session, tag);
	command_completed(c);
	return CMD_DONE;
}
