/*
 * Private keys of DKIM: reading them, and the one thing done with them. Those
 * who hold one are the service keys and setup.
 */
#ifndef MSGAUTH_PRIVKEY_H
#define MSGAUTH_PRIVKEY_H

#include <openssl/evp.h>

#include "core/buf.h"
#include "wire/keys.h"

/*
 * The key in a PEM text without passphrase (PKCS #1 or PKCS #8), or one in
 * rspamd's form of Ed25519: base64 of its 32 bytes, or of them and the public
 * key. NULL if it is none; else EVP_PKEY_free frees it.
 */
EVP_PKEY *privkey_read(struct slice text);

/*
 * What the key signs with: RSA of 1024 to 16384 bits (RFC 8301 section 3.2) or
 * Ed25519. -1 with *why if it may not sign.
 */
int privkey_algorithm(const EVP_PKEY *key, enum wire_keys_alg *alg,
    const char **why) MUST_CHECK;

/* Appends the signature of a SHA-256 digest; alg is that of the key. -1 if
 * libcrypto fails. */
int privkey_sign(EVP_PKEY *key, enum wire_keys_alg alg, struct slice digest,
    struct buf *out) MUST_CHECK;

#endif
