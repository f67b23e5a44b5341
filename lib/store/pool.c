#include "store/pool.h"

#include <sys/stat.h>

#include <limits.h>

#include "core/now.h"
#include "store/tree.h"

/* Handles of one user that calls may hold at once; a writer gets one more. */
#define HANDLES_MAX 4

void
pool_init(struct store *s)
{
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->keeper_wake, NULL);
	list_init(&s->pools);
	list_init(&s->due);
	list_init(&s->doomed);
	map_init(&s->by_root);
}

/* ---- pools, under the store's lock --------------------------------------- */

static struct index_pool *
pool_of(struct store *s, const char *root)
{
	struct index_pool *p = map_get(&s->by_root, slice_str(root));

	if (p != NULL)
		return p;
	p = mem_zero(sizeof(*p));
	p->root = mem_str(root);
	list_init(&p->link);
	list_init(&p->due);
	list_init(&p->idle);
	pthread_cond_init(&p->may_take, NULL);
	pthread_cond_init(&p->may_write, NULL);
	list_push(&s->pools, &p->link);
	map_put(&s->by_root, slice_str(root), p);
	return p;
}

/* Forgets a pool that has no handle and no user. */
static void
pool_drop(struct store *s, struct index_pool *p)
{
	if (p->users > 0 || p->handles > 0)
		return;
	list_remove(&p->link);
	list_remove(&p->due);
	map_remove(&s->by_root, slice_str(p->root));
	pthread_cond_destroy(&p->may_take);
	pthread_cond_destroy(&p->may_write);
	mem_free(p->root);
	mem_free(p);
}

/* Moves the idle handles of a pool to the list of those to be closed. */
static void
pool_empty(struct store *s, struct index_pool *p, struct list *doomed)
{
	struct index *ix;

	while ((ix = LIST_FIRST(&p->idle, struct index, link)) != NULL) {
		list_remove(&ix->link);
		list_push(doomed, &ix->link);
		ix->pool = NULL;
		p->handles--;
		s->open--;
	}
}

/*
 * Closes what made room. A long WAL is left to the keeper: who opens the index
 * next would have to read all of it.
 */
static void
close_all(struct store *s, struct list *doomed)
{
	struct index *ix;
	struct list slow;

	list_init(&slow);
	while ((ix = LIST_FIRST(doomed, struct index, link)) != NULL) {
		list_remove(&ix->link);
		if (ix->wal_pages > 100) {
			list_push(&slow, &ix->link);
			continue;
		}
		index_close(ix, false);
		mem_free(ix->root);
		mem_free(ix);
	}
	keeper_close(s, &slow);
}

/* Makes room for one more handle, at the cost of who used his least lately. */
static void
evict(struct store *s, struct list *doomed)
{
	struct index_pool *p;

	LIST_EACH(p, &s->pools, struct index_pool, link) {
		if (s->open < s->conf.max_open)
			return;
		pool_empty(s, p, doomed);
		pool_drop(s, p);
	}
}

static void
lock_writer(struct store *s, struct index_pool *p)
{
	while (p->writing)
		pthread_cond_wait(&p->may_write, &s->lock);
	p->writing = true;
}

static void
unlock_writer(struct index_pool *p)
{
	p->writing = false;
	pthread_cond_signal(&p->may_write);
}

void
pool_write_begin(struct index *ix)
{
	if (ix->writing)
		return;
	pool_lock_writer(ix->store, ix->pool);
	ix->writing = true;
}

void
pool_write_end(struct index *ix)
{
	if (!ix->writing)
		return;
	ix->writing = false;
	pool_unlock_writer(ix->store, ix->pool);
}

void
pool_lock_writer(struct store *s, struct index_pool *p)
{
	pthread_mutex_lock(&s->lock);
	lock_writer(s, p);
	pthread_mutex_unlock(&s->lock);
}

void
pool_unlock_writer(struct store *s, struct index_pool *p)
{
	pthread_mutex_lock(&s->lock);
	unlock_writer(p);
	pthread_mutex_unlock(&s->lock);
}

void
pool_hold(struct index_pool *p)
{
	p->users++;
}

void
pool_unhold(struct store *s, struct index_pool *p)
{
	p->users--;
	pool_drop(s, p);
}

/* ---- taking and giving --------------------------------------------------- */

static struct index *
new_handle(struct store *s, struct index_pool *p, struct list *doomed)
{
	struct index *ix = mem_zero(sizeof(*ix));

	evict(s, doomed);
	ix->store = s;
	ix->pool = p;
	ix->root = mem_str(p->root);
	list_init(&ix->link);
	p->handles++;
	s->open++;
	return ix;
}

/* A handle of the user, which may not be open yet. */
static struct index *
claim(struct store_user *u, bool write)
{
	struct store *s = u->store;
	struct list doomed;
	struct index_pool *p;
	struct index *ix;

	list_init(&doomed);
	pthread_mutex_lock(&s->lock);
	p = pool_of(s, u->root);
	p->users++;
	if (write)
		lock_writer(s, p);
	/* Who may write never waits here: those who have handles may want to. */
	while (!write && list_is_empty(&p->idle) && p->handles >= HANDLES_MAX)
		pthread_cond_wait(&p->may_take, &s->lock);
	ix = LIST_FIRST(&p->idle, struct index, link);
	if (ix == NULL)
		ix = new_handle(s, p, &doomed);
	list_remove(&ix->link);
	ix->writing = write;
	pthread_mutex_unlock(&s->lock);
	close_all(s, &doomed);
	return ix;
}

static void
unclaim(struct index *ix)
{
	struct store *s = ix->store;
	struct index_pool *p = ix->pool;

	pthread_mutex_lock(&s->lock);
	if (ix->writing)
		unlock_writer(p);
	ix->writing = false;
	if (ix->db != NULL) {
		/* The one with the warmest cache is taken first. */
		list_push_front(&p->idle, &ix->link);
	} else {
		mem_free(ix->root);
		mem_free(ix);
		p->handles--;
		s->open--;
	}
	p->users--;
	p->used_ms = now_mono_ms();
	list_remove(&p->link);
	list_push(&s->pools, &p->link);
	pthread_cond_signal(&p->may_take);
	pool_drop(s, p);
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
	if (err == STORE_OK && !ix->whole)
		err = tree_import(u, ix);
	return err;
}

static enum store_err
take(struct store_user *u, bool write, struct index **out)
{
	struct index *ix = claim(u, write);
	enum store_err err = STORE_OK;

	if (ix->db != NULL && is_replaced(ix))
		index_close(ix, false);
	for (int tries = 0; tries < 2; tries++) {
		if (ix->db == NULL)
			err = open_and_fill(u, ix);
		/* Behind by a folder is better than not to be had at all. */
		if (err == STORE_OK && tree_follow(u, ix) != STORE_OK &&
		    ix->damaged)
			err = STORE_CORRUPT;
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
		unclaim(ix);
		return err;
	}
	*out = ix;
	return STORE_OK;
}

enum store_err
index_take(struct store_user *u, struct index **out)
{
	return take(u, false, out);
}

enum store_err
index_take_write(struct store_user *u, struct index **out)
{
	return take(u, true, out);
}

void
index_give(struct store_user *u UNUSED, struct index *ix)
{
	index_rollback(ix);
	if (ix->damaged) {
		index_close(ix, false);
		index_set_aside(ix);
	}
	unclaim(ix);
}

/* ---- closing ------------------------------------------------------------- */

unsigned
store_idle(struct store *s, uint64_t now_ms)
{
	struct index_pool *p;
	struct list doomed;
	unsigned open;

	list_init(&doomed);
	pthread_mutex_lock(&s->lock);
	LIST_EACH(p, &s->pools, struct index_pool, link) {
		if (p->users > 0 || p->used_ms + s->conf.idle_ms > now_ms)
			continue;
		pool_empty(s, p, &doomed);
		pool_drop(s, p);
	}
	open = s->open;
	pthread_mutex_unlock(&s->lock);
	keeper_close(s, &doomed);
	return open;
}

void
pool_release(struct store *s)
{
	struct index_pool *p;
	struct list doomed;
	struct index *ix;

	keeper_stop(s);
	list_init(&doomed);
	LIST_EACH(p, &s->pools, struct index_pool, link) {
		pool_empty(s, p, &doomed);
		assert(p->users == 0 && p->handles == 0);
		pool_drop(s, p);
	}
	while ((ix = LIST_FIRST(&doomed, struct index, link)) != NULL) {
		list_remove(&ix->link);
		index_close(ix, true);
		mem_free(ix->root);
		mem_free(ix);
	}
	map_release(&s->by_root, NULL);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->keeper_wake);
}
