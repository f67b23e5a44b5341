/*
 * CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 3501 6.3.3 to 6.3.7;
 * CREATE-SPECIAL-USE of RFC 6154 section 3).
 */
#include "services/imap/box.h"
#include "services/imap/event.h"
#include "services/imap/list.h"
#include "services/imap/name.h"
#include "services/imap/session.h"

struct names {
	struct slice name;
	struct slice to;
	const char *use;
	bool selected; /* the mailbox to be deleted is the selected one */
};

static void
tell_others(struct command *c)
{
	const struct names *n = c->state;
	bool renamed = n->to.n > 0;

	/* The owner's sessions see it in his folder. */
	if (box_separator(n->name) != '.')
		return;
	event_add(c, (struct event){ .kind = EVENT_NAME,
	    .name = renamed ? n->to : n->name,
	    .old = renamed ? n->name : S("") });
}

/* A step that changes names; no look sees it half done. */
static enum verdict
work(struct command *c, enum step (*step)(struct command *c))
{
	c->names = true;
	c->step = step;
	return CMD_WORK;
}

/* A change is done: what comes before the tagged OK. */
static void
end_change(struct command *c)
{
	command_refresh(c, true, false);
	c->touched = true;
	tell_others(c);
}

static enum step
finish(struct command *c, enum store_err err)
{
	if (err == STORE_OK) {
		end_change(c);
		command_completed(c);
	} else {
		command_refresh(c, true, false);
		command_failed(c, err);
	}
	return STEP_DONE;
}

/* The same, with the reason when the name cannot be one. */
static enum step
finish_name(struct command *c, enum store_err err, struct slice name)
{
	const char *why = NULL;

	if (err == STORE_NAME)
		why = store_name_why(name);
	if (why == NULL)
		return finish(c, err);
	command_refresh(c, true, false);
	buf_addf(&c->out, "%.*s NO [CANNOT] Invalid mailbox name: %s.\r\n",
	    SLICE_ARG(c->tag), why);
	return STEP_DONE;
}

/* RFC 9051 6.3.4, 6.3.5: the name is kept in another spelling. */
static void
tell_spelled(struct command *c, const struct slice *name)
{
	if (c->session->rev2 && name_given(c, name) != NULL)
		(void)list_tell(c, name, S(""));
}

/* RFC 9051 6.3.6; of INBOX, which is still there, nothing need be told. */
static void
tell_renamed(struct command *c, const struct names *n)
{
	const struct name_given *g = name_given(c, &n->name);
	struct buf old = BUF_INIT(LIMIT_MAILBOX_NAME * 4);

	if (!c->session->rev2 || slice_eq(n->name, S("INBOX")))
		return;
	if (g != NULL)
		buf_add_slice(&old, g->spelled);
	else
		name_decode(&old, n->name);
	(void)list_tell(c, &n->to, buf_slice(&old));
	buf_release(&old);
}

/* One mailbox name, and nothing behind it. */
static struct names *
parse_one(struct command *c)
{
	struct names *n = COMMAND_STATE(c, struct names);

	if (parse_sp(&c->p) == -1 || name_parse(c, &n->name) == -1 ||
	    parse_end(&c->p) == -1)
		return NULL;
	return n;
}

/* ---- CREATE --------------------------------------------------------------- */

static enum step
create_step(struct command *c)
{
	const struct names *n = c->state;
	struct store_status st;
	struct slice parent;
	struct box box;
	enum store_err err = box_find_new(c, n->name, &box, &parent);

	if (err == STORE_OK)
		err = store_create(box.user, box.name, n->use);
	/* RFC 4314 section 4 */
	if (err == STORE_OK && parent.n > 0)
		err = store_acl_inherit(box.user, parent, box.name);
	if (err != STORE_OK)
		return finish_name(c, err, box.name);
	tell_spelled(c, &n->name);
	err = store_status(box.user, box.name, &st);
	if (err != STORE_OK)
		return finish(c, err);
	end_change(c);
	buf_addf(&c->out, "%.*s OK [MAILBOXID (F%s)] CREATE completed.\r\n",
	    SLICE_ARG(c->tag), st.guid);
	return STEP_DONE;
}

/* "(USE (\Archive))": one use a mailbox (RFC 6154 section 3). */
static int
parse_use(struct parser *p, struct names *n)
{
	static const char *const uses[] = { "\\All", "\\Archive", "\\Drafts",
		"\\Flagged", "\\Junk", "\\Sent", "\\Trash" };
	struct slice name;

	if (parse_char(p, '(') == -1)
		return -1;
	if (!parse_word(p, S("USE")))
		return parse_fail(p, "Unknown CREATE parameter");
	if (parse_sp(p) == -1 || parse_char(p, '(') == -1 ||
	    !parse_try(p, '\\') || parse_atom(p, &name) == -1)
		return parse_fail(p, "Expected a special use");
	for (size_t i = 0; i < LEN(uses); i++)
		if (slice_ieq(name, slice_str(uses[i] + 1)))
			n->use = uses[i];
	if (parse_char(p, ')') == -1)
		return parse_fail(p, "One special use is allowed");
	return parse_char(p, ')');
}

enum verdict
cmd_create(struct command *c)
{
	struct names *n = COMMAND_STATE(c, struct names);
	bool use = false;

	if (parse_sp(&c->p) == -1 || name_parse(c, &n->name) == -1)
		return CMD_BAD;
	/* A trailing separator announces children (6.3.3); we need no hint. */
	if (n->name.n > 1 &&
	    n->name.p[n->name.n - 1] == box_separator(n->name))
		n->name.n--;
	if (parse_try(&c->p, ' ')) {
		use = true;
		if (parse_use(&c->p, n) == -1)
			return CMD_BAD;
	}
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	if (slice_eq(n->name, S("INBOX"))) {
		command_no(c, "[ALREADYEXISTS] Mailbox already exists.");
		return CMD_DONE;
	}
	/* \All and \Flagged would need virtual mailboxes. */
	if (use && (n->use == NULL || n->use[1] == 'F' ||
	    slice_eq(slice_str(n->use), S("\\All")))) {
		command_no(c, "[USEATTR] This special use is not supported.");
		return CMD_DONE;
	}
	return work(c, create_step);
}

/* ---- DELETE --------------------------------------------------------------- */

static enum step
delete_step(struct command *c)
{
	const struct names *n = c->state;
	struct session *s = c->session;
	struct box box;
	enum store_err err = box_find(c, n->name, ACL_DELETE, &box);

	if (err == STORE_OK)
		err = store_delete(box.user, box.name);
	if (err == STORE_OK)
		tell_spelled(c, &n->name);
	if (err != STORE_OK || !n->selected)
		return finish(c, err);
	view_free(s->view);
	s->view = NULL;
	c->touched = true;
	tell_others(c);
	buf_adds(&c->out, "* OK [CLOSED] The mailbox is gone.\r\n");
	command_completed(c);
	return STEP_DONE;
}

enum verdict
cmd_delete(struct command *c)
{
	struct session *s = c->session;
	struct names *n = parse_one(c);

	if (n == NULL)
		return CMD_BAD;
	if (slice_eq(n->name, S("INBOX"))) {
		command_no(c, "[CANNOT] INBOX can't be deleted.");
		return CMD_DONE;
	}
	n->selected = box_is_selected(s, n->name);
	if (n->selected) {
		session_drop_cache(s);
		session_unwatch(s);
	}
	return work(c, delete_step);
}

/* ---- RENAME --------------------------------------------------------------- */

static enum step
rename_step(struct command *c)
{
	const struct names *n = c->state;
	struct box from, to;
	struct slice parent;
	enum store_err err = box_find(c, n->name, ACL_DELETE, &from);

	if (err == STORE_OK)
		err = box_find_new(c, n->to, &to, &parent);
	/* Nor is the INBOX of another emptied so. */
	if (err == STORE_OK && (from.user != to.user || (from.other != NULL &&
	    slice_eq(from.name, S("INBOX"))))) {
		command_no(c, "[CANNOT] A mailbox is renamed among those of "
		    "its owner.");
		return STEP_DONE;
	}
	if (err != STORE_OK)
		return finish(c, err);
	err = store_rename(from.user, from.name, to.name);
	if (err == STORE_OK)
		tell_renamed(c, n);
	return finish_name(c, err, to.name);
}

enum verdict
cmd_rename(struct command *c)
{
	struct names *n = COMMAND_STATE(c, struct names);

	if (parse_sp(&c->p) == -1 || name_parse(c, &n->name) == -1 ||
	    parse_sp(&c->p) == -1 || name_parse(c, &n->to) == -1 ||
	    parse_end(&c->p) == -1)
		return CMD_BAD;
	return work(c, rename_step);
}

/* ---- subscriptions -------------------------------------------------------- */

/* Of others only what is to be seen (RFC 4314 section 4). */
static enum step
subscribe_step(struct command *c)
{
	const struct names *n = c->state;
	struct box box;
	enum store_err err = box_find(c, n->name, ACL_LOOKUP, &box);

	if (err != STORE_OK || box.other != NULL) {
		if (err == STORE_OK)
			err = store_subscribe_other(c->session->store,
			    n->name, true);
		return finish(c, err);
	}
	return finish_name(c, store_subscribe(c->session->store, n->name),
	    n->name);
}

static enum step
unsubscribe_step(struct command *c)
{
	const struct names *n = c->state;
	struct store_user *u = c->session->store;

	return finish(c, box_separator(n->name) != '.' ?
	    store_subscribe_other(u, n->name, false) :
	    store_unsubscribe(u, n->name));
}

enum verdict
cmd_subscribe(struct command *c)
{
	return parse_one(c) != NULL ? work(c, subscribe_step) : CMD_BAD;
}

enum verdict
cmd_unsubscribe(struct command *c)
{
	return parse_one(c) != NULL ? work(c, unsubscribe_step) : CMD_BAD;
}
