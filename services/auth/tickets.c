/* Login tickets. See tickets.h. */
#include "services/auth/tickets.h"

#include "core/rand.h"

#define LIFE_MS 60000

/* The key is 128 random bits: looking it up in the seeded map tells a guesser
 * nothing useful by its time. */
struct ticket {
	struct list link;
	uint64_t until;
	enum wire_auth_service service;
	unsigned char key[WIRE_TICKET];
	size_t n;
	char user[];
};

void
tickets_init(struct tickets *t)
{
	map_init(&t->by_key);
	list_init(&t->order);
}

void
tickets_release(struct tickets *t)
{
	map_release(&t->by_key, mem_free);
	list_init(&t->order);
}

static void
forget(struct tickets *t, struct ticket *k)
{
	list_remove(&k->link);
	map_remove(&t->by_key, slice_of(k->key, WIRE_TICKET));
	mem_free(k);
}

static void
expire(struct tickets *t, uint64_t now_ms)
{
	struct ticket *k;

	while ((k = LIST_FIRST(&t->order, struct ticket, link)) != NULL &&
	    k->until <= now_ms)
		forget(t, k);
}

int
tickets_issue(struct tickets *t, struct slice user,
    enum wire_auth_service service, uint64_t now_ms,
    unsigned char ticket[WIRE_TICKET])
{
	struct ticket *k;

	expire(t, now_ms);
	if (t->by_key.count >= LIMIT_AUTH_TICKETS)
		return -1;
	k = mem_zero(sizeof(*k) + user.n);
	rand_bytes(k->key, sizeof(k->key));
	k->until = now_ms + LIFE_MS;
	k->service = service;
	k->n = user.n;
	memcpy(k->user, user.p, user.n);
	list_init(&k->link);
	list_push(&t->order, &k->link);
	map_put(&t->by_key, slice_of(k->key, WIRE_TICKET), k);
	memcpy(ticket, k->key, WIRE_TICKET);
	return 0;
}

int
tickets_redeem(struct tickets *t, struct slice ticket, uint64_t now_ms,
    struct buf *user, enum wire_auth_service *service)
{
	struct ticket *k;

	expire(t, now_ms);
	k = ticket.n == WIRE_TICKET ? map_get(&t->by_key, ticket) : NULL;
	if (k == NULL)
		return -1;
	buf_add(user, k->user, k->n);
	*service = k->service;
	forget(t, k);
	return 0;
}
