/*
 * An arena gives memory that is freed all at once: one per SMTP transaction,
 * one per IMAP command. Nothing is freed singly; arena_clear empties it for
 * reuse and arena_release gives everything back. Allocation panics on failure.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/slice.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t total; /* bytes handed out since the last clear */
};

#define ARENA_INIT { 0 }

/* Aligned for any object, zeroed. */
void *arena_alloc(struct arena *a, size_t n);
/* n objects of size bytes, zeroed; overflow panics. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A copy of the bytes followed by NUL. */
char *arena_dup(struct arena *a, struct slice s);
struct slice arena_slice(struct arena *a, struct slice s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
void arena_clear(struct arena *a);
void arena_release(struct arena *a);

#endif
