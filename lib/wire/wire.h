/*
 * Payload encoding of the frames between processes: fields one after the
 * other, big-endian integers, byte strings with a 32-bit length. A reader
 * takes the fields in the same order and ends with wire_end, which insists
 * that every byte was used and nothing failed; failure is sticky, so it tests
 * once. Each conversation has its own header (wire/auth.h, wire/queue.h ...)
 * that says, per frame type, who sends it, what is in it and what comes back.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "core/buf.h"
#include "core/limits.h"

/* Writing: on a buf; start with WIRE_BUF so that the frame limit holds. */
#define WIRE_BUF BUF_INIT(LIMIT_FRAME)

void wire_put_u8(struct buf *b, uint8_t v);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_u64(struct buf *b, uint64_t v);
void wire_put_bool(struct buf *b, bool v);
void wire_put_slice(struct buf *b, struct slice s);
void wire_put_str(struct buf *b, const char *s); /* NULL counts as "" */

/* Reading. */
struct wire_in {
	struct slice rest;
	bool failed;
};

static inline struct wire_in
wire_in(struct slice payload)
{
	return (struct wire_in){ payload, false };
}

/* Each returns zero / false / the empty slice after a failure. */
uint8_t wire_get_u8(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);
bool wire_get_bool(struct wire_in *in); /* only 0 and 1 are legal */
/* A view into the frame, at most max bytes long. */
struct slice wire_get_slice(struct wire_in *in, size_t max);
/* A number that must be below count: an enum's value. */
unsigned wire_get_enum(struct wire_in *in, unsigned count);
/* 0 if all was read and legal, else -1. */
int wire_end(const struct wire_in *in) MUST_CHECK;

#endif
