/* GETMETADATA (RFC 5464 4.2). */
#include "services/imap/metadata.h"
#include "services/imap/name.h"
#include "services/imap/session.h"

struct getmetadata {
	struct slice mailbox; /* empty: the server */
	struct entry_list entries;
	struct metadata_question q;
};

static enum step
get_step(struct command *c)
{
	struct getmetadata *g = c->state;
	enum store_err err = metadata_tell(c, g->mailbox, &g->q);

	command_refresh(c, true, false);
	if (err != STORE_OK)
		command_failed(c, err);
	else if (g->q.longest > 0)
		buf_addf(&c->out, "%.*s OK [METADATA LONGENTRIES %llu] "
		    "GETMETADATA completed.\r\n", SLICE_ARG(c->tag),
		    (unsigned long long)g->q.longest);
	else
		command_completed(c);
	return STEP_DONE;
}

/*
 * The grammar has the options before the mailbox, the examples behind it; both
 * are in use. Names without parentheses (an example, again) are taken too.
 */
static int
parse_get(struct command *c, struct getmetadata *g)
{
	struct parser *p = &c->p;

	if (parse_sp(p) == -1)
		return -1;
	if (metadata_parse_options(p, &g->q) == -1 ||
	    name_parse(c, &g->mailbox) == -1 || parse_sp(p) == -1 ||
	    metadata_parse_options(p, &g->q) == -1 ||
	    metadata_parse_entries(p, &g->entries) == -1)
		return -1;
	while (g->entries.n < LIMIT_METADATA_ENTRIES && parse_try(p, ' '))
		if (metadata_parse_entry(p,
		    &g->entries.names[g->entries.n++]) == -1)
			return -1;
	return parse_end(p);
}

enum verdict
cmd_getmetadata(struct command *c)
{
	struct getmetadata *g = COMMAND_STATE(c, struct getmetadata);

	g->q.entries = &g->entries;
	g->q.max = UINT32_MAX;
	if (parse_get(c, g) == -1)
		return CMD_BAD;
	c->step = get_step;
	return CMD_WORK;
}
