/* Writes a field that is a list of tags, folded: signatures and seals. */
#ifndef MSGAUTH_TAG_WRITER_H
#define MSGAUTH_TAG_WRITER_H

#include "core/buf.h"
#include "wire/keys.h"

struct tag_writer {
	struct buf *out;
	size_t line; /* octets on the line so far */
};

/* Appends "Name:". */
void tag_writer_begin(struct tag_writer *w, struct buf *out,
    const char *name);
/* " name=value;" on this line, or on the next one if this is full. */
void tag_writer_add(struct tag_writer *w, const char *name,
    struct slice value);
void tag_writer_num(struct tag_writer *w, const char *name, uint64_t value);
/* h=, folded at its colons. */
void tag_writer_names(struct tag_writer *w, struct slice h);
/* An empty b=, which must be the last (dkim_sign_end). */
void tag_writer_signature(struct tag_writer *w);

/* The value of a=. */
const char *tag_writer_algorithm(enum wire_keys_alg alg);

#endif
