/* Reports of what mailboxes hold. See usage.h. */
#include "services/auth/usage.h"

#include "core/limits.h"

#define LIFE_MS 600000

struct report {
	struct list link;
	uint64_t until;
	struct conf_quota held;
	size_t n;
	char user[];
};

void
usage_init(struct usage *u)
{
	map_init(&u->by_user);
	list_init(&u->order);
}

void
usage_release(struct usage *u)
{
	map_release(&u->by_user, mem_free);
	list_init(&u->order);
}

static void
forget(struct usage *u, struct report *r)
{
	list_remove(&r->link);
	map_remove(&u->by_user, slice_of(r->user, r->n));
	mem_free(r);
}

void
usage_report(struct usage *u, struct slice user,
    const struct conf_quota *held, uint64_t now_ms)
{
	struct report *r = map_get(&u->by_user, user);

	if (r == NULL) {
		if (u->by_user.count >= LIMIT_AUTH_USAGES)
			forget(u, LIST_FIRST(&u->order, struct report, link));
		r = mem_zero(sizeof(*r) + user.n);
		list_init(&r->link);
		r->n = user.n;
		memcpy(r->user, user.p, user.n);
		map_put(&u->by_user, user, r);
	} else {
		list_remove(&r->link);
	}
	list_push(&u->order, &r->link);
	r->held = *held;
	r->until = now_ms + LIFE_MS;
}

bool
usage_is_full(struct usage *u, struct slice user,
    const struct conf_quota *limit, uint64_t now_ms)
{
	struct report *r;

	if (limit->bytes == 0 && limit->messages == 0)
		return false;
	r = map_get(&u->by_user, user);
	if (r == NULL)
		return false;
	if (r->until <= now_ms) {
		forget(u, r);
		return false;
	}
	return (limit->bytes > 0 && r->held.bytes >= limit->bytes) ||
	    (limit->messages > 0 && r->held.messages >= limit->messages);
}
