/*
 * Who wants in, and whose password that takes: the account's own, or that of a
 * master, who comes as "user@domain*master" or, in SASL, with the account as
 * its authorization identity (dms 3.7).
 */
#ifndef SERVICES_AUTH_IDENTITY_H
#define SERVICES_AUTH_IDENTITY_H

#include "services/auth/attempt.h"

/* Fills t->user, t->master and t->owner_name from what the client said. Sets
 * t->denied if authzid names somebody else. */
void identity_take(struct attempt *t, struct slice authzid,
    struct slice authcid);

/* A copy of a name in lower case, for comparing. */
struct slice identity_lower(struct arena *arena, struct slice s);

/*
 * The line whose hash or verifier counts; NULL if there is none. Sets
 * t->denied when even the right password does not let it in.
 */
const struct conf_account *identity_owner(struct attempt *t);

#endif
