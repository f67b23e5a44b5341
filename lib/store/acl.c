/*
 * The rights of mailboxes on disk. What was read is remembered with the file's
 * stat, so a command costs one stat and no read.
 */
#include "store/acl.h"

#include <sys/stat.h>

#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "store/acl_store.h"
#include "store/tree.h"

/* Dovecot's memory of what can be seen; it makes it anew when it is gone. */
#define DOVECOT_LIST "dovecot-acl-list"

/* A file as it was when it was read. */
struct acl_cached {
	struct acl acl;
	struct stat st;
};

static void
cached_free(void *value)
{
	struct acl_cached *c = value;

	acl_release(&c->acl);
	mem_free(c);
}

void
acl_init(struct store *s)
{
	pthread_mutex_init(&s->acl_lock, NULL);
	pthread_mutex_init(&s->shares_lock, NULL);
	map_init(&s->acls);
	s->started_us = now_wall_us();
}

/* ---- reading -------------------------------------------------------------- */

static void
log_damaged(const char *path)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "folder-file-damaged");
	log_str(&l, "path", path);
	log_end(&l);
}

/* What cannot be read is as good as damaged: it might take rights away. */
static int
load_text(const char *path, struct buf *text, struct acl *out)
{
	if (maildir_read(path, text) == 0) {
		if (!acl_parse(out, buf_slice(text)))
			log_damaged(path);
		return 1;
	}
	*out = (struct acl){ 0 };
	if (errno == ENOENT)
		return 0;
	out->damaged = true;
	store_errno("read", path);
	return 1;
}

static int
load(const char *path, struct acl *out)
{
	struct buf text = BUF_INIT(LIMIT_ACL_BYTES);
	int r = load_text(path, &text, out);

	buf_release(&text);
	return r;
}

static void
acl_path(const char *dir, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/" ACL_FILE, dir);
}

int
acl_load(const char *dir, struct acl *out)
{
	char path[PATH_MAX];

	acl_path(dir, path);
	return load(path, out);
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Keeps c, in the place of what was there. */
static void
remember(struct store *s, const char *path, struct acl_cached *c)
{
	struct acl_cached *old;

	if (s->acls.count >= LIMIT_ACL_CACHE) {
		map_release(&s->acls, cached_free);
		map_init(&s->acls);
	}
	old = map_put(&s->acls, slice_str(path), c);
	if (old != NULL)
		cached_free(old);
}

static unsigned
file_rights(struct store_user *u, const char *path, const struct stat *st,
    struct slice user)
{
	struct store *s = u->store;
	struct slice owner = slice_str(u->address);
	struct acl_cached *c;
	unsigned rights = 0;
	bool known;

	pthread_mutex_lock(&s->acl_lock);
	c = map_get(&s->acls, slice_str(path));
	known = c != NULL && is_same(&c->st, st);
	if (known)
		rights = acl_rights(&c->acl, owner, user);
	pthread_mutex_unlock(&s->acl_lock);
	if (known)
		return rights;
	c = mem_zero(sizeof(*c));
	c->st = *st;
	/* One that is changed meanwhile has another stat the next time. */
	load(path, &c->acl);
	rights = acl_rights(&c->acl, owner, user);
	pthread_mutex_lock(&s->acl_lock);
	remember(s, path, c);
	pthread_mutex_unlock(&s->acl_lock);
	return rights;
}

static unsigned
dir_rights(struct store_user *u, const char *dir, struct slice user)
{
	bool own = slice_eq(slice_str(u->address), user);
	char path[PATH_MAX];
	struct stat st;

	acl_path(dir, path);
	if (lstat(path, &st) == 0)
		return file_rights(u, path, &st, user);
	if (errno != ENOENT && errno != ENOTDIR)
		store_errno("stat", path);
	return own ? ACL_ALL : 0;
}

unsigned
store_acl_rights(struct store_user *u, struct slice name, struct slice user)
{
	unsigned rights;
	char *dir;

	if (mailbox_name(name, &name) != STORE_OK)
		return slice_eq(slice_str(u->address), user) ? ACL_ALL : 0;
	dir = mailbox_dir(u, name);
	rights = dir_rights(u, dir, user);
	mem_free(dir);
	return rights;
}

enum store_err
store_acl_of_mailbox(struct store_mailbox *m, struct slice user,
    unsigned *rights)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = STORE_OK;
	char *dir = mailbox_dir(m->user, slice_str(m->name));

	/* It may have been renamed. */
	if (!maildir_exists(dir)) {
		mem_free(dir);
		err = index_take(m->user, &ix);
		if (err != STORE_OK)
			return err;
		err = mailbox_row_get(ix, m->id, &row);
		index_give(m->user, ix);
		if (err != STORE_OK)
			return err;
		dir = mailbox_dir(m->user, slice_str(row.name));
	}
	*rights = dir_rights(m->user, dir, user);
	mem_free(dir);
	return STORE_OK;
}

enum store_err
store_acl_read(struct store_user *u, struct slice name, struct acl *out)
{
	enum store_err err = mailbox_name(name, &name);
	char *dir;

	*out = (struct acl){ 0 };
	if (err != STORE_OK)
		return err;
	dir = mailbox_dir(u, name);
	if (!maildir_exists(dir) && !slice_eq(name, S("INBOX")) &&
	    mailbox_special(u->store, name) == NULL)
		err = STORE_NO_MAILBOX;
	else if (acl_load(dir, out) == 1 && out->damaged)
		err = STORE_CORRUPT;
	mem_free(dir);
	return err;
}

struct each {
	struct store_user *user;
	struct slice who;
	unsigned need;
	store_acl_fn *fn;
	void *ctx;
};

static enum store_err
each_name(void *ctx, struct slice name)
{
	const struct each *e = ctx;
	char *dir = mailbox_dir(e->user, name);
	unsigned rights = dir_rights(e->user, dir, e->who);

	mem_free(dir);
	if ((rights & e->need) == e->need)
		e->fn(e->ctx, name, rights);
	return STORE_OK;
}

enum store_err
store_acl_each(struct store_user *u, struct slice user, unsigned need,
    store_acl_fn *fn, void *ctx)
{
	struct each e = { u, user, need, fn, ctx };

	/* A folder that went since shares nothing. */
	if (!maildir_exists(u->root))
		return STORE_OK;
	return tree_names(u, each_name, &e);
}

/* ---- changes -------------------------------------------------------------- */

static unsigned
rights_of_id(const struct acl *a, const struct acl_id *id)
{
	unsigned rights = 0;

	for (size_t i = 0; i < a->n; i++)
		if (acl_id_eq(&a->entries[i].id, id))
			rights |= a->entries[i].rights;
	return rights;
}

/* The rights of the identifier after the change. */
static unsigned
changed(const struct store_user *u, const struct acl *a,
    const struct acl_id *id, enum acl_how how, unsigned rights)
{
	bool own = id->kind == ACL_OWNER || (id->kind == ACL_USER &&
	    slice_eq(id->name, slice_str(u->address)));
	unsigned old = rights_of_id(a, id);

	if (how == ACL_ADD)
		rights |= old;
	else if (how == ACL_TAKE)
		rights = old & ~rights;
	/* He has them in any case: the file says how it is. */
	return own && !id->negative ? rights | ACL_LOOKUP | ACL_ADMIN :
	    rights;
}

static enum store_err
write_file(const struct store_user *u, const char *path, const struct buf *text)
{
	char list[PATH_MAX];

	if (!buf_ok(text))
		return STORE_LIMIT;
	if (file_replace(path, buf_slice(text), 0600) == -1)
		/* The folder was renamed or deleted just now. */
		return errno == ENOENT ? STORE_NO_MAILBOX :
		    store_errno("write", path);
	snprintf(list, sizeof(list), "%s/" DOVECOT_LIST, u->root);
	if (unlink(list) == -1 && errno != ENOENT)
		store_errno("remove", list);
	return STORE_OK;
}

/* With the user's folder locked. */
static enum store_err
change_file(struct store_user *u, const char *path, const struct acl_id *id,
    enum acl_how how, unsigned rights)
{
	struct buf old = BUF_INIT(LIMIT_ACL_BYTES);
	struct buf new = BUF_INIT(LIMIT_ACL_BYTES);
	struct acl a = { 0 }, after = { 0 };
	enum store_err err = STORE_OK;

	load_text(path, &old, &a);
	if (a.damaged)
		err = STORE_CORRUPT;
	else
		acl_edit(buf_slice(&old), id, changed(u, &a, id, how, rights),
		    how == ACL_REMOVE, &new);
	/* Nothing is written that would not be read. */
	if (err == STORE_OK && !acl_parse(&after, buf_slice(&new)))
		err = STORE_LIMIT;
	if (err == STORE_OK && !slice_eq(buf_slice(&old), buf_slice(&new)))
		err = write_file(u, path, &new);
	acl_release(&a);
	acl_release(&after);
	buf_release(&old);
	buf_release(&new);
	return err;
}

/* Makes what is made on first use; the path of its file. */
static enum store_err
find_file(struct store_user *u, struct slice name, char path[PATH_MAX])
{
	struct store_mailbox *m = NULL;
	enum store_err err = store_mailbox_open(u, name, false, &m);
	char *dir;

	if (err != STORE_OK)
		return err;
	dir = mailbox_dir(u, slice_str(m->name));
	acl_path(dir, path);
	mem_free(dir);
	store_mailbox_close(m);
	return STORE_OK;
}

enum store_err
store_acl_change(struct store_user *u, struct slice name,
    const struct acl_id *id, enum acl_how how, unsigned rights)
{
	char path[PATH_MAX];
	enum store_err err = find_file(u, name, path);
	int lock;

	if (err != STORE_OK)
		return err;
	lock = index_lock_root(u->root);
	if (lock == -1)
		return store_errno("lock", u->root);
	err = change_file(u, path, id, how, rights);
	close(lock);
	if (err == STORE_OK)
		store_shares_update(u);
	return err;
}

enum store_err
store_acl_inherit(struct store_user *u, struct slice from, struct slice to)
{
	struct buf text = BUF_INIT(LIMIT_ACL_BYTES);
	char path[PATH_MAX], target[PATH_MAX];
	enum store_err err = STORE_OK;
	char *dir = mailbox_dir(u, from), *new = mailbox_dir(u, to);

	acl_path(dir, path);
	acl_path(new, target);
	if (maildir_read(path, &text) == 0)
		err = write_file(u, target, &text);
	else if (errno != ENOENT)
		err = store_errno("read", path);
	mem_free(dir);
	mem_free(new);
	if (text.n > 0 && err == STORE_OK)
		store_shares_update(u);
	buf_release(&text);
	return err;
}

void
acl_end(struct store *s)
{
	shares_free(s);
	map_release(&s->acls, cached_free);
	pthread_mutex_destroy(&s->acl_lock);
	pthread_mutex_destroy(&s->shares_lock);
}
