/*
 * A buf is a growing byte buffer with a compulsory maximum and a sticky
 * failure: a write that would pass the maximum writes nothing and sets
 * failed, and so does every write after it, so that a caller appends freely
 * and tests b.failed (or buf_ok) once at the end. The bytes are followed by a
 * NUL that does not count, so buf_str is always a C string.
 *
 * Lifecycle: buf_init (allocates nothing), appends, buf_release. buf_clear
 * empties it and keeps the memory. Copying the struct copies the owner: don't.
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include "core/slice.h"

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max;
	bool failed;
};

#define BUF_INIT(maximum) { .max = (maximum) }

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_clear(struct buf *b);
/* Like buf_release, but wipes what it held first. */
void buf_wipe(struct buf *b);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);

static inline void
buf_addc(struct buf *b, char c)
{
	if (b->failed || b->n + 1 >= b->cap) {
		buf_add(b, &c, 1);
		return;
	}
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

static inline void
buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}

/* Decimal. */
void buf_addu(struct buf *b, uint64_t v);

/*
 * Room for n more bytes, to be written at the returned pointer and then
 * counted with buf_commit. NULL (and failed) when that passes the maximum.
 */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

/* Drops the first n bytes (n at most b->n). */
void buf_consume(struct buf *b, size_t n);
/* Keeps the first n bytes (n at most b->n). */
void buf_truncate(struct buf *b, size_t n);

static inline bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}

static inline struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->p, b->n);
}

/* Never NULL; "" when empty. Valid until the next append. */
static inline const char *
buf_str(const struct buf *b)
{
	return b->p != NULL ? b->p : "";
}

/* Gives the bytes to the caller as a C string (never NULL), b is empty after. */
char *buf_take(struct buf *b);

#endif
