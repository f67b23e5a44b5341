/*
 * Conversation dkim -> keys: a signature over a digest, nothing else. The
 * private key never crosses.
 *
 * WIRE_KEYS_SIGN: slice key name ("domain/selector"), u8 enum wire_keys_alg,
 *	slice digest (32 bytes, SHA-256).
 * Reply WIRE_KEYS_SIGNATURE: bool ok, slice signature.
 */
#ifndef WIRE_KEYS_H
#define WIRE_KEYS_H

#include "wire/wire.h"

enum wire_keys_type { WIRE_KEYS_SIGN = 1, WIRE_KEYS_SIGNATURE, WIRE_KEYS_TYPES };

enum wire_keys_alg {
	WIRE_KEYS_RSA_SHA256,     /* PKCS #1 v1.5 over the digest, RFC 6376 3.3.2 */
	WIRE_KEYS_ED25519_SHA256, /* PureEdDSA over the digest, RFC 8463 3 */
	WIRE_KEYS_ALGS
};

#define WIRE_KEYS_DIGEST 32

#endif
