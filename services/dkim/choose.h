/* Which keys sign for an address, by the tables of opendkim/. */
#ifndef SERVICES_DKIM_CHOOSE_H
#define SERVICES_DKIM_CHOOSE_H

#include "core/arena.h"
#include "services/dkim/dkim.h"

struct chosen_key {
	struct slice name;     /* "domain/selector" as keys knows it */
	struct slice domain;   /* d= */
	struct slice selector;
};

/*
 * The first line that matches signs, and with it all lines of the very same
 * pattern: so a domain gives itself an RSA and an Ed25519 signature. Texts are
 * copied into the arena, as the tables may change. How many there are.
 */
size_t choose_keys(const struct dkim *d, struct slice address,
    struct arena *arena, struct chosen_key list[LIMIT_DKIM_KEYS]);

#endif
