/*
 * Signing one message (RFC 6376 section 5), relaxed/relaxed unless said. dkim_sign_read
 * does the reading and hashing and runs on a thread; then per key
 * dkim_sign_begin makes the field and the digest that keys signs, and
 * dkim_sign_end completes the field.
 */
#ifndef MSGAUTH_DKIM_SIGN_H
#define MSGAUTH_DKIM_SIGN_H

#include "core/arena.h"
#include "msgauth/arc_seal.h"
#include "msgauth/reader.h"
#include "wire/keys.h"

struct dkim_sign {
	/* Given. */
	int fd;
	uint64_t size;
	struct wire_edit edit;
	bool simple_header, simple_body; /* canonicalization */
	struct arc_seal *seal; /* its chain is given: what is made is an
				* ARC-Message-Signature of the set that
				* dkim_sign_read prepares; or NULL */
	/* Found by dkim_sign_read. */
	struct arena arena;
	struct slice from;  /* address of the author; empty if there is none */
	struct slice h;     /* value of h=; empty if there is no From */
	struct buf header;  /* the signed fields, canonical */
	unsigned char body_hash[WIRE_KEYS_DIGEST];
	int error;          /* errno if the message could not be read */
};

void dkim_sign_init(struct dkim_sign *s);
void dkim_sign_release(struct dkim_sign *s);

void dkim_sign_read(struct dkim_sign *s);

/* Appends the field up to its empty b= to field, and writes the digest. -1 if
 * it does not fit. */
int dkim_sign_begin(const struct dkim_sign *s, struct slice domain,
    struct slice selector, enum wire_keys_alg alg, int64_t now,
    struct buf *field, unsigned char digest[WIRE_KEYS_DIGEST]) MUST_CHECK;
/* Appends the signature, folded, and the line end. */
void dkim_sign_end(struct buf *field, struct slice signature);

#endif
