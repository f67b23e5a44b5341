/*
 * The pool of open indexes: at most one per user and process, lent to one
 * thread at a time, closed when idle or when there are too many. Also the
 * store itself and its users' handles.
 */
#include "store/index.h"

#include <sys/stat.h>

#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "store/mailbox.h"
#include "store/maildir.h"

static const struct store_special default_special[] = {
	{ "Drafts", "\\Drafts", true },
	{ "Junk", "\\Junk", true },
	{ "Trash", "\\Trash", true },
	{ "Sent", "\\Sent", true },
};

static char *
read_boot_id(void)
{
	struct buf b = BUF_INIT(128);
	char *id;

	if (file_read("/proc/sys/kernel/random/boot_id", &b) == -1)
		buf_clear(&b);
	/* "" is the mark of a mailbox that was never read. */
	if (b.n == 0)
		buf_adds(&b, "unknown");
	id = slice_dup(slice_trim(buf_slice(&b)));
	buf_release(&b);
	return id;
}

/* What may not be in a file name, or would end the base name, becomes "_". */
static char *
clean_hostname(const char *given)
{
	char name[128] = "";
	char *out;

	if (given != NULL)
		snprintf(name, sizeof(name), "%s", given);
	else if (gethostname(name, sizeof(name) - 1) == -1)
		name[0] = '\0';
	name[64] = '\0';
	if (name[0] == '\0')
		snprintf(name, sizeof(name), "mail");
	out = mem_str(name);
	for (char *p = out; *p != '\0'; p++)
		if (!ascii_is_alnum(*p) && *p != '.' && *p != '-')
			*p = '_';
	return out;
}

struct store *
store_open_root(const struct store_config *conf, const char **why)
{
	const struct store_special *special = conf->special;
	size_t n = conf->n_special;
	struct store *s;

	if (conf->mailroot == NULL || strlen(conf->mailroot) > 1024) {
		fail(why, "no usable mail root");
		return NULL;
	}
	if (special == NULL) {
		special = default_special;
		n = LEN(default_special);
	}
	s = mem_zero(sizeof(*s));
	s->conf = *conf;
	if (s->conf.max_open == 0)
		s->conf.max_open = 64;
	if (s->conf.idle_ms == 0)
		s->conf.idle_ms = 10000;
	s->mailroot = mem_str(conf->mailroot);
	s->hostname = clean_hostname(conf->hostname);
	s->boot_id = conf->boot_id != NULL ? mem_str(conf->boot_id) :
	    read_boot_id();
	s->special = mem_array(n + 1, sizeof(*s->special));
	for (size_t i = 0; i < n; i++)
		s->special[i] = (struct store_special){
			mem_str(special[i].name), mem_str(special[i].use),
			special[i].automatic,
		};
	s->conf.n_special = n;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->given, NULL);
	list_init(&s->pool);
	map_init(&s->by_root);
	return s;
}

/* Forgets and frees an index nobody uses. Under the lock. */
static void
drop(struct store *s, struct index *ix, bool checkpoint)
{
	index_close(ix, checkpoint);
	list_remove(&ix->link);
	map_remove(&s->by_root, slice_str(ix->root));
	mem_free(ix->root);
	mem_free(ix);
	s->open--;
}

void
store_close_root(struct store *s)
{
	struct index *ix;

	if (s == NULL)
		return;
	LIST_EACH(ix, &s->pool, struct index, link)
		drop(s, ix, true);
	map_release(&s->by_root, NULL);
	for (size_t i = 0; i < s->conf.n_special; i++) {
		mem_free((char *)(uintptr_t)s->special[i].name);
		mem_free((char *)(uintptr_t)s->special[i].use);
	}
	mem_free(s->special);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->given);
	mem_free(s->mailroot);
	mem_free(s->hostname);
	mem_free(s->boot_id);
	mem_free(s);
}

unsigned
store_idle(struct store *s, uint64_t now_ms)
{
	struct index *ix;
	unsigned open;

	pthread_mutex_lock(&s->lock);
	LIST_EACH(ix, &s->pool, struct index, link)
		if (!ix->busy && ix->waiters == 0 &&
		    ix->used_ms + s->conf.idle_ms <= now_ms)
			drop(s, ix, true);
	open = s->open;
	pthread_mutex_unlock(&s->lock);
	return open;
}

/* ---- taking and giving --------------------------------------------------- */

/* Closes the least recently used ones above the maximum. Under the lock. */
static void
evict(struct store *s)
{
	struct index *ix;

	LIST_EACH(ix, &s->pool, struct index, link) {
		if (s->open < s->conf.max_open)
			return;
		if (!ix->busy && ix->waiters == 0)
			drop(s, ix, false);
	}
}

/* The user's entry, marked busy; db may not be open yet. */
static struct index *
claim(struct store_user *u)
{
	struct store *s = u->store;
	struct slice key = slice_str(u->root);
	struct index *ix;

	pthread_mutex_lock(&s->lock);
	ix = map_get(&s->by_root, key);
	if (ix == NULL) {
		evict(s);
		ix = mem_zero(sizeof(*ix));
		ix->root = mem_str(u->root);
		list_init(&ix->link);
		list_push(&s->pool, &ix->link);
		map_put(&s->by_root, key, ix);
		s->open++;
	}
	ix->waiters++;
	while (ix->busy)
		pthread_cond_wait(&s->given, &s->lock);
	ix->waiters--;
	ix->busy = true;
	pthread_mutex_unlock(&s->lock);
	return ix;
}

static void
unclaim(struct store *s, struct index *ix)
{
	pthread_mutex_lock(&s->lock);
	ix->busy = false;
	ix->used_ms = now_mono_ms();
	list_remove(&ix->link);
	list_push(&s->pool, &ix->link);
	if (ix->db == NULL && ix->waiters == 0)
		drop(s, ix, false);
	pthread_cond_broadcast(&s->given);
	pthread_mutex_unlock(&s->lock);
}

/* True if the database file is no longer the one we have open. */
static bool
is_replaced(const struct index *ix)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" INDEX_FILE, ix->root);
	return stat(path, &st) == -1 || st.st_ino != ix->ino;
}

static enum store_err
open_and_fill(struct store_user *u, struct index *ix)
{
	enum store_err err;

	if (!maildir_exists(u->root) && maildir_make(u->root, true) == -1)
		return store_errno("mkdir", u->root);
	err = index_open(ix);
	if (err == STORE_OK && ix->fresh)
		err = mailbox_rebuild_all(u, ix);
	ix->fresh = false;
	return err;
}

enum store_err
index_take(struct store_user *u, struct index **out)
{
	struct index *ix = claim(u);
	enum store_err err = STORE_OK;

	if (ix->db != NULL && is_replaced(ix))
		index_close(ix, false);
	for (int tries = 0; tries < 2; tries++) {
		if (ix->db == NULL)
			err = open_and_fill(u, ix);
		if (err == STORE_OK)
			break;
		index_rollback(ix);
		index_close(ix, false);
		if (!ix->damaged)
			break;
		index_set_aside(ix);
		err = STORE_OK;
	}
	if (err == STORE_OK && ix->db == NULL)
		err = STORE_CORRUPT;
	if (err != STORE_OK) {
		unclaim(u->store, ix);
		return err;
	}
	*out = ix;
	return STORE_OK;
}

void
index_give(struct store_user *u, struct index *ix)
{
	index_rollback(ix);
	if (ix->damaged) {
		index_close(ix, false);
		index_set_aside(ix);
	}
	unclaim(u->store, ix);
}

/* ---- users --------------------------------------------------------------- */

static bool
path_part_is_valid(struct slice part)
{
	if (part.n == 0 || part.n > 255 || part.p[0] == '.')
		return false;
	for (size_t i = 0; i < part.n; i++)
		if (part.p[i] == '/' || (unsigned char)part.p[i] < 0x20 ||
		    part.p[i] == 0x7f)
			return false;
	return true;
}

enum store_err
store_user_open(struct store *s, struct slice address,
    struct store_user **out)
{
	ssize_t at = slice_rfind(address, '@');
	struct slice local, domain;
	struct store_user *u;
	struct buf path = BUF_INIT(2048);

	if (at < 0)
		return STORE_NAME;
	local = slice_head(address, (size_t)at);
	domain = slice_from(address, (size_t)at + 1);
	if (!path_part_is_valid(local) || !path_part_is_valid(domain))
		return STORE_NAME;
	buf_addf(&path, "%s/%.*s/%.*s", s->mailroot, SLICE_ARG(domain),
	    SLICE_ARG(local));
	u = mem_zero(sizeof(*u));
	u->store = s;
	u->address = slice_dup(address);
	u->root = buf_take(&path);
	*out = u;
	return STORE_OK;
}

void
store_user_close(struct store_user *u)
{
	if (u == NULL)
		return;
	mem_free(u->address);
	mem_free(u->root);
	mem_free(u);
}

const char *
store_user_path(const struct store_user *u)
{
	return u->root;
}

enum store_err
store_usage(struct store_user *u, struct store_usage *out)
{
	struct index *ix;
	enum store_err err = index_take(u, &ix);
	sqlite3_stmt *st;

	if (err != STORE_OK)
		return err;
	st = index_query(ix, SQL_USAGE, "");
	if (index_step(ix, st, &err) > 0) {
		out->bytes = (uint64_t)sqlite3_column_int64(st, 0);
		out->messages = (uint64_t)sqlite3_column_int64(st, 1);
		index_done(st);
	}
	index_give(u, ix);
	return err;
}
