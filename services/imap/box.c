#include "services/imap/box.h"

#include "mail/mutf7.h"
#include "services/imap/name.h"
#include "services/imap/session.h"

/* ---- names ---------------------------------------------------------------- */

char
box_separator(struct slice name)
{
	return slice_find(name, '/') >= 0 ? '/' : '.';
}

static struct slice
exchange(struct arena *a, struct slice name, char from, char to)
{
	char *out = arena_dup(a, name);

	for (size_t i = 0; i < name.n; i++)
		if (out[i] == from)
			out[i] = to;
	return slice_of(out, name.n);
}

struct slice
box_name(struct arena *a, struct slice prefix, struct slice name)
{
	if (prefix.n == 0)
		return arena_slice(a, name);
	name = exchange(a, name, '.', '/');
	return slice_str(arena_printf(a, "%.*s%.*s", SLICE_ARG(prefix),
	    SLICE_ARG(name)));
}

bool
box_reaches_others(struct slice name)
{
	static const struct slice tops[] = { { BOX_OTHERS,
		sizeof(BOX_OTHERS) - 1 }, { BOX_SHARED,
		sizeof(BOX_SHARED) - 1 } };

	for (size_t i = 0; i < LEN(tops); i++)
		if (slice_starts(name, tops[i]) ||
		    slice_eq(name, slice_head(tops[i], tops[i].n - 1)))
			return true;
	return false;
}

/* The address that a level of "Other Users" stands for; empty if none. */
static struct slice
address_of(struct arena *a, struct slice level)
{
	struct buf b = BUF_INIT(LIMIT_ADDRESS);
	struct slice out = S("");

	if (mutf7_decode(&b, level, NULL) == 0 && buf_ok(&b)) {
		for (size_t i = 0; i < b.n; i++)
			b.p[i] = ascii_lower(b.p[i]);
		out = arena_slice(a, buf_slice(&b));
	}
	buf_release(&b);
	return out;
}

int
box_take_apart(const struct session *s, struct arena *a, struct slice name,
    struct box_parts *out)
{
	struct slice shared = slice_str(s->worker->conf.shared);
	struct slice level, rest;

	*out = (struct box_parts){ .inner = name };
	if (slice_starts(name, S(BOX_OTHERS))) {
		rest = slice_from(name, strlen(BOX_OTHERS));
		if (!slice_split(&rest, '/', &level) || rest.n == 0)
			return -1;
		out->address = address_of(a, level);
	} else if (shared.n > 0 && slice_starts(name, S(BOX_SHARED))) {
		rest = slice_from(name, strlen(BOX_SHARED));
		out->address = shared;
	} else {
		return 0;
	}
	out->prefix = slice_head(name, name.n - rest.n);
	out->inner = rest;
	/* "." is a separator there, and none here. */
	if (out->address.n == 0 || rest.n == 0 || slice_find(rest, '.') >= 0 ||
	    slice_eq(out->address, slice_str(s->user->address)))
		return -1;
	return 1;
}

/* ---- finding -------------------------------------------------------------- */

static enum store_err
resolve(struct command *c, struct slice name, struct box *out)
{
	struct session *s = c->session;
	struct box_parts p;
	int r = box_take_apart(s, &c->arena, name, &p);

	*out = (struct box){ .user = s->store, .name = name };
	if (r <= 0)
		return r == 0 ? STORE_OK : STORE_NO_MAILBOX;
	out->other = other_get(s, p.address);
	if (out->other == NULL || !out->other->exists)
		return STORE_NO_MAILBOX;
	/* Without its owner's limits nothing is done to a mailbox. */
	if (out->other->asked_at > 0 && !out->other->known)
		return STORE_AGAIN;
	out->user = out->other->store;
	out->prefix = p.prefix;
	out->name = exchange(&c->arena, p.inner, '/', '.');
	if (slice_ieq(out->name, S("INBOX")))
		out->name = S("INBOX");
	return STORE_OK;
}

static enum store_err
find(struct command *c, struct slice name, struct box *out)
{
	enum store_err err = resolve(c, name, out);

	if (err != STORE_OK)
		return err;
	out->rights = store_acl_rights(out->user, out->name,
	    slice_str(c->session->user->address));
	/* A file that was left behind says nothing. */
	if (out->other != NULL &&
	    !store_mailbox_exists(out->user, out->name))
		return STORE_NO_MAILBOX;
	return STORE_OK;
}

static enum store_err
denied(unsigned rights)
{
	return (rights & ACL_LOOKUP) != 0 ? STORE_NO_RIGHT : STORE_NO_MAILBOX;
}

enum store_err
box_find(struct command *c, struct slice name, unsigned need, struct box *out)
{
	enum store_err err = find(c, name, out);

	if (err == STORE_OK && (out->rights & need) != need)
		err = denied(out->rights);
	return err;
}

enum store_err
box_find_any(struct command *c, struct slice name, unsigned rights,
    struct box *out)
{
	enum store_err err = find(c, name, out);

	if (err == STORE_OK && (out->rights & rights) == 0)
		err = denied(out->rights);
	return err;
}

static void
count_mailbox(void *ctx, struct slice name UNUSED, unsigned rights UNUSED)
{
	++*(size_t *)ctx;
}

enum store_err
box_find_owner(struct command *c, struct slice address, unsigned need,
    struct box *out)
{
	struct session *s = c->session;
	struct other *o = other_get(s, address);
	size_t n = 0;

	*out = (struct box){ .other = o };
	if (o == NULL || !o->exists ||
	    slice_eq(address, slice_str(s->user->address)))
		return STORE_NO_MAILBOX;
	if (!o->known)
		return STORE_AGAIN;
	out->user = o->store;
	(void)store_acl_each(o->store, slice_str(s->user->address), need,
	    count_mailbox, &n);
	return n > 0 ? STORE_OK : STORE_NO_MAILBOX;
}

/* Names that would stand beside those of another namespace. */
static bool
is_reserved(const struct session *s, struct slice name)
{
	struct slice top = S("");

	(void)slice_split(&name, '.', &top);
	return slice_eq(top, slice_head(S(BOX_OTHERS),
	    strlen(BOX_OTHERS) - 1)) || (s->worker->conf.shared[0] != '\0' &&
	    slice_eq(top, slice_head(S(BOX_SHARED), strlen(BOX_SHARED) - 1)));
}

enum store_err
box_find_new(struct command *c, struct slice name, struct box *out,
    struct slice *parent)
{
	struct session *s = c->session;
	enum store_err err = resolve(c, name, out);
	ssize_t dot;

	*parent = S("");
	/* The answer is the same whoever has what (section 6). */
	if (err == STORE_NO_MAILBOX)
		return STORE_NO_RIGHT;
	if (err != STORE_OK)
		return err;
	if (out->other == NULL && is_reserved(s, name))
		return STORE_NO_RIGHT;
	*parent = out->name;
	do {
		dot = slice_rfind(*parent, '.');
		*parent = slice_head(*parent, dot > 0 ? (size_t)dot : 0);
	} while (parent->n > 0 && !store_mailbox_exists(out->user, *parent));
	if (parent->n == 0) {
		out->rights = out->other == NULL ? ACL_ALL : 0;
	} else {
		out->rights = store_acl_rights(out->user, *parent,
		    slice_str(s->user->address));
	}
	return (out->rights & ACL_CREATE) != 0 ? STORE_OK : STORE_NO_RIGHT;
}

void
box_limit_flags(unsigned rights, unsigned *flags, size_t *n_keywords)
{
	if ((rights & ACL_WRITE_SEEN) == 0)
		*flags &= ~STORE_SEEN;
	if ((rights & ACL_WRITE_DELETED) == 0)
		*flags &= ~STORE_DELETED;
	if ((rights & ACL_WRITE) == 0) {
		*flags &= STORE_SEEN | STORE_DELETED;
		*n_keywords = 0;
	}
}

struct store_user *
box_user(struct session *s, struct arena *a, struct slice name,
    struct slice *inner)
{
	struct box_parts p;
	struct other *o;
	int r = box_take_apart(s, a, name, &p);

	*inner = name;
	if (r == 0)
		return s->store;
	o = r == 1 ? other_get(s, p.address) : NULL;
	*inner = exchange(a, p.inner, '/', '.');
	return o != NULL ? o->store : NULL;
}

/* ---- the selected mailbox ------------------------------------------------- */

bool
box_is_selected(const struct session *s, struct slice name)
{
	struct slice prefix, inner;

	if (s->view == NULL)
		return false;
	prefix = slice_str(s->view->prefix);
	inner = slice_str(store_mailbox_name(s->view->mailbox));
	if (!slice_starts(name, prefix) || name.n != prefix.n + inner.n)
		return false;
	for (size_t i = 0; i < inner.n; i++) {
		char c = inner.p[i];

		if (prefix.n > 0 && c == '.')
			c = '/';
		if (name.p[prefix.n + i] != c)
			return false;
	}
	return true;
}

struct slice
box_selected_name(struct command *c)
{
	const struct view *v = c->session->view;

	if (v == NULL)
		return slice_of(NULL, 0);
	return box_name(&c->arena, slice_str(v->prefix),
	    slice_str(store_mailbox_name(v->mailbox)));
}

bool
box_selected_has(const struct session *s, unsigned rights)
{
	return s->view != NULL && (s->view->rights & rights) == rights;
}

/* Rows that work with the messages of the selected mailbox. */
static bool
needs_read(const struct command *c)
{
	return c->row != NULL && c->row->states == IN_SELECTED &&
	    c->row->handler != cmd_close && c->row->handler != cmd_unselect &&
	    c->row->handler != cmd_append;
}

bool
box_check(struct command *c)
{
	struct session *s = c->session;
	struct view *v = s->view;
	unsigned rights, before;

	if (v == NULL || c->checked)
		return true;
	c->checked = true;
	before = v->rights;
	if (store_acl_of_mailbox(v->mailbox, slice_str(s->user->address),
	    &rights) != STORE_OK)
		return true; /* it is gone: the command finds out */
	v->rights = rights;
	if ((rights & ACL_READ) == 0 && needs_read(c)) {
		command_no(c, "[NOPERM] You may not read this mailbox any "
		    "more.");
		return false;
	}
	if (((rights ^ before) & ACL_FLAGS) != 0 && !v->read_only)
		(void)view_tell_keywords(v, &c->out, true);
	return true;
}

/* ---- on the loop ---------------------------------------------------------- */

void
box_note(struct command *c, struct slice name)
{
	struct box_parts p;

	if (box_take_apart(c->session, &c->arena, name, &p) == 1)
		other_note(c, p.address);
}
