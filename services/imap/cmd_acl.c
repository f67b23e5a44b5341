/*
 * SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 section 3). What
 * rights mean and where they are kept is in store/acl.h. Identifiers are
 * addresses, "anyone", and, as in Dovecot, "authenticated" and "owner".
 */
#include "services/imap/box.h"
#include "services/imap/name.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

struct acl_cmd {
	struct slice mailbox;
	struct slice said; /* the identifier as the client wrote it */
	struct acl_id id;
	enum acl_how how;
	unsigned rights;
};

/* ---- syntax --------------------------------------------------------------- */

/*
 * RFC 4314 section 3: what is no well-formed text is BAD. Which names there can
 * be is another question, which is answered with NO (*known).
 */
static int
parse_identifier(struct parser *p, struct acl_cmd *a, bool *known)
{
	struct buf name = BUF_INIT(4 * LIMIT_ADDRESS);
	enum acl_id_result r;

	if (parse_astring(p, &a->said) == -1)
		return -1;
	r = acl_id_read(a->said, &name, &a->id);
	a->id.name = arena_slice(p->arena, a->id.name);
	buf_release(&name);
	if (r == ACL_ID_MALFORMED)
		return parse_fail(p, "Invalid identifier");
	*known = r == ACL_ID_KNOWN;
	return 0;
}

/* "+lr", "-w", "lrs" (section 3.1). */
static int
parse_rights(struct parser *p, struct acl_cmd *a)
{
	struct slice text;

	if (parse_astring(p, &text) == -1)
		return -1;
	if (slice_starts(text, S("+")))
		a->how = ACL_ADD;
	else if (slice_starts(text, S("-")))
		a->how = ACL_TAKE;
	if (a->how != ACL_SET)
		text = slice_from(text, 1);
	if (acl_rights_parse(text, true, &a->rights) == -1)
		return parse_fail(p, "Unknown right");
	return 0;
}

static int
parse_name(struct command *c, struct acl_cmd *a)
{
	return parse_sp(&c->p) == -1 || name_parse(c, &a->mailbox) == -1 ?
	    -1 : 0;
}

static enum verdict
work(struct command *c, enum step (*step)(struct command *c))
{
	c->step = step;
	return CMD_WORK;
}

static enum verdict
refuse(struct command *c)
{
	command_no(c, "[CANNOT] An identifier is an address, \"anyone\", "
	    "\"authenticated\" or \"owner\".");
	return CMD_DONE;
}

/* ---- the ACL response ----------------------------------------------------- */

/* An empty set is an empty string. */
static void
put_rights(struct buf *out, unsigned rights)
{
	if (rights == 0)
		buf_adds(out, "\"\"");
	acl_rights_put(out, rights, true);
}

/* An identifier is UTF-8 (section 2), which is for literals only to a client
 * of IMAP4rev1. */
static void
put_identifier(struct buf *out, struct slice id)
{
	if (slice_is_ascii(id)) {
		out_astring(out, id);
		return;
	}
	buf_addf(out, "{%zu}\r\n", id.n);
	buf_add_slice(out, id);
}

static void
put_pair(struct buf *out, const struct acl_id *id, unsigned rights)
{
	struct buf b = BUF_INIT(LIMIT_ADDRESS + 1);

	acl_id_say(&b, id);
	buf_addc(out, ' ');
	put_identifier(out, buf_slice(&b));
	buf_addc(out, ' ');
	put_rights(out, rights);
	buf_release(&b);
}

/* The first entry of its identifier, with the rights of all. */
static bool
is_first(const struct acl *a, size_t at, unsigned *rights)
{
	for (size_t i = 0; i < at; i++)
		if (acl_id_eq(&a->entries[i].id, &a->entries[at].id))
			return false;
	*rights = 0;
	for (size_t i = at; i < a->n; i++)
		if (acl_id_eq(&a->entries[i].id, &a->entries[at].id))
			*rights |= a->entries[i].rights;
	return true;
}

static bool
is_owners(const struct acl_id *id, struct slice owner)
{
	return !id->negative && (id->kind == ACL_OWNER ||
	    (id->kind == ACL_USER && slice_eq(id->name, owner)));
}

/* Groups are Dovecot's, and have no members here. */
static void
put_acl(struct buf *out, const struct acl *a, struct slice owner)
{
	struct acl_id he = { .kind = ACL_USER, .name = owner };
	bool owned = false;

	for (size_t i = 0; i < a->n; i++) {
		const struct acl_id *id = &a->entries[i].id;
		unsigned rights;

		if (id->kind == ACL_GROUP || id->kind == ACL_GROUP_OVERRIDE ||
		    !is_first(a, i, &rights))
			continue;
		if (is_owners(id, owner))
			rights |= ACL_LOOKUP | ACL_ADMIN;
		owned = owned || is_owners(id, owner);
		put_pair(out, id, rights);
	}
	if (!owned)
		put_pair(out, &he, ACL_ALL);
}

static enum store_err
tell_acl(struct command *c, struct slice name, const struct box *box)
{
	struct acl acl;
	enum store_err err = store_acl_read(box->user, box->name, &acl);

	if (err == STORE_OK) {
		buf_adds(&c->out, "* ACL ");
		name_put(&c->out, name, c->session->utf8);
		put_acl(&c->out, &acl,
		    slice_str(store_user_address(box->user)));
		buf_adds(&c->out, "\r\n");
	}
	acl_release(&acl);
	return err;
}

/* ---- SETACL, DELETEACL ---------------------------------------------------- */

static enum step
finish(struct command *c, enum store_err err)
{
	command_refresh(c, true, false);
	if (err == STORE_LIMIT)
		command_no(c, "[LIMIT] Too many identifiers.");
	else if (err != STORE_OK)
		command_failed(c, err);
	else
		command_completed(c);
	return STEP_DONE;
}

static enum step
change_step(struct command *c)
{
	const struct acl_cmd *a = c->state;
	struct box box;
	enum store_err err = box_find(c, a->mailbox, ACL_ADMIN, &box);

	if (err == STORE_OK)
		err = store_acl_change(box.user, box.name, &a->id, a->how,
		    a->rights);
	/* The owner keeps l and a, which is more than was said (5.1.1). */
	if (err == STORE_OK && a->how != ACL_REMOVE && is_owners(&a->id,
	    slice_str(store_user_address(box.user))))
		err = tell_acl(c, a->mailbox, &box);
	/* Its own rights may be others now. */
	c->checked = false;
	if (err == STORE_OK && !box_check(c))
		return STEP_DONE;
	return finish(c, err);
}

static enum verdict
change(struct command *c, enum acl_how how)
{
	struct acl_cmd *a = COMMAND_STATE(c, struct acl_cmd);
	bool known;

	a->how = how;
	if (parse_name(c, a) == -1 || parse_sp(&c->p) == -1 ||
	    parse_identifier(&c->p, a, &known) == -1)
		return CMD_BAD;
	if (how != ACL_REMOVE &&
	    (parse_sp(&c->p) == -1 || parse_rights(&c->p, a) == -1))
		return CMD_BAD;
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	return known ? work(c, change_step) : refuse(c);
}

enum verdict
cmd_setacl(struct command *c)
{
	return change(c, ACL_SET);
}

enum verdict
cmd_deleteacl(struct command *c)
{
	return change(c, ACL_REMOVE);
}

/* ---- GETACL --------------------------------------------------------------- */

static enum step
get_step(struct command *c)
{
	const struct acl_cmd *a = c->state;
	struct box box;
	enum store_err err = box_find(c, a->mailbox, ACL_ADMIN, &box);

	if (err == STORE_OK)
		err = tell_acl(c, a->mailbox, &box);
	return finish(c, err);
}

enum verdict
cmd_getacl(struct command *c)
{
	struct acl_cmd *a = COMMAND_STATE(c, struct acl_cmd);

	if (parse_name(c, a) == -1 || parse_end(&c->p) == -1)
		return CMD_BAD;
	return work(c, get_step);
}

/* ---- LISTRIGHTS, MYRIGHTS ------------------------------------------------- */

/* None is tied to another. The owner has l and a whatever is said. */
static enum step
list_step(struct command *c)
{
	const struct acl_cmd *a = c->state;
	struct box box;
	enum store_err err = box_find(c, a->mailbox, ACL_ADMIN, &box);
	struct acl acl = { 0 };

	/* Does it exist? */
	if (err == STORE_OK)
		err = store_acl_read(box.user, box.name, &acl);
	acl_release(&acl);
	if (err == STORE_CORRUPT)
		err = STORE_OK;
	if (err == STORE_OK) {
		buf_adds(&c->out, "* LISTRIGHTS ");
		name_put(&c->out, a->mailbox, c->session->utf8);
		buf_addc(&c->out, ' ');
		put_identifier(&c->out, a->said);
		buf_adds(&c->out, is_owners(&a->id,
		    slice_str(store_user_address(box.user))) ?
		    " la r w s t i p e k x c d\r\n" :
		    " \"\" l r w s t i p e k x a c d\r\n");
	}
	return finish(c, err);
}

enum verdict
cmd_listrights(struct command *c)
{
	struct acl_cmd *a = COMMAND_STATE(c, struct acl_cmd);
	bool known;

	if (parse_name(c, a) == -1 || parse_sp(&c->p) == -1 ||
	    parse_identifier(&c->p, a, &known) == -1 ||
	    parse_end(&c->p) == -1)
		return CMD_BAD;
	return known ? work(c, list_step) : refuse(c);
}

enum store_err
myrights_write(struct command *c, struct slice name)
{
	struct acl acl = { 0 };
	struct box box;
	enum store_err err = box_find_any(c, name, ACL_LOOKUP | ACL_READ |
	    ACL_INSERT | ACL_CREATE | ACL_DELETE | ACL_ADMIN, &box);

	if (err == STORE_OK && box.other == NULL) {
		err = store_acl_read(box.user, box.name, &acl);
		acl_release(&acl);
		/* A damaged one leaves the owner his. */
		if (err == STORE_CORRUPT)
			err = STORE_OK;
	}
	if (err != STORE_OK)
		return err;
	buf_adds(&c->out, "* MYRIGHTS ");
	name_put(&c->out, name, c->session->utf8);
	buf_addc(&c->out, ' ');
	put_rights(&c->out, box.rights);
	buf_adds(&c->out, "\r\n");
	return STORE_OK;
}

static enum step
my_step(struct command *c)
{
	const struct acl_cmd *a = c->state;

	return finish(c, myrights_write(c, a->mailbox));
}

enum verdict
cmd_myrights(struct command *c)
{
	struct acl_cmd *a = COMMAND_STATE(c, struct acl_cmd);

	if (parse_name(c, a) == -1 || parse_end(&c->p) == -1)
		return CMD_BAD;
	return work(c, my_step);
}
