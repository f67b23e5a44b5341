#include "core/map.h"

#include "core/rand.h"

/*
 * SipHash-1-3 keyed at first use: short keys stay cheap and a peer who knows
 * this source still cannot aim at one bucket.
 */
static uint64_t seed[2];

static uint64_t
rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static uint64_t
sip_hash(const uint64_t k[2], struct slice key)
{
	uint64_t v[4], word = 0;
	size_t i = 0;

	v[0] = k[0] ^ 0x736f6d6570736575;
	v[1] = k[1] ^ 0x646f72616e646f6d;
	v[2] = k[0] ^ 0x6c7967656e657261;
	v[3] = k[1] ^ 0x7465646279746573;
	for (; i + 8 <= key.n; i += 8) {
		memcpy(&word, key.p + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)key.n << 56;
	for (size_t n = 0; i + n < key.n; n++)
		word |= (uint64_t)(unsigned char)key.p[i + n] << (8 * n);
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int round = 0; round < 3; round++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
map_hash(struct slice key)
{
	while (seed[0] == 0)
		rand_bytes(seed, sizeof(seed));
	return sip_hash(seed, key);
}

uint64_t
map_hash_kept(struct slice key)
{
	static const uint64_t none[2];

	return sip_hash(none, key);
}

void
map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void
map_release(struct map *m, void (*free_value)(void *))
{
	for (size_t i = 0; i < m->size; i++) {
		struct map_entry *e = m->slots[i];

		while (e != NULL) {
			struct map_entry *next = e->next;

			if (free_value != NULL)
				free_value(e->value);
			mem_free(e);
			e = next;
		}
	}
	mem_free(m->slots);
	map_init(m);
}

/* The link that points at key's entry, or the end of its chain. */
static struct map_entry **
map_link(const struct map *m, struct slice key, uint64_t hash)
{
	struct map_entry **at = &m->slots[hash & (m->size - 1)];

	while (*at != NULL && ((*at)->hash != hash ||
	    !slice_eq(slice_of((*at)->key, (*at)->n), key)))
		at = &(*at)->next;
	return at;
}

void *
map_get(const struct map *m, struct slice key)
{
	struct map_entry *e;

	if (m->count == 0)
		return NULL;
	e = *map_link(m, key, map_hash(key));
	return e != NULL ? e->value : NULL;
}

static void
map_expand(struct map *m)
{
	struct map bigger = { .size = m->size > 0 ? m->size * 2 : 16,
	    .count = m->count };

	bigger.slots = mem_array(bigger.size, sizeof(*bigger.slots));
	for (size_t i = 0; i < m->size; i++) {
		struct map_entry *e = m->slots[i];

		while (e != NULL) {
			struct map_entry *next = e->next;
			struct map_entry **slot =
			    &bigger.slots[e->hash & (bigger.size - 1)];

			e->next = *slot;
			*slot = e;
			e = next;
		}
	}
	mem_free(m->slots);
	*m = bigger;
}

void *
map_put(struct map *m, struct slice key, void *value)
{
	uint64_t hash = map_hash(key);
	struct map_entry **at, *e;
	void *old;

	assert(value != NULL);
	if (m->count >= m->size)
		map_expand(m);
	at = map_link(m, key, hash);
	if (*at != NULL) {
		old = (*at)->value;
		(*at)->value = value;
		return old;
	}
	e = mem_alloc(sizeof(*e) + key.n + 1);
	*e = (struct map_entry){ .hash = hash, .value = value, .n = key.n };
	if (key.n > 0)
		memcpy(e->key, key.p, key.n);
	e->key[key.n] = '\0';
	*at = e;
	m->count++;
	return NULL;
}

void *
map_remove(struct map *m, struct slice key)
{
	struct map_entry **at, *e;
	void *value;

	if (m->count == 0)
		return NULL;
	at = map_link(m, key, map_hash(key));
	e = *at;
	if (e == NULL)
		return NULL;
	*at = e->next;
	value = e->value;
	mem_free(e);
	m->count--;
	return value;
}

bool
map_next(const struct map *m, struct map_iter *it, struct slice *key,
    void **value)
{
	if (!it->started) {
		it->started = true;
		it->slot = 0;
		it->next = m->size > 0 ? m->slots[0] : NULL;
	}
	while (it->next == NULL) {
		if (it->slot + 1 >= m->size)
			return false;
		it->next = m->slots[++it->slot];
	}
	it->entry = it->next;
	it->next = it->entry->next;
	if (key != NULL)
		*key = slice_of(it->entry->key, it->entry->n);
	*value = it->entry->value;
	return true;
}

void
idmap_init(struct idmap *m)
{
	*m = (struct idmap){ 0 };
}

void
idmap_release(struct idmap *m)
{
	mem_free(m->slots);
	idmap_init(m);
}

/* Fibonacci mixing: ids are ours (counters), not hostile. */
static size_t
idmap_home(const struct idmap *m, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (m->size - 1);
}

static struct idmap_slot *
idmap_slot(const struct idmap *m, uint64_t key)
{
	size_t i = idmap_home(m, key);

	while (m->slots[i].value != NULL && m->slots[i].key != key)
		i = (i + 1) & (m->size - 1);
	return &m->slots[i];
}

void *
idmap_get(const struct idmap *m, uint64_t key)
{
	return m->count > 0 ? idmap_slot(m, key)->value : NULL;
}

void
idmap_put(struct idmap *m, uint64_t key, void *value)
{
	struct idmap_slot *slot;

	assert(value != NULL);
	if ((m->count + 1) * 4 > m->size * 3) {
		struct idmap bigger = { .size = m->size > 0 ? m->size * 2 : 16,
		    .count = m->count };

		bigger.slots = mem_array(bigger.size, sizeof(*bigger.slots));
		for (size_t i = 0; i < m->size; i++)
			if (m->slots[i].value != NULL)
				*idmap_slot(&bigger, m->slots[i].key) =
				    m->slots[i];
		mem_free(m->slots);
		*m = bigger;
	}
	slot = idmap_slot(m, key);
	assert(slot->value == NULL);
	*slot = (struct idmap_slot){ key, value };
	m->count++;
}

void *
idmap_remove(struct idmap *m, uint64_t key)
{
	struct idmap_slot *slot;
	size_t hole, i;
	void *value;

	if (m->count == 0)
		return NULL;
	slot = idmap_slot(m, key);
	value = slot->value;
	if (value == NULL)
		return NULL;
	m->count--;
	/* Close the gap: move back each follower that probed across it. */
	hole = (size_t)(slot - m->slots);
	for (i = (hole + 1) & (m->size - 1); m->slots[i].value != NULL;
	     i = (i + 1) & (m->size - 1)) {
		size_t home = idmap_home(m, m->slots[i].key);

		if (((i - home) & (m->size - 1)) >=
		    ((i - hole) & (m->size - 1))) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct idmap_slot){ 0 };
	return value;
}

bool
idmap_next(const struct idmap *m, size_t *at, uint64_t *key, void **value)
{
	while (*at < m->size) {
		const struct idmap_slot *slot = &m->slots[(*at)++];

		if (slot->value != NULL) {
			if (key != NULL)
				*key = slot->key;
			*value = slot->value;
			return true;
		}
	}
	return false;
}
