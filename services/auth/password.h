/*
 * Checking a password against a line of postfix-accounts.cf: the schemes of
 * Dovecot (dms 3.3) as far as crypt(3), libsodium and libcrypto can do them.
 * No shared state, so it runs on any thread.
 */
#ifndef SERVICES_AUTH_PASSWORD_H
#define SERVICES_AUTH_PASSWORD_H

#include "core/slice.h"

/*
 * 1 if the password fits, 0 if not, -1 with a constant reason if the hash
 * cannot be used: unknown scheme, malformed, or so expensive (core/limits.h)
 * that checking it would let a bad account file stop the service. hash is
 * "{SCHEME}..." or, without braces, what crypt(3) makes.
 */
int password_verify(struct slice hash, struct slice password,
    const char **why) MUST_CHECK;

/* 0 if password_verify can use the hash, else -1 with the reason. Cheap. */
int password_check(struct slice hash, const char **why) MUST_CHECK;

/* True if a guess at the hash costs much memory or time (Argon2, bcrypt,
 * yescrypt), or if it is a SCRAM verifier already. */
bool password_is_hard(struct slice hash);

#endif
