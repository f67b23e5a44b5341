/*
 * Hash maps with a seeded hash (hostile keys cannot choose collisions).
 *
 * struct map:   byte-string keys, copied by the map; values are pointers the
 *               caller owns.
 * struct idmap: 64-bit keys.
 *
 * Both grow by themselves. Values must not be NULL. Iterating while inserting
 * is a bug; removing the current element is allowed.
 */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include "core/slice.h"

struct map_entry {
	struct map_entry *next;
	uint64_t hash;
	void *value;
	size_t n;
	char key[];
};

struct map {
	struct map_entry **slots;
	size_t size; /* power of two, or 0 */
	size_t count;
};

void map_init(struct map *m);
/* Calls free_value (may be NULL) on each value and releases the memory. */
void map_release(struct map *m, void (*free_value)(void *));
/* The value, or NULL. */
void *map_get(const struct map *m, struct slice key);
/* Stores value under key; returns the value it replaced, or NULL. */
void *map_put(struct map *m, struct slice key, void *value);
/* Removes key; returns its value, or NULL if it was not there. */
void *map_remove(struct map *m, struct slice key);
/*
 * Visits all: start with *it = (struct map_iter){0}; true while there is one.
 */
struct map_iter {
	size_t slot;
	struct map_entry *entry;
	struct map_entry *next;
	bool started;
};
bool map_next(const struct map *m, struct map_iter *it, struct slice *key,
    void **value);

struct idmap_slot {
	uint64_t key;
	void *value;
};

struct idmap {
	struct idmap_slot *slots;
	size_t size;
	size_t count;
};

void idmap_init(struct idmap *m);
void idmap_release(struct idmap *m);
void *idmap_get(const struct idmap *m, uint64_t key);
/* Stores value; the key must not be in the map. */
void idmap_put(struct idmap *m, uint64_t key, void *value);
/* Removes key; returns its value, or NULL. */
void *idmap_remove(struct idmap *m, uint64_t key);
/* Visits all in no order: *at starts at 0. No change while visiting. */
bool idmap_next(const struct idmap *m, size_t *at, uint64_t *key, void **value);

/* The seeded hash of bytes, for other tables of one process. */
uint64_t map_hash(struct slice key);
/* The same in every process, to be kept: peers can choose collisions. */
uint64_t map_hash_kept(struct slice key);

#endif
