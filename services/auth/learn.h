/*
 * Verifiers for SCRAM from logins with a password: the one moment at which
 * auth knows what it takes to make one. It cannot write; the supervisor does.
 */
#ifndef SERVICES_AUTH_LEARN_H
#define SERVICES_AUTH_LEARN_H

#include "services/auth/auth.h"

/*
 * Should a login to this account make a verifier? Not if it has one, and not
 * beside a hash that costs a guess much more than a verifier does: that hash
 * was chosen on purpose.
 */
bool learn_wanted(const struct auth *a, struct slice name, struct slice hash);
/* Tells the supervisor. */
void learn_send(struct auth *a, struct slice name, struct slice hash,
    const struct scram_verifier verifiers[SCRAM_HASHES]);

#endif
