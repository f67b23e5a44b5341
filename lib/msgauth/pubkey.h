/* The DNS record of a public key (RFC 6376 section 3.6.1, RFC 8463). */
#ifndef MSGAUTH_PUBKEY_H
#define MSGAUTH_PUBKEY_H

#include "msgauth/signature.h"

struct pubkey {
	void *pkey;        /* libcrypto's EVP_PKEY */
	unsigned bits;
	bool testing;      /* t=y: the domain is trying DKIM out */
	bool exact_domain; /* t=s: i= must be at d= itself */
};

/* Reads a TXT record for a signature of that algorithm; pubkey_release after
 * success. */
int pubkey_parse(struct pubkey *k, struct slice txt, enum wire_keys_alg alg,
    const char **why) MUST_CHECK;
void pubkey_release(struct pubkey *k);

/* True if signature is one of digest (32 bytes) by the key. */
bool pubkey_verify(const struct pubkey *k, enum wire_keys_alg alg,
    struct slice digest, struct slice signature);

#endif
