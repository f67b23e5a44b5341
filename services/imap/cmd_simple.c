/*
 * Commands that need little: CAPABILITY, NOOP, LOGOUT (RFC 3501 6.1), CHECK
 * (6.4.1), ID (RFC 2971), NAMESPACE (RFC 2342).
 */
#include "core/log.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

#define ID_PAIRS 30 /* RFC 2971 3.3 */

enum verdict
cmd_capability(struct command *c)
{
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	buf_adds(&c->out, "* CAPABILITY ");
	session_capabilities(c->session, &c->out);
	buf_adds(&c->out, "\r\n");
	command_completed(c);
	return CMD_DONE;
}

static enum step
look_step(struct command *c)
{
	command_refresh(c, true, true);
	command_completed(c);
	return STEP_DONE;
}

enum verdict
cmd_noop(struct command *c)
{
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	if (c->session->view == NULL) {
		command_completed(c);
		return CMD_DONE;
	}
	c->step = look_step;
	return CMD_WORK;
}

enum verdict
cmd_check(struct command *c)
{
	return cmd_noop(c);
}

enum verdict
cmd_logout(struct command *c)
{
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	buf_adds(&c->out, "* BYE Logging out\r\n");
	command_completed(c);
	c->logout = true;
	return CMD_DONE;
}

enum verdict
cmd_namespace(struct command *c)
{
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	buf_addf(&c->out, "* NAMESPACE ((\"\" \".\")) "
	    "((\"" BOX_OTHERS "\" \"/\")) %s\r\n",
	    c->session->worker->conf.shared[0] != '\0' ?
	    "((\"" BOX_SHARED "\" \"/\"))" : "NIL");
	command_completed(c);
	return CMD_DONE;
}

/* What a client says about itself is worth a log line, no more. */
static int
parse_id(struct parser *p, struct log_line *l)
{
	size_t pairs = 0;

	if (parse_word(p, S("NIL")))
		return 0;
	if (parse_char(p, '(') == -1)
		return -1;
	if (parse_try(p, ')'))
		return 0;
	do {
		struct slice key, value;

		if (pairs++ == ID_PAIRS)
			return parse_fail(p, "Too many ID fields");
		if (parse_string(p, &key) == -1 || parse_sp(p) == -1 ||
		    parse_nstring(p, &value) == -1)
			return -1;
		if (slice_ieq(key, S("name")))
			log_slice(l, "name", value);
		else if (slice_ieq(key, S("version")))
			log_slice(l, "version", value);
	} while (parse_try(p, ' '));
	return parse_char(p, ')');
}

enum verdict
cmd_id(struct command *c)
{
	struct log_line l;

	log_begin(&l, LOG_DEBUG, "imap-id");
	log_str(&l, "session", c->session->id);
	if (parse_sp(&c->p) == -1 || parse_id(&c->p, &l) == -1 ||
	    parse_end(&c->p) == -1)
		return CMD_BAD;
	log_end(&l);
	buf_adds(&c->out, "* ID (\"name\" \"Pillarbox\")\r\n");
	command_completed(c);
	return CMD_DONE;
}
