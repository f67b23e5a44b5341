/*
 * Logins that succeeded lately. A mail program on a phone logs in every few
 * minutes with the same password, and a good password hash costs milliseconds
 * on purpose; this makes the repetition cheap.
 *
 * It holds no password and no hash of one that is of use elsewhere: a tag is a
 * BLAKE2b keyed with random bytes of this process, over the user, the password
 * and the line of the account file. A changed line gives another tag, so an
 * old password stops at once. Who can read this process's memory could try
 * passwords against a tag faster than against the account file's hashes, but
 * would find the passwords of those who log in there anyway; that is why it
 * lives ten minutes, in memory only. Refusals are never remembered.
 */
#ifndef SERVICES_AUTH_CACHE_H
#define SERVICES_AUTH_CACHE_H

#include "core/list.h"
#include "core/map.h"

#define CACHE_TAG 32

struct cache {
	struct map by_tag;
	struct list order; /* the oldest first */
	unsigned char key[32];
};

void cache_init(struct cache *c);
void cache_release(struct cache *c);
void cache_clear(struct cache *c);

void cache_tag(const struct cache *c, struct slice user, struct slice password,
    struct slice hash, unsigned char tag[CACHE_TAG]);
bool cache_has(struct cache *c, const unsigned char tag[CACHE_TAG],
    uint64_t now_ms);
void cache_add(struct cache *c, const unsigned char tag[CACHE_TAG],
    uint64_t now_ms);

#endif
