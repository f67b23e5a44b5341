/* What thread.c and thread_tree.c share. */
#ifndef IMAP_THREAD_INTERNAL_H
#define IMAP_THREAD_INTERNAL_H

#include "services/imap/thread.h"

uint32_t thread_node_new(struct thread *t);

/*
 * The slot of a hash, which holds its node or 0; who fills it counts it in
 * used. A table is t->ids, or one of subjects.
 */
uint32_t *thread_table_find(const struct thread *t,
    struct thread_table *table, uint64_t hash);

/* Makes child, which has no parent, one of parent's; not in a loop. */
void thread_link(struct thread *t, uint32_t parent, uint32_t child);
/* Takes child from its parent, if it has one. */
void thread_unlink(struct thread *t, uint32_t child);

#endif
