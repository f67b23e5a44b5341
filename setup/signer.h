/* A private key on the command line, and what it signs: setup dkim sign and
 * setup arc seal. */
#ifndef SETUP_SIGNER_H
#define SETUP_SIGNER_H

#include "msgauth/dkim_sign.h"
#include "setup/dkim_key.h"
#include "setup/explain.h"

/* The options of both; what is not given comes from the tables of opendkim/,
 * by the address of the author. */
struct signer {
	const char *file;
	const char *key, *selector, *domain, *canon, *algo;
	/* Found. */
	struct dkim_sign sign;
	EVP_PKEY *pkey;
	enum wire_keys_alg alg;
	struct buf names; /* owns what the tables gave */
};

#define SIGNER_OPTIONS(s)                                                      \
	{ "key", &(s)->key, NULL }, { "selector", &(s)->selector, NULL },      \
	{ "domain", &(s)->domain, NULL }, { "canon", &(s)->canon, NULL },      \
	{ "algo", &(s)->algo, NULL }

/*
 * Reads the message and the key; sign.seal may be set before. 0, or the exit
 * status after saying what is wrong. signer_release in any case.
 */
int signer_open(const struct setup *s, struct signer *g) MUST_CHECK;
void signer_release(struct signer *g);

/* Appends the signature of the digest to field (dkim_sign_end). -1 if the key
 * fails. */
int signer_end(const struct signer *g,
    const unsigned char digest[WIRE_KEYS_DIGEST], struct buf *field)
    MUST_CHECK;

#endif
