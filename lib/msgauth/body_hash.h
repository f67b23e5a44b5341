/*
 * Hashes of one body, all in one pass: signatures that hash the same bytes
 * share the work.
 */
#ifndef MSGAUTH_BODY_HASH_H
#define MSGAUTH_BODY_HASH_H

#include "core/limits.h"
#include "msgauth/canon.h"
#include "msgauth/reader.h"
#include "wire/keys.h"

struct body_digest {
	bool relaxed;
	bool has_length;
	uint64_t length; /* l=: so many canonical bytes are hashed */
	uint64_t seen;   /* canonical bytes there are */
	void *md;        /* libcrypto's EVP_MD_CTX */
	unsigned char digest[WIRE_KEYS_DIGEST];
};

#define BODY_HASHES (LIMIT_DKIM_SIGNATURES + LIMIT_ARC_SETS)

/* Large: not for the stack. */
struct body_hash {
	struct body_digest list[BODY_HASHES];
	size_t n;
	struct canon_body bodies[2]; /* simple, relaxed */
	bool wanted[2];
};

void body_hash_init(struct body_hash *h);
void body_hash_release(struct body_hash *h);

/* The index of a digest with these parameters; there is room for one a
 * signature (LIMIT_DKIM_SIGNATURES and the ARC-Message-Signatures). */
size_t body_hash_want(struct body_hash *h, bool relaxed, bool has_length,
    uint64_t length);

/* Hashes first and what m still has. -1 with errno if it cannot be read. */
int body_hash_read(struct body_hash *h, struct reader *m, struct slice first)
    MUST_CHECK;

#endif
