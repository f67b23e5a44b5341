/*
 * RENAME. A folder is renamed by one rename of its directory; for a tree there
 * are several, and what is to become of each is written down before the first
 * of them, in pillarbox-rename beside the folders. Who fails takes back what it
 * did; who dies leaves the file, and whoever meets the user next (tree.c) does
 * the rest. So a tree is not left in halves.
 */
#include "store/tree.h"

#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "store/metadata.h"

#define PLAN_FILE "pillarbox-rename"
#define PLAN_MAX (32u << 20)

/* ---- the plan: pairs of lines, the old name and the new one -------------- */

/* The next pair; false at the end or when it is none. */
static bool
plan_next(struct slice *plan, struct slice *from, struct slice *to)
{
	return slice_line(plan, from) && slice_line(plan, to) &&
	    store_name_is_valid(*from) && store_name_is_valid(*to);
}

/* Adds name to the plan, if it is from or below it. */
static enum store_err
plan_add(struct store_user *u, struct slice name, struct slice from,
    struct slice to, struct buf *plan)
{
	struct slice tail = slice_from(name, from.n);
	struct buf target = BUF_INIT(LIMIT_MAILBOX_NAME);
	enum store_err err = STORE_OK;
	char *dir;

	if (!slice_starts(name, from) || (tail.n > 0 && tail.p[0] != '.'))
		return STORE_OK;
	buf_add_slice(&target, to);
	buf_add_slice(&target, tail);
	dir = mailbox_dir(u, buf_slice(&target));
	if (!buf_ok(&target) || !store_name_is_valid(buf_slice(&target)))
		err = STORE_NAME;
	else if (maildir_exists(dir))
		err = STORE_EXISTS;
	buf_addf(plan, "%.*s\n%.*s\n", SLICE_ARG(name),
	    SLICE_ARG(buf_slice(&target)));
	mem_free(dir);
	buf_release(&target);
	return err;
}

/* The folders to rename: from itself if it is on disk, and its children. */
static enum store_err
plan_make(struct store_user *u, struct slice from, struct slice to,
    struct buf *plan)
{
	struct store_list list;
	enum store_err err = store_list(u, &list);

	if (err != STORE_OK)
		return err;
	for (size_t i = 0; err == STORE_OK && i < list.n; i++)
		if ((list.entries[i].attributes &
		    (STORE_NOSELECT | STORE_VIRTUAL)) == 0)
			err = plan_add(u, slice_str(list.entries[i].name),
			    from, to, plan);
	store_list_release(&list);
	if (err == STORE_OK && plan->n == 0)
		err = STORE_NO_MAILBOX;
	return err == STORE_OK && !buf_ok(plan) ? STORE_LIMIT : err;
}

static void
plan_path(const struct store_user *u, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/" PLAN_FILE, u->root);
}

static enum store_err
plan_write(const struct store_user *u, struct slice plan)
{
	char path[PATH_MAX];

	plan_path(u, path);
	return file_replace(path, plan, 0600) == 0 ? STORE_OK :
	    store_errno("write", path);
}

/* Left behind it does no harm: it says what is so already. */
static void
plan_remove(const struct store_user *u)
{
	char path[PATH_MAX];

	plan_path(u, path);
	if (unlink(path) == -1 && errno != ENOENT)
		store_errno("remove", path);
}

/* ---- directories --------------------------------------------------------- */

static int
move_dir(const struct store_user *u, struct slice from, struct slice to)
{
	char *old = mailbox_dir(u, from), *new = mailbox_dir(u, to);
	int r = 0;

	/* rename() would replace a folder that somebody emptied. */
	if (maildir_exists(new)) {
		errno = EEXIST;
		r = -1;
	} else {
		r = rename(old, new);
	}
	mem_free(old);
	mem_free(new);
	return r;
}

static enum store_err
rename_one(struct store_user *u, struct index *ix, struct slice from,
    struct slice to)
{
	struct mailbox_row row;
	enum store_err err;

	err = mailbox_row_by_name(ix, from, &row);
	if (err == STORE_OK)
		err = index_exec(ix, SQL_MAILBOX_NAME, "is", row.id, to);
	/* No row yet: it comes when the mailbox is opened. */
	if (err == STORE_NO_MAILBOX)
		err = STORE_OK;
	if (err == STORE_OK && move_dir(u, from, to) == -1)
		err = store_errno("rename", u->root);
	return err;
}

/* Takes back the first n renames of the plan; false if one refuses. */
static bool
undo(const struct store_user *u, struct slice plan, size_t n)
{
	struct slice from, to;
	bool ok = true;

	for (; n > 0 && plan_next(&plan, &from, &to); n--)
		if (move_dir(u, to, from) == -1) {
			store_errno("rename", u->root);
			ok = false;
		}
	return ok;
}

static enum store_err
rename_all(struct store_user *u, struct index *ix, struct slice plan,
    size_t *done)
{
	enum store_err err = STORE_OK;
	struct slice from, to;

	while (err == STORE_OK && plan_next(&plan, &from, &to)) {
		err = rename_one(u, ix, from, to);
		*done += err == STORE_OK;
	}
	if (err == STORE_OK && file_sync_dir(u->root) == -1)
		err = store_errno("sync", u->root);
	return err;
}

static enum store_err
rename_tree(struct store_user *u, struct slice plan)
{
	struct slice rest = plan, from, to;
	struct index *ix;
	size_t done = 0;
	bool written = false;
	enum store_err err = index_take_write(u, &ix);

	if (err != STORE_OK)
		return err;
	err = index_begin(ix);
	/* One rename needs no plan. */
	if (err == STORE_OK && plan_next(&rest, &from, &to) && rest.n > 0) {
		written = true;
		err = plan_write(u, plan);
	}
	if (err == STORE_OK)
		err = rename_all(u, ix, plan, &done);
	if (err == STORE_OK)
		err = index_commit(ix);
	if ((err == STORE_OK || undo(u, plan, done)) && written)
		plan_remove(u);
	index_give(u, ix);
	return err;
}

/* ---- what was cut short -------------------------------------------------- */

enum store_err
rename_finish(struct store_user *u, struct index *ix)
{
	struct buf text = BUF_INIT(PLAN_MAX);
	struct slice plan, from, to;
	char path[PATH_MAX];
	enum store_err err;
	int r;

	plan_path(u, path);
	if (!file_exists(path))
		return STORE_OK;
	/* Nobody is at it any more who lets us begin. */
	err = index_begin(ix);
	if (err != STORE_OK)
		return err;
	r = maildir_read(path, &text);
	if (r == -1 && errno != ENOENT)
		err = store_errno("read", path);
	plan = buf_slice(&text);
	while (r == 0 && plan_next(&plan, &from, &to)) {
		if (move_dir(u, from, to) == 0)
			log_info("rename-finished", "path=%s", u->root);
		else if (errno != ENOENT && errno != EEXIST)
			err = store_errno("rename", u->root);
	}
	if (r == 0 && file_sync_dir(u->root) == -1)
		err = store_errno("sync", u->root);
	if (r == 0 && err == STORE_OK)
		plan_remove(u);
	index_rollback(ix);
	buf_release(&text);
	return err;
}

/* ---- the command --------------------------------------------------------- */

static enum store_err
copy_metadata(struct store_user *u, struct slice to)
{
	struct store_metadata m;
	enum store_err err = store_metadata_read(u, S("INBOX"), &m);

	if (err == STORE_OK && m.n > 0)
		err = store_metadata_change(u, to, m.entries, m.n);
	store_metadata_release(&m);
	return err;
}

/* INBOX: its messages move, the mailbox stays (RFC 9051 6.3.6). */
static enum store_err
rename_inbox(struct store_user *u, struct slice to)
{
	struct store_mailbox *m;
	struct store_copied copied;
	enum store_err err = store_create(u, to, NULL);

	if (err == STORE_OK)
		err = store_mailbox_open(u, S("INBOX"), false, &m);
	if (err != STORE_OK)
		return err;
	err = store_move(m, NULL, to, &copied);
	store_copied_release(&copied);
	/* RFC 5464 4.1: the annotations are of both. */
	if (err == STORE_OK)
		err = copy_metadata(u, to);
	store_mailbox_close(m);
	return err;
}

enum store_err
store_rename(struct store_user *u, struct slice from, struct slice to)
{
	struct buf plan = BUF_INIT(PLAN_MAX);
	struct store_mailbox *m;
	enum store_err err = mailbox_name(from, &from);
	char *dir;

	if (err == STORE_OK)
		err = mailbox_name(to, &to);
	if (err != STORE_OK)
		return err;
	dir = mailbox_dir(u, to);
	if (slice_eq(to, S("INBOX")) || maildir_exists(dir))
		err = STORE_EXISTS;
	mem_free(dir);
	if (err != STORE_OK)
		return err;
	if (slice_eq(from, S("INBOX")))
		return rename_inbox(u, to);
	/* A special mailbox that is not there yet is made first. */
	if (mailbox_special(u->store, from) != NULL) {
		err = store_mailbox_open(u, from, false, &m);
		if (err == STORE_OK)
			store_mailbox_close(m);
	}
	err = plan_make(u, from, to, &plan);
	if (err == STORE_OK)
		err = rename_tree(u, buf_slice(&plan));
	buf_release(&plan);
	return err;
}
