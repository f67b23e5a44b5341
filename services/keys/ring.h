/*
 * The private keys, by name ("domain/selector"), and the one thing done with
 * them. libcrypto keeps their secret numbers in its locked heap (see main.c).
 */
#ifndef SERVICES_KEYS_RING_H
#define SERVICES_KEYS_RING_H

#include "core/buf.h"
#include "core/map.h"
#include "wire/keys.h"

struct ring {
	struct map by_name;
	unsigned set; /* number of the set being given */
};

void ring_init(struct ring *r);
void ring_release(struct ring *r);

/*
 * Takes a PEM private key: RSA of at least 1024 bits (PKCS #1 or PKCS #8) or
 * Ed25519 (PKCS #8), or an Ed25519 key in rspamd's form, base64. On -1 with
 * *why a key of that name stays as it was.
 */
int ring_put(struct ring *r, struct slice name, struct slice pem,
    const char **why) MUST_CHECK;
void ring_remove(struct ring *r, struct slice name);

/*
 * A set starts: keys that are not put again before ring_sweep are old. They
 * go on signing until then, so a change of one key leaves no gap.
 */
void ring_begin(struct ring *r);
void ring_sweep(struct ring *r);

/* Appends a signature over a SHA-256 digest. -1 if the key is unknown, of
 * another algorithm, or libcrypto fails. */
int ring_sign(struct ring *r, struct slice name, enum wire_keys_alg alg,
    struct slice digest, struct buf *out, const char **why) MUST_CHECK;

#endif
