/*
 * The mailboxes of a user as a tree of names: LIST, CREATE, DELETE, RENAME.
 * The directories are the truth; rows follow them.
 */
#include "store/tree.h"

#include <limits.h>

#include "core/arena.h"
#include "core/file.h"
#include "store/metadata.h"

/* ---- listing ------------------------------------------------------------- */

struct listing {
	struct store_user *user;
	struct arena *arena;
	struct map names; /* name: struct store_list_entry */
};

static struct store_list_entry *
put_name(struct listing *l, struct slice name, unsigned attributes)
{
	struct store_list_entry *e = map_get(&l->names, name);

	if (e == NULL) {
		e = arena_alloc(l->arena, sizeof(*e));
		e->name = arena_dup(l->arena, name);
		e->attributes = attributes;
		if (name.n > NAME_MAX - 3)
			e->attributes |= STORE_NOINFERIORS;
		map_put(&l->names, slice_str(e->name), e);
	}
	return e;
}

static enum store_err
list_dir(void *ctx, struct slice name)
{
	put_name(ctx, name, 0);
	return STORE_OK;
}

/* Special uses: those recorded with a mailbox, then those by name. */
static enum store_err
list_special(struct listing *l, struct index *ix)
{
	const struct store *s = l->user->store;
	enum store_err err = STORE_OK;
	struct map taken;
	sqlite3_stmt *st;

	map_init(&taken);
	st = index_query(ix, SQL_MAILBOX_ALL, "");
	while (index_step(ix, st, &err) > 0) {
		struct store_list_entry *e =
		    map_get(&l->names, index_column(st, 1));
		struct slice use = index_column(st, 2);

		if (e == NULL || use.n == 0)
			continue;
		e->special_use = arena_dup(l->arena, use);
		map_put(&taken, use, e);
	}
	for (size_t i = 0; err == STORE_OK && i < s->conf.n_special; i++) {
		const struct store_special *sp = &s->special[i];
		struct store_list_entry *e =
		    map_get(&l->names, slice_str(sp->name));

		if (map_get(&taken, slice_str(sp->use)) != NULL)
			continue;
		if (e == NULL && sp->automatic)
			e = put_name(l, slice_str(sp->name),
			    STORE_VIRTUAL | STORE_SUBSCRIBED);
		if (e != NULL)
			e->special_use = arena_dup(l->arena,
			    slice_str(sp->use));
	}
	map_release(&taken, NULL);
	return err;
}

static int
by_name(const void *a, const void *b)
{
	const struct store_list_entry *x = a, *y = b;
	bool x_inbox = strcmp(x->name, "INBOX") == 0;
	bool y_inbox = strcmp(y->name, "INBOX") == 0;

	if (x_inbox != y_inbox)
		return x_inbox ? -1 : 1;
	return strcmp(x->name, y->name);
}

static size_t
collect(const struct map *names, struct store_list_entry *out)
{
	struct map_iter it = { 0 };
	struct slice key;
	size_t n = 0;
	void *value;

	while (map_next(names, &it, &key, &value))
		out[n++] = *(struct store_list_entry *)value;
	return n;
}

/* Parents of what exists, as \Noselect where they do not exist. */
static void
list_parents(struct listing *l)
{
	struct store_list_entry *now =
	    arena_array(l->arena, l->names.count + 1, sizeof(*now));
	size_t n = collect(&l->names, now);

	for (size_t i = 0; i < n; i++) {
		struct slice name = slice_str(now[i].name);
		ssize_t dot;

		while ((dot = slice_rfind(name, '.')) > 0) {
			name = slice_head(name, (size_t)dot);
			put_name(l, name, STORE_NOSELECT)->attributes |=
			    STORE_HASCHILDREN;
		}
	}
}

static enum store_err
list_subscribed(struct listing *l)
{
	struct map_iter it = { 0 };
	struct slice name;
	enum store_err err;
	struct map names;
	void *value;

	err = subscription_read(l->user, &names);
	while (err == STORE_OK && map_next(&names, &it, &name, &value))
		if (store_name_is_valid(name))
			put_name(l, name, STORE_NOSELECT)->attributes |=
			    STORE_SUBSCRIBED;
	map_release(&names, NULL);
	return err;
}

enum store_err
store_list(struct store_user *u, struct store_list *out)
{
	struct listing l = { .user = u };
	struct index *ix;
	enum store_err err = index_take(u, &ix);

	*out = (struct store_list){ 0 };
	if (err != STORE_OK)
		return err;
	l.arena = mem_zero(sizeof(*l.arena));
	map_init(&l.names);
	err = tree_names(u, list_dir, &l);
	if (err == STORE_OK)
		err = list_special(&l, ix);
	index_give(u, ix);
	if (err == STORE_OK) {
		list_parents(&l);
		err = list_subscribed(&l);
	}
	out->memory = l.arena;
	if (err == STORE_OK) {
		out->entries = arena_array(l.arena, l.names.count + 1,
		    sizeof(*out->entries));
		out->n = collect(&l.names, out->entries);
		qsort(out->entries, out->n, sizeof(*out->entries), by_name);
	}
	map_release(&l.names, NULL);
	if (err != STORE_OK)
		store_list_release(out);
	return err;
}

void
store_list_release(struct store_list *list)
{
	struct arena *arena = list->memory;

	if (arena != NULL)
		arena_release(arena);
	mem_free(arena);
	*list = (struct store_list){ 0 };
}

enum store_err
store_special_name(struct store_user *u, const char *use, struct buf *name)
{
	struct store_list list;
	enum store_err err = store_list(u, &list);
	bool found = false;

	if (err != STORE_OK)
		return err;
	for (size_t i = 0; !found && i < list.n; i++) {
		const struct store_list_entry *e = &list.entries[i];

		if (e->special_use == NULL || strcmp(e->special_use, use) != 0)
			continue;
		buf_adds(name, e->name);
		found = true;
	}
	store_list_release(&list);
	return found ? STORE_OK : STORE_NO_MAILBOX;
}

/* ---- creating ------------------------------------------------------------ */

static char *
dir_of(const struct store_user *u, struct slice name)
{
	struct buf dir = BUF_INIT(PATH_MAX);

	maildir_dir(&dir, u->root, name);
	return buf_take(&dir);
}

static enum store_err
set_special(struct store_user *u, struct index *ix, int64_t id,
    const char *use)
{
	struct mailbox_txn t;
	struct folder f;
	enum store_err err = index_begin(ix);

	if (err != STORE_OK)
		return err;
	err = mailbox_txn_open(&t, u, ix, id);
	if (err == STORE_OK)
		err = mailbox_txn_settle(&t);
	if (err == STORE_OK) {
		mailbox_folder(&t, &f);
		snprintf(f.special, sizeof(f.special), "%s", use);
		err = folder_write(t.dir, &f);
	}
	if (err == STORE_OK)
		err = mailbox_txn_save(&t);
	if (err == STORE_OK)
		err = index_exec(ix, SQL_MAILBOX_SPECIAL, "is", id,
		    slice_str(use));
	mailbox_txn_release(&t);
	return err == STORE_OK ? index_commit(ix) : err;
}

enum store_err
store_create(struct store_user *u, struct slice name, const char *use)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = mailbox_name(name, &name);
	char *dir;

	if (store_name_why(name) != NULL || (use != NULL && strlen(use) > 32))
		err = STORE_NAME;
	if (err == STORE_OK)
		err = index_take(u, &ix);
	if (err != STORE_OK)
		return err;
	dir = dir_of(u, name);
	if (maildir_exists(dir))
		err = STORE_EXISTS;
	if (err == STORE_OK)
		err = mailbox_find(u, ix, name, true, &row);
	if (err == STORE_OK && use != NULL)
		err = set_special(u, ix, row.id, use);
	mem_free(dir);
	index_give(u, ix);
	return err;
}

/* ---- deleting ------------------------------------------------------------ */

static bool
has_children(struct store_user *u, struct slice name)
{
	struct store_list list;
	bool found = false;

	if (store_list(u, &list) != STORE_OK)
		return false;
	for (size_t i = 0; i < list.n; i++)
		if (slice_eq(slice_str(list.entries[i].name), name))
			found = list.entries[i].attributes & STORE_HASCHILDREN;
	store_list_release(&list);
	return found;
}

/* Out of the way in one step; removed at leisure. */
static enum store_err
take_away(struct store_user *u, const char *dir, char gone[PATH_MAX])
{
	char tag[33];

	folder_new_guid(tag);
	snprintf(gone, PATH_MAX, "%s/" TREE_DELETED "%s", u->root, tag);
	if (rename(dir, gone) == -1)
		return store_errno("rename", dir);
	if (file_sync_dir(u->root) == -1)
		return store_errno("sync", u->root);
	return STORE_OK;
}

enum store_err
store_delete(struct store_user *u, struct slice name)
{
	char gone[PATH_MAX] = "";
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = mailbox_name(name, &name);
	char *dir;

	if (err != STORE_OK || slice_eq(name, S("INBOX")))
		return STORE_NAME;
	dir = dir_of(u, name);
	if (!maildir_exists(dir)) {
		mem_free(dir);
		return has_children(u, name) ? STORE_HAS_CHILDREN :
		    STORE_NO_MAILBOX;
	}
	err = index_take(u, &ix);
	if (err != STORE_OK) {
		mem_free(dir);
		return err;
	}
	err = index_begin(ix);
	if (err == STORE_OK)
		err = mailbox_row_by_name(ix, name, &row);
	if (err == STORE_OK)
		err = mailbox_forget(ix, row.id);
	quota_begin(u);
	if (err == STORE_OK) {
		quota_change(u, row.bytes, row.messages, 0, 0);
		err = quota_settle(u, ix);
	}
	if (err == STORE_OK || err == STORE_NO_MAILBOX)
		err = take_away(u, dir, gone);
	if (err == STORE_OK)
		err = index_commit(ix);
	index_give(u, ix);
	quota_end(u, err == STORE_OK);
	if (gone[0] != '\0' && err == STORE_OK &&
	    file_remove_tree(gone) == -1)
		store_errno("remove", gone);
	mem_free(dir);
	return err;
}

/* ---- renaming ------------------------------------------------------------ */

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

static enum store_err
rename_one(struct store_user *u, struct index *ix, struct slice from,
    struct slice to)
{
	char *old = dir_of(u, from), *new = dir_of(u, to);
	struct mailbox_row row;
	enum store_err err;

	err = mailbox_row_by_name(ix, from, &row);
	if (err == STORE_OK)
		err = index_exec(ix, SQL_MAILBOX_NAME, "is", row.id, to);
	/* No row yet: it comes when the mailbox is opened. */
	if (err == STORE_NO_MAILBOX)
		err = STORE_OK;
	if (err == STORE_OK && rename(old, new) == -1)
		err = store_errno("rename", old);
	mem_free(old);
	mem_free(new);
	return err;
}

/* The names to rename: from itself if it is on disk, and its children. */
static enum store_err
rename_plan(struct store_user *u, struct slice from, struct slice to,
    struct buf *plan)
{
	struct store_list list;
	enum store_err err = store_list(u, &list);

	if (err != STORE_OK)
		return err;
	for (size_t i = 0; err == STORE_OK && i < list.n; i++) {
		struct slice name = slice_str(list.entries[i].name);
		struct slice tail = slice_from(name, from.n);
		struct buf target = BUF_INIT(LIMIT_MAILBOX_NAME);
		char *dir;

		if (!slice_starts(name, from) ||
		    (tail.n > 0 && tail.p[0] != '.') ||
		    (list.entries[i].attributes &
		    (STORE_NOSELECT | STORE_VIRTUAL)))
			continue;
		buf_add_slice(&target, to);
		buf_add_slice(&target, tail);
		dir = dir_of(u, buf_slice(&target));
		if (!buf_ok(&target) || !store_name_is_valid(buf_slice(&target)))
			err = STORE_NAME;
		else if (maildir_exists(dir))
			err = STORE_EXISTS;
		buf_add_slice(plan, name);
		buf_addc(plan, '\n');
		mem_free(dir);
		buf_release(&target);
	}
	store_list_release(&list);
	if (err == STORE_OK && plan->n == 0)
		err = STORE_NO_MAILBOX;
	return err;
}

static enum store_err
rename_tree(struct store_user *u, struct slice from, struct slice to,
    struct slice plan)
{
	struct slice name;
	struct index *ix;
	enum store_err err = index_take(u, &ix);

	if (err != STORE_OK)
		return err;
	err = index_begin(ix);
	while (err == STORE_OK && slice_line(&plan, &name)) {
		struct buf target = BUF_INIT(LIMIT_MAILBOX_NAME);

		buf_add_slice(&target, to);
		buf_add_slice(&target, slice_from(name, from.n));
		err = rename_one(u, ix, name, buf_slice(&target));
		buf_release(&target);
	}
	if (err == STORE_OK && file_sync_dir(u->root) == -1)
		err = store_errno("sync", u->root);
	if (err == STORE_OK)
		err = index_commit(ix);
	index_give(u, ix);
	return err;
}

enum store_err
store_rename(struct store_user *u, struct slice from, struct slice to)
{
	struct buf plan = BUF_INIT(16u << 20);
	struct store_mailbox *m;
	enum store_err err = mailbox_name(from, &from);
	char *dir;

	if (err == STORE_OK)
		err = mailbox_name(to, &to);
	if (err == STORE_OK && store_name_why(to) != NULL)
		err = STORE_NAME;
	if (err != STORE_OK)
		return err;
	dir = dir_of(u, to);
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
	err = rename_plan(u, from, to, &plan);
	if (err == STORE_OK)
		err = rename_tree(u, from, to, buf_slice(&plan));
	buf_release(&plan);
	return err;
}
