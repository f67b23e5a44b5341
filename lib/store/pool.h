/*
 * The open indexes of a process. Each user has a few handles: calls that only
 * read run at the same time, one call at a time writes. Handles are closed
 * when idle or when there are too many. A thread of the store, the keeper,
 * does what nobody should wait for: checkpoints of WALs, and closing.
 * Used inside lib/store only.
 */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include "store/index.h"

struct index_pool {
	struct list link; /* in store.pools, least recently used first */
	struct list due;  /* in store.due, while its WAL waits for a checkpoint */
	char *root;
	struct list idle; /* open handles that nobody has */
	unsigned handles;
	unsigned users;   /* calls that have a handle or wait for one */
	bool writing;
	pthread_cond_t may_take;
	pthread_cond_t may_write;
	uint64_t used_ms;
};

void pool_init(struct store *s);
/* Ends the keeper and closes everything; no call may be under way. */
void pool_release(struct store *s);

/* The right to write, for one thread of the process. Others wait for it
 * without asking the database again and again. */
void pool_write_begin(struct index *ix);
void pool_write_end(struct index *ix);
/* The same for the keeper, which has no handle of the pool. */
void pool_lock_writer(struct store *s, struct index_pool *p);
void pool_unlock_writer(struct store *s, struct index_pool *p);
/* Keeps p while the keeper works on it; under the store's lock. */
void pool_hold(struct index_pool *p);
void pool_unhold(struct store *s, struct index_pool *p);

/* ---- keeper.c ---- */

/* After a commit that left the WAL long. */
void keeper_want_checkpoint(struct index *ix);
/* Closes the handles of the list, later. */
void keeper_close(struct store *s, struct list *handles);
void keeper_stop(struct store *s);

#endif
