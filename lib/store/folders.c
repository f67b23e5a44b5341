/*
 * The mailboxes of a user as a tree of names: LIST, CREATE, DELETE. The
 * directories are the truth; rows follow them.
 */
#include "store/tree.h"

#include <sys/stat.h>

#include <limits.h>

#include "core/arena.h"
#include "core/file.h"

#define STAMP_UNSURE_US 50000

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

/* Everything that store_list reads is an entry of the root. */
int64_t
store_names_stamp(const struct store_user *u)
{
	struct stat st;
	int64_t at, now = now_wall_us();

	if (stat(u->root, &st) == -1)
		return 0;
	at = (int64_t)st.st_mtim.tv_sec * 1000000 +
	    st.st_mtim.tv_nsec / 1000;
	/* The clock of files is coarse: more may come in this tick. */
	return now - at < STAMP_UNSURE_US && at - now < STAMP_UNSURE_US ? 0 :
	    at;
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

enum store_err
store_create(struct store_user *u, struct slice name, const char *use)
{
	struct index *ix;
	enum store_err err = mailbox_name(name, &name);
	char *dir;

	if (store_name_why(name) != NULL || (use != NULL && strlen(use) > 32))
		err = STORE_NAME;
	if (err == STORE_OK)
		err = index_take(u, &ix);
	if (err != STORE_OK)
		return err;
	dir = mailbox_dir(u, name);
	if (maildir_exists(dir))
		err = STORE_EXISTS;
	if (err == STORE_OK)
		err = mailbox_create(u, ix, name, use);
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
	if (rename(dir, gone) == -1) {
		gone[0] = '\0';
		return store_errno("rename", dir);
	}
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
	dir = mailbox_dir(u, name);
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
	/* Who is told that it failed finds it again. */
	if (gone[0] != '\0' && err != STORE_OK && rename(gone, dir) == -1)
		store_errno("rename", gone);
	if (gone[0] != '\0' && err == STORE_OK &&
	    file_remove_tree(gone) == -1)
		store_errno("remove", gone);
	mem_free(dir);
	return err;
}
