/*
 * The subscriptions file of a user, in Dovecot's version 2 format (dms-compat
 * 5.4): levels separated by TAB. Version 1 is read too. The file is the truth.
 */
#include "store/mailbox.h"

#include <limits.h>

#include "core/file.h"

#define FILE_MAX (4u << 20)

static enum store_err
load(const struct store_user *u, struct buf *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/subscriptions", u->root);
	if (maildir_read(path, text) == 0 || errno == ENOENT)
		return STORE_OK;
	return store_errno("read", path);
}

/* The next name in wire form (in name), false at the end. */
static bool
next_name(struct slice *rest, bool v2, struct buf *name)
{
	struct slice line;

	buf_clear(name);
	do {
		if (!slice_line(rest, &line))
			return false;
	} while (line.n == 0 || line.n > LIMIT_MAILBOX_NAME);
	buf_add_slice(name, line);
	for (size_t i = 0; v2 && i < name->n; i++)
		if (name->p[i] == '\t')
			name->p[i] = '.';
	return true;
}

static bool
take_version(struct slice *rest)
{
	if (!slice_starts(*rest, S("V\t2\n")))
		return false;
	*rest = slice_from(*rest, 4);
	return true;
}

void
subscription_parse(struct slice text, struct map *out)
{
	struct buf name = BUF_INIT(LIMIT_MAILBOX_NAME);
	bool v2 = take_version(&text);

	map_init(out);
	while (next_name(&text, v2, &name))
		map_put(out, buf_slice(&name), out);
	buf_release(&name);
}

enum store_err
subscription_read(const struct store_user *u, struct map *out)
{
	struct buf text = BUF_INIT(FILE_MAX);
	enum store_err err = load(u, &text);

	subscription_parse(err == STORE_OK ? buf_slice(&text) : S(""), out);
	buf_release(&text);
	return err;
}

static void
put_name(struct buf *out, struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		buf_addc(out, name.p[i] == '.' ? '\t' : name.p[i]);
	buf_addc(out, '\n');
}

/* The new text of the file in out; false when nothing changes. */
static bool
edit(struct slice rest, struct slice name, bool on, struct buf *out)
{
	struct buf line = BUF_INIT(LIMIT_MAILBOX_NAME);
	bool v2 = take_version(&rest), found = false;

	buf_adds(out, "V\t2\n\n");
	while (next_name(&rest, v2, &line)) {
		bool same = slice_eq(buf_slice(&line), name);

		found |= same;
		if (!same || on)
			put_name(out, buf_slice(&line));
	}
	if (on && !found)
		put_name(out, name);
	buf_release(&line);
	return found != on;
}

enum store_err
subscription_set(struct store_user *u, struct slice name, bool on)
{
	struct buf text = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
	char path[PATH_MAX];
	enum store_err err;
	int lock = index_lock_root(u->root);

	if (lock == -1)
		return store_errno("lock", u->root);
	snprintf(path, sizeof(path), "%s/subscriptions", u->root);
	err = load(u, &text);
	if (err == STORE_OK && edit(buf_slice(&text), name, on, &out)) {
		if (!buf_ok(&out))
			err = STORE_LIMIT;
		else if (file_replace(path, buf_slice(&out), 0600) == -1)
			err = store_errno("write", path);
	}
	close(lock);
	buf_release(&text);
	buf_release(&out);
	return err;
}

/* A special mailbox that is listed before anything made it, or was made. */
static bool
is_automatic(struct store_user *u, struct slice name)
{
	const struct store_special *special = mailbox_special(u->store, name);
	struct buf used = BUF_INIT(LIMIT_MAILBOX_NAME + 1);
	bool automatic = special != NULL && special->automatic &&
	    store_special_name(u, special->use, &used) == STORE_OK &&
	    slice_eq(buf_slice(&used), name);

	buf_release(&used);
	return automatic;
}

/* Makes the user's directory on first use, and the mailbox if make. */
static enum store_err
set_made(struct store_user *u, struct slice name, bool on, bool make)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = index_take(u, &ix);

	if (err != STORE_OK)
		return err;
	if (make)
		err = mailbox_find(u, ix, name, true, &row);
	index_give(u, ix);
	return err == STORE_OK ? subscription_set(u, name, on) : err;
}

static enum store_err
set_checked(struct store_user *u, struct slice name, bool on)
{
	enum store_err err = mailbox_name(name, &name);

	/* One that is listed as subscribed although it is not there yet is
	 * made, or it would be listed so ever on. */
	return err == STORE_OK ?
	    set_made(u, name, on, !on && is_automatic(u, name)) : err;
}

static bool
is_other(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
			return false;
	return name.n <= LIMIT_MAILBOX_NAME && slice_find(name, '/') > 0;
}

enum store_err
store_subscribe_other(struct store_user *u, struct slice name, bool on)
{
	return is_other(name) ? set_made(u, name, on, false) : STORE_NAME;
}

enum store_err
store_subscribed_others(struct store_user *u,
    void (*fn)(void *ctx, struct slice name), void *ctx)
{
	struct map_iter it = { 0 };
	struct slice name;
	enum store_err err;
	struct map names;
	void *value;

	err = subscription_read(u, &names);
	while (err == STORE_OK && map_next(&names, &it, &name, &value))
		if (is_other(name))
			fn(ctx, name);
	map_release(&names, NULL);
	return err;
}

enum store_err
store_subscribe(struct store_user *u, struct slice name)
{
	return set_checked(u, name, true);
}

enum store_err
store_unsubscribe(struct store_user *u, struct slice name)
{
	return set_checked(u, name, false);
}
