/*
 * A message between processes is a read-only descriptor of the body as it was
 * received (CRLF) plus an edit: text to put in front, and byte ranges of the
 * original to leave out. So headers are added and removed without copying the
 * body (Received, Return-Path, DKIM-Signature in; Bcc, forged
 * Authentication-Results out).
 */
#ifndef WIRE_EDIT_H
#define WIRE_EDIT_H

#include "wire/wire.h"

#define WIRE_CUTS 256
#define WIRE_PREFIX 49152

struct wire_cut {
	uint64_t start; /* offset in the original */
	uint64_t end;   /* first byte kept again */
};

struct wire_edit {
	struct slice prefix;    /* complete header fields, CRLF */
	uint32_t count;
	struct wire_cut cuts[WIRE_CUTS]; /* ascending, disjoint */
};

void wire_edit_put(struct buf *b, const struct wire_edit *e);
/* Part of a frame: reads from in, fails in like the wire_get_ functions. The
 * prefix is a view into the frame. */
void wire_edit_get(struct wire_in *in, struct wire_edit *e);

#endif
