/*
 * Commands that need little: CAPABILITY, NOOP, LOGOUT (RFC 3501 6.1), CHECK
 * (6.4.1), ID (RFC 2971), ENABLE (RFC 5161), NAMESPACE (RFC 2342).
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
	buf_adds(&c->out, "* NAMESPACE ((\"\" \".\")) NIL NIL\r\n");
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

enum verdict
cmd_enable(struct command *c)
{
	struct session *s = c->session;
	bool condstore = false, qresync = false, rev2 = false;
	bool metadata = false;
	struct slice name;

	do {
		if (parse_sp(&c->p) == -1 || parse_atom(&c->p, &name) == -1)
			return CMD_BAD;
		condstore = condstore || slice_ieq(name, S("CONDSTORE"));
		qresync = qresync || slice_ieq(name, S("QRESYNC"));
		metadata = metadata || slice_ieq(name, S("METADATA"));
		rev2 = rev2 || slice_ieq(name, S("IMAP4rev2"));
	} while (parse_peek(&c->p) == ' ');
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	buf_addf(&c->out, "* ENABLED%s%s%s%s\r\n",
	    condstore ? " CONDSTORE" : "", qresync ? " QRESYNC" : "",
	    rev2 ? " IMAP4rev2" : "", metadata ? " METADATA" : "");
	s->metadata = s->metadata || metadata;
	if (rev2) {
		s->rev2 = s->utf8 = true;
		if (s->view != NULL)
			view_set_rev2(s->view);
	}
	/* QRESYNC includes CONDSTORE (RFC 7162 3.2.3). */
	if (condstore || qresync)
		command_enable_condstore(c);
	s->qresync = s->qresync || qresync;
	command_completed(c);
	return CMD_DONE;
}
