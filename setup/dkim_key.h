/* DKIM key pairs: making them and their DNS records (RFC 6376, RFC 8463). */
#ifndef SETUP_DKIM_KEY_H
#define SETUP_DKIM_KEY_H

#include <openssl/evp.h>

#include "core/buf.h"

/* A new pair; bits are for RSA. NULL if it cannot be made. */
EVP_PKEY *dkim_key_new(bool ed25519, unsigned bits);
/* The pair in a file, PEM or rspamd's form of Ed25519; or NULL. */
EVP_PKEY *dkim_key_load(const char *path);
/* Appends the private key as PEM (PKCS#8). */
int dkim_key_private(EVP_PKEY *key, struct buf *out) MUST_CHECK;

/*
 * Appends the value of p=: base64 of a SubjectPublicKeyInfo for RSA (RFC 6376
 * 3.6.1), of the bare 32 bytes for Ed25519 (RFC 8463 section 4). *type gets
 * the value of k=.
 */
int dkim_key_public(EVP_PKEY *key, struct buf *out, const char **type)
    MUST_CHECK;

/*
 * Appends the TXT record as a zone line in the form of opendkim-genkey, owner
 * first: "mail._domainkey", "mail._domainkey.example.com.".
 */
int dkim_key_record(EVP_PKEY *key, struct slice owner, struct slice selector,
    struct slice domain, struct buf *out) MUST_CHECK;

#endif
