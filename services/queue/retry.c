#include "services/queue/retry.h"

uint64_t
retry_delay(const struct retry_rule *rule, unsigned attempts, uint64_t dice)
{
	uint64_t max = rule->max_ms > rule->min_ms ? rule->max_ms : rule->min_ms;
	uint64_t wait = rule->min_ms;

	for (unsigned i = 1; i < attempts && wait < max; i++)
		wait *= 2;
	if (wait > max)
		wait = max;
	return wait - wait / 10 + dice % (wait / 5 + 1);
}

void
due_release(struct due_heap *h)
{
	mem_free(h->v);
	*h = (struct due_heap){ 0 };
}

static void
due_place(struct due_heap *h, size_t i, struct due *d)
{
	h->v[i] = d;
	d->index = i + 1;
}

/* Moves the element at i to where its time belongs. */
static void
due_sift(struct due_heap *h, size_t i)
{
	struct due *d = h->v[i];

	while (i > 0 && h->v[(i - 1) / 2]->at > d->at) {
		due_place(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < h->n && h->v[child + 1]->at < h->v[child]->at)
			child++;
		if (child >= h->n || h->v[child]->at >= d->at)
			break;
		due_place(h, i, h->v[child]);
		i = child;
	}
	due_place(h, i, d);
}

void
due_set(struct due_heap *h, struct due *d, uint64_t at)
{
	d->at = at;
	if (d->index == 0) {
		if (h->n == h->cap) {
			h->cap = h->cap == 0 ? 64 : h->cap * 2;
			h->v = mem_grow(h->v, h->cap, sizeof(struct due *));
		}
		due_place(h, h->n++, d);
	}
	due_sift(h, d->index - 1);
}

void
due_clear(struct due_heap *h, struct due *d)
{
	size_t i = d->index;
	struct due *last;

	if (i == 0)
		return;
	d->index = 0;
	last = h->v[--h->n];
	if (last != d) {
		due_place(h, i - 1, last);
		due_sift(h, i - 1);
	}
}

struct due *
due_first(const struct due_heap *h)
{
	return h->n > 0 ? h->v[0] : NULL;
}
