/*
 * SETMETADATA (RFC 5464 4.3): all entries or none. What is annotated to the
 * server for all users (/shared) is the administrator's.
 */
#include "services/imap/box.h"
#include "services/imap/event.h"
#include "services/imap/metadata.h"
#include "services/imap/name.h"
#include "services/imap/session.h"

#define STRINGIFY(x) #x
#define TEXT(x) STRINGIFY(x)

struct setmetadata {
	struct slice mailbox; /* empty: the server */
	struct store_entry *entries;
	struct slice *names;
	size_t n;
};

/* For NOTIFY's SUBSCRIBED. */
static bool
is_subscribed(const struct command *c, struct slice name)
{
	struct store_list list;
	bool found = false;

	if (store_list(c->session->store, &list) != STORE_OK)
		return false;
	for (size_t i = 0; i < list.n && !found; i++)
		found = slice_eq(slice_str(list.entries[i].name), name) &&
		    (list.entries[i].attributes & STORE_SUBSCRIBED) != 0;
	store_list_release(&list);
	return found;
}

static bool
has_private(const struct setmetadata *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (slice_starts(m->names[i], S("/private/")))
			return true;
	return false;
}

static enum step
set_step(struct command *c)
{
	const struct setmetadata *m = c->state;
	struct box box;
	enum store_err err = metadata_find(c, m->mailbox, &box);

	if (err == STORE_OK && box.other != NULL && has_private(m))
		err = STORE_NO_RIGHT;
	if (err == STORE_OK)
		err = store_metadata_change(box.user, box.name, m->entries,
		    m->n);
	command_refresh(c, true, false);
	if (err == STORE_OK && box.other != NULL) {
		command_completed(c);
	} else if (err == STORE_OK) {
		event_add(c, (struct event){ .kind = EVENT_METADATA,
		    .name = m->mailbox, .entries = m->names, .n = m->n,
		    .subscribed = is_subscribed(c, m->mailbox) });
		command_completed(c);
	} else if (err == STORE_LIMIT) {
		command_no(c, "[METADATA TOOMANY] Too many annotations, or "
		    "too much in them.");
	} else {
		command_failed(c, err);
	}
	return STEP_DONE;
}

static int
parse_values(struct parser *p, struct setmetadata *m)
{
	m->entries = arena_array(p->arena, LIMIT_METADATA_ENTRIES,
	    sizeof(*m->entries));
	m->names = arena_array(p->arena, LIMIT_METADATA_ENTRIES,
	    sizeof(*m->names));
	if (parse_char(p, '(') == -1)
		return -1;
	do {
		struct store_entry *e = &m->entries[m->n];

		if (m->n == LIMIT_METADATA_ENTRIES)
			return parse_fail(p, "Too many entries");
		if (metadata_parse_entry(p, &e->name) == -1 ||
		    parse_sp(p) == -1 || metadata_parse_value(p, e) == -1)
			return -1;
		m->names[m->n++] = e->name;
	} while (parse_try(p, ' '));
	if (parse_char(p, ')') == -1)
		return -1;
	return parse_end(p);
}

enum verdict
cmd_setmetadata(struct command *c)
{
	struct setmetadata *m = COMMAND_STATE(c, struct setmetadata);

	if (parse_sp(&c->p) == -1 || name_parse(c, &m->mailbox) == -1 ||
	    parse_sp(&c->p) == -1 || parse_values(&c->p, m) == -1)
		return CMD_BAD;
	for (size_t i = 0; i < m->n && m->mailbox.n == 0; i++)
		if (slice_starts(m->names[i], S("/shared/"))) {
			command_no(c, "[NOPERM] Only the administrator "
			    "annotates the server for all users.");
			return CMD_DONE;
		}
	c->step = set_step;
	return CMD_WORK;
}

/* A literal that is too large is told in the command's own way (4.3). */
bool
setmetadata_refuses(struct command *c)
{
	struct parser p = parser_of(buf_slice(&c->text), &c->arena);
	struct slice name;

	if (parse_tag(&p, &name) == -1 || parse_sp(&p) == -1 ||
	    parse_atom(&p, &name) == -1 || !slice_ieq(name, S("SETMETADATA")))
		return false;
	command_no(c, "[METADATA MAXSIZE " TEXT(LIMIT_METADATA_VALUE) "] "
	    "The value is too large.");
	return true;
}
