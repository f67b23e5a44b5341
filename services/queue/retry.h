/* When to try again. Pure functions; the clock and the dice are given. */
#ifndef SERVICES_QUEUE_RETRY_H
#define SERVICES_QUEUE_RETRY_H

#include "core/base.h"

struct retry_rule {
	uint64_t min_ms;
	uint64_t max_ms;
};

/*
 * The wait after that many failed tries (1 or more): min, doubled each time,
 * at most max, then varied by up to a tenth either way (dice: any random
 * number), so that what failed together does not come back together.
 */
uint64_t retry_delay(const struct retry_rule *rule, unsigned attempts,
    uint64_t dice);

/* A time-ordered heap of things that become due; elements are embedded. */
struct due {
	uint64_t at;
	size_t index; /* 1 or more while in a heap */
};

struct due_heap {
	struct due **v;
	size_t n;
	size_t cap;
};

void due_release(struct due_heap *h);
/* Inserts, or moves if it is in already. */
void due_set(struct due_heap *h, struct due *d, uint64_t at);
/* Removes; fine if it is not in. */
void due_clear(struct due_heap *h, struct due *d);
/* The earliest, or NULL. */
struct due *due_first(const struct due_heap *h);

#endif
