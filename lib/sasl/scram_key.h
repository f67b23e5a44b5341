/*
 * SCRAM's arithmetic (RFC 5802 section 3) on libcrypto. No shared state, so it
 * runs on any thread.
 */
#ifndef SASL_SCRAM_KEY_H
#define SASL_SCRAM_KEY_H

#include "sasl/scram_verifier.h"

/*
 * The rounds of new verifiers: a guess costs about what it costs against the
 * SHA512-CRYPT line of the same account (5000 rounds), and a client some ten
 * milliseconds. RFC 7677 section 4 asks for 4096 at least.
 */
#define SCRAM_ROUNDS 32768
#define SCRAM_SALT 16

/* Makes the verifier of a password from v's rounds and salt. The password is
 * prepared first; one that SASLprep refuses counts as it is, which is what
 * clients do that know no SASLprep. */
void scram_derive(struct scram_verifier *v, enum scram_hash hash,
    struct slice password);
/* The same without preparing the password. */
void scram_derive_raw(struct scram_verifier *v, enum scram_hash hash,
    struct slice password);
/* As scram_derive with a new salt and SCRAM_ROUNDS. */
void scram_derive_new(struct scram_verifier *v, enum scram_hash hash,
    struct slice password);

/* HMAC with that hash; out has room for SCRAM_KEY_MAX octets. */
void scram_hmac(enum scram_hash hash, struct slice key, struct slice text,
    unsigned char *out);
/* Is proof that of a client whose password made v, over the AuthMessage? */
bool scram_proof_ok(const struct scram_verifier *v, enum scram_hash hash,
    struct slice auth_message, struct slice proof);

#endif
