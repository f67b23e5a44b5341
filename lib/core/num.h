/* Strict numbers: the whole slice or nothing, overflow is an error. */
#ifndef CORE_NUM_H
#define CORE_NUM_H

#include "core/slice.h"

/* Decimal digits only (no sign, no blank). 0, or -1 if malformed or > max. */
int num_u64(struct slice s, uint64_t max, uint64_t *out) MUST_CHECK;
int num_u32(struct slice s, uint32_t *out) MUST_CHECK;

/*
 * The digits at the start of *s; *s moves behind them. -1 if there is none or
 * the value passes max.
 */
int num_take(struct slice *s, uint64_t max, uint64_t *out) MUST_CHECK;

/* Big-endian integers at any alignment, for formats and frames. */
static inline void
num_be32_put(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 24);
	p[1] = (unsigned char)(v >> 16);
	p[2] = (unsigned char)(v >> 8);
	p[3] = (unsigned char)v;
}

static inline uint32_t
num_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static inline void
num_be64_put(unsigned char *p, uint64_t v)
{
	num_be32_put(p, (uint32_t)(v >> 32));
	num_be32_put(p + 4, (uint32_t)v);
}

static inline uint64_t
num_be64(const unsigned char *p)
{
	return (uint64_t)num_be32(p) << 32 | num_be32(p + 4);
}

#endif
