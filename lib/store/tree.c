/*
 * Rows follow directories: folders that came, went or were renamed while
 * nobody looked, by other programs or by a call of ours that was killed
 * between the rename of a directory and the commit. A folder's row counts for
 * the quota, so this is done before anything is counted: whenever a handle
 * meets a mail folder whose directory changed since the handle last looked.
 */
#include "store/tree.h"

#include <sys/stat.h>

#include <dirent.h>
#include <limits.h>

#include "core/file.h"

/* A delete that runs now has this long to finish by itself. */
#define DELETED_KEEP 60

enum store_err
tree_names(const struct store_user *u, tree_name_fn *fn, void *ctx)
{
	DIR *d = opendir(u->root);
	struct buf path = BUF_INIT(PATH_MAX);
	enum store_err err = STORE_OK;
	struct dirent *e;

	if (d == NULL)
		return store_errno("list", u->root);
	err = fn(ctx, S("INBOX"));
	while (err == STORE_OK && (e = readdir(d)) != NULL) {
		struct slice name = slice_from(slice_str(e->d_name), 1);

		if (e->d_name[0] != '.' || !store_name_is_valid(name) ||
		    slice_ieq(name, S("INBOX")))
			continue;
		buf_clear(&path);
		maildir_dir(&path, u->root, name);
		if (maildir_exists(buf_str(&path)))
			err = fn(ctx, name);
	}
	closedir(d);
	buf_release(&path);
	return err;
}

/* ---- folders that came --------------------------------------------------- */

struct walk {
	struct store_user *user;
	struct index *ix;
	struct map rows; /* names that have a row, and no folder seen yet */
};

static enum store_err
import(void *ctx, struct slice name)
{
	struct walk *w = ctx;
	struct mailbox_row row;
	struct mailbox_txn t;
	enum store_err err, end;

	err = mailbox_find(w->user, w->ix, name, false, &row);
	if (err == STORE_OK)
		err = index_begin(w->ix);
	if (err != STORE_OK)
		return err == STORE_NO_MAILBOX ? STORE_OK : err;
	err = mailbox_txn_open(&t, w->user, w->ix, row.id);
	if (err == STORE_OK)
		err = mailbox_txn_settle(&t);
	if (err == STORE_OK)
		err = mailbox_txn_save(&t);
	mailbox_txn_release(&t);
	end = err == STORE_OK ? index_commit(w->ix) : err;
	index_rollback(w->ix);
	return end == STORE_NO_MAILBOX ? STORE_OK : end;
}

enum store_err
tree_import(struct store_user *u, struct index *ix)
{
	struct walk w = { .user = u, .ix = ix };
	enum store_err err = tree_names(u, import, &w);

	return err == STORE_OK ? index_set_whole(ix) : err;
}

static enum store_err
import_unknown(void *ctx, struct slice name)
{
	struct walk *w = ctx;

	enum store_err err = STORE_OK;

	/* One that cannot be read does not keep the others away. */
	if (map_remove(&w->rows, name) == NULL)
		err = import(w, name);
	return w->ix->damaged ? err : STORE_OK;
}

/* ---- folders that went --------------------------------------------------- */

/* It may be back, or never have been gone, in a rename of another process. */
static enum store_err
forget(struct store_user *u, struct index *ix, struct slice name)
{
	struct mailbox_row row;
	enum store_err err = index_begin(ix);
	char *dir;

	if (err != STORE_OK)
		return err;
	dir = mailbox_dir(u, name);
	err = mailbox_row_by_name(ix, name, &row);
	if (err == STORE_OK && !maildir_exists(dir))
		err = mailbox_forget(ix, row.id);
	mem_free(dir);
	if (err == STORE_OK)
		return index_commit(ix);
	index_rollback(ix);
	return err == STORE_NO_MAILBOX ? STORE_OK : err;
}

static enum store_err
forget_all(struct walk *w)
{
	struct map_iter it = { 0 };
	enum store_err err = STORE_OK;
	struct slice name;
	void *value;

	while (err == STORE_OK && map_next(&w->rows, &it, &name, &value))
		err = forget(w->user, w->ix, name);
	return err;
}

/* What a store_delete that was killed had moved out of the way. */
static void
remove_deleted(const struct store_user *u)
{
	DIR *d = opendir(u->root);
	int64_t now = now_wall();
	char path[PATH_MAX];
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!slice_starts(slice_str(e->d_name), S(TREE_DELETED)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", u->root, e->d_name);
		if (lstat(path, &st) == 0 && st.st_ctime + DELETED_KEEP < now &&
		    file_remove_tree(path) == -1 && errno != ENOENT)
			store_errno("remove", path);
	}
	if (d != NULL)
		closedir(d);
}

/* ---- both ---------------------------------------------------------------- */

static enum store_err
read_rows(struct walk *w)
{
	sqlite3_stmt *st = index_query(w->ix, SQL_MAILBOX_ALL, "");
	enum store_err err = STORE_OK;

	while (index_step(w->ix, st, &err) > 0)
		map_put(&w->rows, index_column(st, 1), w);
	return err;
}

static int64_t
root_mtime(const struct store_user *u)
{
	struct stat st;

	if (stat(u->root, &st) == -1)
		return -1;
	return st.st_mtim.tv_sec * (int64_t)1000000000 + st.st_mtim.tv_nsec;
}

enum store_err
tree_follow(struct store_user *u, struct index *ix)
{
	struct walk w = { .user = u, .ix = ix };
	int64_t mtime = root_mtime(u);
	enum store_err err, finished;

	if (mtime == ix->root_mtime)
		return STORE_OK;
	finished = rename_finish(u, ix);
	map_init(&w.rows);
	err = read_rows(&w);
	/* First those that came: one may be another that went, renamed. */
	if (err == STORE_OK)
		err = tree_names(u, import_unknown, &w);
	if (err == STORE_OK)
		err = forget_all(&w);
	map_release(&w.rows, NULL);
	remove_deleted(u);
	if (err == STORE_OK)
		err = finished;
	/* A change in the same tick of the clock would not show. */
	if (err == STORE_OK &&
	    now_wall_us() * 1000 - mtime >= MAILDIR_TICK_NS)
		ix->root_mtime = mtime;
	return err;
}
