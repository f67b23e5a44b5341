/*
 * The keeper: a thread per store for what would make others wait. It starts
 * with the first work there is, and blocks all signals.
 */
#include "store/pool.h"

#include <signal.h>

#include "core/log.h"

/*
 * Copies the WAL into the database: first what is there, while others go on
 * writing, then the little that came meanwhile, while they wait, so that the
 * WAL starts from its beginning again and does not grow without end.
 */
static void
checkpoint(struct store *s, struct index_pool *p)
{
	struct index ix = { .root = p->root };

	if (index_open_existing(&ix) == STORE_OK &&
	    index_checkpoint(&ix) == STORE_OK) {
		pool_lock_writer(s, p);
		index_checkpoint(&ix);
		pool_unlock_writer(s, p);
	}
	index_close(&ix, false);
}

static void
close_one(struct index *ix)
{
	index_close(ix, true);
	mem_free(ix->root);
	mem_free(ix);
}

static void *
keep(void *arg)
{
	struct store *s = arg;
	struct index_pool *p;
	struct index *ix;

	pthread_mutex_lock(&s->lock);
	while (!s->keeper_ends) {
		ix = LIST_FIRST(&s->doomed, struct index, link);
		p = LIST_FIRST(&s->due, struct index_pool, due);
		if (ix != NULL) {
			list_remove(&ix->link);
			pthread_mutex_unlock(&s->lock);
			close_one(ix);
			pthread_mutex_lock(&s->lock);
		} else if (p != NULL) {
			list_remove(&p->due);
			pool_hold(p);
			pthread_mutex_unlock(&s->lock);
			checkpoint(s, p);
			pthread_mutex_lock(&s->lock);
			pool_unhold(s, p);
		} else {
			pthread_cond_wait(&s->keeper_wake, &s->lock);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Under the lock. Without a thread the work waits for the end of the store. */
static void
wake(struct store *s)
{
	sigset_t all, before;

	if (!s->keeper_runs) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		s->keeper_runs = pthread_create(&s->keeper, NULL, keep, s) == 0;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (!s->keeper_runs)
			log_warn("store-keeper", "cannot start a thread");
	}
	pthread_cond_signal(&s->keeper_wake);
}

void
keeper_want_checkpoint(struct index *ix)
{
	struct store *s = ix->store;

	pthread_mutex_lock(&s->lock);
	if (list_is_empty(&ix->pool->due)) {
		list_push(&s->due, &ix->pool->due);
		wake(s);
	}
	pthread_mutex_unlock(&s->lock);
}

void
keeper_close(struct store *s, struct list *handles)
{
	struct index *ix;

	if (list_is_empty(handles))
		return;
	pthread_mutex_lock(&s->lock);
	while ((ix = LIST_FIRST(handles, struct index, link)) != NULL) {
		list_remove(&ix->link);
		list_push(&s->doomed, &ix->link);
	}
	wake(s);
	pthread_mutex_unlock(&s->lock);
}

void
keeper_stop(struct store *s)
{
	struct index *ix;

	pthread_mutex_lock(&s->lock);
	s->keeper_ends = true;
	pthread_cond_signal(&s->keeper_wake);
	pthread_mutex_unlock(&s->lock);
	if (s->keeper_runs)
		pthread_join(s->keeper, NULL);
	while ((ix = LIST_FIRST(&s->doomed, struct index, link)) != NULL) {
		list_remove(&ix->link);
		close_one(ix);
	}
}
