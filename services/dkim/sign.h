/*
 * Signing one message (RFC 6376 section 5), relaxed/relaxed. sign_read does
 * the reading and hashing and runs on a thread; then per key sign_begin makes
 * the field and the digest that keys signs, and sign_end completes the field.
 */
#ifndef SERVICES_DKIM_SIGN_H
#define SERVICES_DKIM_SIGN_H

#include "core/arena.h"
#include "services/dkim/message.h"
#include "wire/keys.h"

struct sign {
	/* Given. */
	int fd;
	uint64_t size;
	struct wire_edit edit;
	/* Found by sign_read. */
	struct arena arena;
	struct slice from;  /* address of the author; empty if there is none */
	struct slice h;     /* value of h= */
	struct buf header;  /* the signed fields, canonical */
	unsigned char body_hash[WIRE_KEYS_DIGEST];
	int error;          /* errno if the message could not be read */
};

void sign_init(struct sign *s);
void sign_release(struct sign *s);

void sign_read(struct sign *s);

/* Appends the field up to its empty b= to field, and writes the digest. -1 if it
 * does not fit. */
int sign_begin(const struct sign *s, struct slice domain,
    struct slice selector, enum wire_keys_alg alg, int64_t now,
    struct buf *field, unsigned char digest[WIRE_KEYS_DIGEST]) MUST_CHECK;
/* Appends the signature, folded, and the line end. */
void sign_end(struct buf *field, struct slice signature);

#endif
