/* Successful logins. See cache.h. */
#include "services/auth/cache.h"

#include <sodium.h>

#include "core/limits.h"
#include "core/num.h"
#include "core/rand.h"

#define LIFE_MS 600000

struct entry {
	struct list link;
	uint64_t until;
	unsigned char tag[CACHE_TAG];
};

void
cache_init(struct cache *c)
{
	map_init(&c->by_tag);
	list_init(&c->order);
	rand_bytes(c->key, sizeof(c->key));
}

void
cache_clear(struct cache *c)
{
	map_release(&c->by_tag, mem_free);
	map_init(&c->by_tag);
	list_init(&c->order);
}

void
cache_release(struct cache *c)
{
	cache_clear(c);
	mem_wipe(c->key, sizeof(c->key));
}

static void
add_part(crypto_generichash_state *h, struct slice s)
{
	unsigned char n[4];

	/* Lengths first, so that no two triples give the same bytes. */
	num_be32_put(n, (uint32_t)s.n);
	crypto_generichash_update(h, n, sizeof(n));
	crypto_generichash_update(h, (const unsigned char *)s.p, s.n);
}

void
cache_tag(const struct cache *c, struct slice user, struct slice password,
    struct slice hash, unsigned char tag[CACHE_TAG])
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, c->key, sizeof(c->key), CACHE_TAG);
	add_part(&h, user);
	add_part(&h, password);
	add_part(&h, hash);
	crypto_generichash_final(&h, tag, CACHE_TAG);
	mem_wipe(&h, sizeof(h));
}

static void
forget(struct cache *c, struct entry *e)
{
	list_remove(&e->link);
	map_remove(&c->by_tag, slice_of(e->tag, CACHE_TAG));
	mem_free(e);
}

bool
cache_has(struct cache *c, const unsigned char tag[CACHE_TAG], uint64_t now_ms)
{
	struct entry *e = map_get(&c->by_tag, slice_of(tag, CACHE_TAG));

	if (e == NULL)
		return false;
	if (e->until > now_ms)
		return true;
	forget(c, e);
	return false;
}

void
cache_add(struct cache *c, const unsigned char tag[CACHE_TAG], uint64_t now_ms)
{
	struct entry *e = map_get(&c->by_tag, slice_of(tag, CACHE_TAG));

	if (e != NULL)
		forget(c, e);
	else if (c->by_tag.count >= LIMIT_AUTH_CACHE)
		forget(c, LIST_FIRST(&c->order, struct entry, link));
	e = mem_zero(sizeof(*e));
	memcpy(e->tag, tag, CACHE_TAG);
	e->until = now_ms + LIFE_MS;
	list_init(&e->link);
	list_push(&c->order, &e->link);
	map_put(&c->by_tag, slice_of(e->tag, CACHE_TAG), e);
}
