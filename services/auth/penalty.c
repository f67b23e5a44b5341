/* Failed logins per address. See penalty.h. */
#include "services/auth/penalty.h"

#include "core/limits.h"
#include "io/sockaddr.h"

#define FIRST_DELAY_MS 2000
#define LAST_DELAY_MS 15000
/* One failure is forgotten for each of these without a new one. */
#define FORGET_MS 120000
#define COUNT_MAX 1000

struct client {
	struct list link;
	unsigned failures;
	uint64_t last;
	size_t n;
	unsigned char key[16];
};

void
penalty_init(struct penalty *p)
{
	map_init(&p->by_client);
	list_init(&p->order);
	p->first_ms = FIRST_DELAY_MS;
	p->last_ms = LAST_DELAY_MS;
}

void
penalty_release(struct penalty *p)
{
	map_release(&p->by_client, mem_free);
	list_init(&p->order);
}

/* An address that is none gives the empty key: all such share one count. */
static size_t
client_key(struct slice ip, unsigned char key[16])
{
	union sockaddr_any a;

	if (sockaddr_parse(&a, ip, 0) == -1)
		return 0;
	return sockaddr_client_key(&a, key);
}

static void
forget(struct penalty *p, struct client *c)
{
	list_remove(&c->link);
	map_remove(&p->by_client, slice_of(c->key, c->n));
	mem_free(c);
}

static struct client *
client_new(struct penalty *p, const unsigned char *key, size_t n)
{
	struct client *c;

	if (p->by_client.count >= LIMIT_AUTH_CLIENTS)
		forget(p, LIST_FIRST(&p->order, struct client, link));
	c = mem_zero(sizeof(*c));
	list_init(&c->link);
	c->n = n;
	memcpy(c->key, key, n);
	map_put(&p->by_client, slice_of(c->key, n), c);
	return c;
}

unsigned
penalty_add(struct penalty *p, struct slice ip, uint64_t now)
{
	unsigned char key[16] = { 0 };
	size_t n = client_key(ip, key);
	struct client *c = map_get(&p->by_client, slice_of(key, n));
	uint64_t forgotten;

	if (c == NULL)
		c = client_new(p, key, n);
	forgotten = (now - c->last) / FORGET_MS;
	c->failures = forgotten >= c->failures ? 0 :
	    c->failures - (unsigned)forgotten;
	if (c->failures < COUNT_MAX)
		c->failures++;
	c->last = now;
	list_remove(&c->link);
	list_push(&p->order, &c->link);
	return c->failures;
}

uint64_t
penalty_delay(const struct penalty *p, unsigned failures)
{
	uint64_t ms = p->first_ms;

	for (unsigned i = 1; i < failures && ms < p->last_ms; i++)
		ms *= 2;
	return ms < p->last_ms ? ms : p->last_ms;
}

void
penalty_clear(struct penalty *p, struct slice ip)
{
	unsigned char key[16] = { 0 };
	struct client *c =
	    map_get(&p->by_client, slice_of(key, client_key(ip, key)));

	if (c != NULL)
		forget(p, c);
}
