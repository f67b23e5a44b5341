/*
 * What a server stores of a password for SCRAM (RFC 5802 section 3): enough
 * to check a login and to prove itself, too little to log in elsewhere. In
 * text as Dovecot has it: "ROUNDS,SALT,STOREDKEY,SERVERKEY", the last three in
 * base64.
 */
#ifndef SASL_SCRAM_VERIFIER_H
#define SASL_SCRAM_VERIFIER_H

#include "core/buf.h"
#include "core/limits.h"

enum scram_hash { SCRAM_SHA1, SCRAM_SHA256, SCRAM_HASHES };

#define SCRAM_KEY_MAX 32 /* octets of the longest digest */

struct scram_verifier {
	unsigned rounds;
	size_t salt_n;
	unsigned char salt[LIMIT_SCRAM_SALT];
	unsigned char stored[SCRAM_KEY_MAX];
	unsigned char server[SCRAM_KEY_MAX];
};

/* "SCRAM-SHA-1", "SCRAM-SHA-256". */
const char *scram_hash_name(enum scram_hash hash);
/* Octets of a digest. */
size_t scram_hash_size(enum scram_hash hash);

/* -1 with a constant reason if text is malformed or its rounds cost more than
 * LIMIT_HASH_ROUNDS. */
int scram_verifier_parse(struct scram_verifier *v, enum scram_hash hash,
    struct slice text, const char **why) MUST_CHECK;
void scram_verifier_format(const struct scram_verifier *v,
    enum scram_hash hash, struct buf *out);

#endif
