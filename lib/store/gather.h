/*
 * The thread that builds search indexes, one per store; it starts with the
 * first mailbox that wants it. Used inside lib/store only.
 */
#ifndef STORE_GATHER_H
#define STORE_GATHER_H

#include "store/index.h"

void gather_init(struct store *s);
/* Before the pool is released. */
void gather_stop(struct store *s);
/* True if the thread shall stop what it is doing. */
bool gather_must_end(struct store *s);

#endif
