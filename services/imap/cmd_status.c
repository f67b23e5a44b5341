#include "services/imap/status.h"

#include "services/imap/box.h"
#include "services/imap/name.h"
#include "services/imap/session.h"

enum {
	ITEM_MESSAGES,
	ITEM_RECENT,
	ITEM_UIDNEXT,
	ITEM_UIDVALIDITY,
	ITEM_UNSEEN,
	ITEM_SIZE,
	ITEM_DELETED,
	ITEM_DELETED_STORAGE,
	ITEM_HIGHESTMODSEQ,
	ITEM_APPENDLIMIT,
	ITEM_MAILBOXID,
	ITEMS
};

static const char *const names[ITEMS] = {
	[ITEM_MESSAGES] = "MESSAGES",
	[ITEM_RECENT] = "RECENT",
	[ITEM_UIDNEXT] = "UIDNEXT",
	[ITEM_UIDVALIDITY] = "UIDVALIDITY",
	[ITEM_UNSEEN] = "UNSEEN",
	[ITEM_SIZE] = "SIZE",
	[ITEM_DELETED] = "DELETED",
	[ITEM_DELETED_STORAGE] = "DELETED-STORAGE", /* RFC 9208 4.3.4 */
	[ITEM_HIGHESTMODSEQ] = "HIGHESTMODSEQ",
	[ITEM_APPENDLIMIT] = "APPENDLIMIT", /* RFC 7889 3.1 */
	[ITEM_MAILBOXID] = "MAILBOXID", /* RFC 8474 4.3 */
};

int
status_parse(struct parser *p, unsigned *items)
{
	*items = 0;
	if (parse_char(p, '(') == -1)
		return -1;
	do {
		unsigned before = *items;
		struct slice name;
		size_t i = 0;

		if (parse_atom(p, &name) == -1)
			return -1;
		while (i < ITEMS && !slice_ieq(name, slice_str(names[i])))
			i++;
		if (i == ITEMS)
			return parse_fail(p, "Unknown STATUS item");
		*items = before | 1u << i;
	} while (parse_try(p, ' '));
	return parse_char(p, ')');
}

bool
status_has_modseq(unsigned items)
{
	return (items & 1u << ITEM_HIGHESTMODSEQ) != 0;
}

enum store_err
status_write(struct command *c, struct slice name, unsigned items)
{
	struct buf *out = &c->out;
	struct store_status st;
	struct box box;
	enum store_err err = box_find(c, name, ACL_READ, &box);
	bool first = true;

	if (err == STORE_OK)
		err = store_status(box.user, box.name, &st);
	if (err != STORE_OK)
		return err;
	const uint64_t values[ITEMS] = {
		[ITEM_MESSAGES] = st.messages,
		[ITEM_RECENT] = st.recent,
		[ITEM_UIDNEXT] = st.uidnext,
		[ITEM_UIDVALIDITY] = st.uidvalidity,
		[ITEM_UNSEEN] = st.unseen,
		[ITEM_SIZE] = st.size,
		[ITEM_DELETED] = st.deleted,
		[ITEM_DELETED_STORAGE] = st.deleted_size,
		[ITEM_HIGHESTMODSEQ] = st.highestmodseq,
		[ITEM_APPENDLIMIT] = LIMIT_IMAP_APPEND,
	};

	buf_adds(out, "* STATUS ");
	name_put(out, name, c->session->utf8);
	buf_adds(out, " (");
	for (size_t i = 0; i < ITEMS; i++) {
		if ((items & 1u << i) == 0)
			continue;
		buf_addf(out, "%s%s ", first ? "" : " ", names[i]);
		if (i == ITEM_MAILBOXID)
			buf_addf(out, "(F%s)", st.guid);
		else
			buf_addu(out, values[i]);
		first = false;
	}
	buf_adds(out, ")\r\n");
	return STORE_OK;
}

struct status_cmd {
	struct slice name;
	unsigned items;
};

static enum step
status_step(struct command *c)
{
	const struct status_cmd *st = c->state;
	enum store_err err = status_write(c, st->name, st->items);

	command_refresh(c, true, false);
	if (err != STORE_OK)
		command_failed(c, err);
	else if (box_is_selected(c->session, st->name))
		/* RFC 9051 6.3.11: it should not be asked; RFC 5530. */
		command_ok(c, "[CLIENTBUG] STATUS of the selected mailbox "
		    "completed.");
	else
		command_completed(c);
	return STEP_DONE;
}

enum verdict
cmd_status(struct command *c)
{
	struct status_cmd *st = COMMAND_STATE(c, struct status_cmd);

	if (parse_sp(&c->p) == -1 || name_parse(c, &st->name) == -1 ||
	    parse_sp(&c->p) == -1 ||
	    status_parse(&c->p, &st->items) == -1 || parse_end(&c->p) == -1)
		return CMD_BAD;
	if (status_has_modseq(st->items))
		command_enable_condstore(c);
	c->step = status_step;
	return CMD_WORK;
}
