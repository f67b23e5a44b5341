/* ENABLE (RFC 5161): extensions that change what the server says unasked. */
#include "services/imap/context.h"
#include "services/imap/session.h"

static void
enable_condstore(struct command *c)
{
	command_enable_condstore(c);
}

/* QRESYNC includes CONDSTORE (RFC 7162 3.2.3). */
static void
enable_qresync(struct command *c)
{
	command_enable_condstore(c);
	c->session->qresync = true;
}

static void
enable_rev2(struct command *c)
{
	struct session *s = c->session;

	s->rev2 = s->utf8 = true;
	if (s->view != NULL)
		view_set_rev2(s->view);
}

/* RFC 5464 section 4.4 */
static void
enable_metadata(struct command *c)
{
	c->session->metadata = true;
}

/* RFC 6855 section 3 */
static void
enable_utf8(struct command *c)
{
	c->session->utf8 = c->session->utf8_accept = true;
}

/* RFC 9586 section 3 */
static void
enable_uidonly(struct command *c)
{
	struct session *s = c->session;

	s->uidonly = true;
	context_end_numbered(c);
	if (s->view != NULL)
		s->view->uidonly = true;
}

static const struct extension {
	const char *name;
	void (*enable)(struct command *c);
} extensions[] = {
	{ "CONDSTORE", enable_condstore },
	{ "QRESYNC", enable_qresync },
	{ "IMAP4rev2", enable_rev2 },
	{ "METADATA", enable_metadata },
	{ "UTF8=ACCEPT", enable_utf8 },
	{ "UIDONLY", enable_uidonly },
};

/* What is not known is ignored (RFC 5161 section 3.1). */
enum verdict
cmd_enable(struct command *c)
{
	bool named[LEN(extensions)] = { false };
	struct slice name;

	do {
		if (parse_sp(&c->p) == -1 || parse_atom(&c->p, &name) == -1)
			return CMD_BAD;
		for (size_t i = 0; i < LEN(extensions); i++)
			named[i] = named[i] ||
			    slice_ieq(name, slice_str(extensions[i].name));
	} while (parse_peek(&c->p) == ' ');
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	buf_adds(&c->out, "* ENABLED");
	for (size_t i = 0; i < LEN(extensions); i++)
		if (named[i])
			buf_addf(&c->out, " %s", extensions[i].name);
	buf_adds(&c->out, "\r\n");
	for (size_t i = 0; i < LEN(extensions); i++)
		if (named[i])
			extensions[i].enable(c);
	command_completed(c);
	return CMD_DONE;
}
