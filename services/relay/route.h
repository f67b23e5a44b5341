/*
 * The way to a next hop: its mail exchangers and their addresses, one after
 * the other in the order in which they are to be tried. A host is looked up
 * only when its turn comes.
 */
#ifndef RELAY_ROUTE_H
#define RELAY_ROUTE_H

#include "service/service.h"
#include "services/relay/hop.h"
#include "services/relay/verdict.h"

struct route;

struct route_settings {
	struct peer *resolver;
	const char *hostname; /* ours */
	uint16_t port;        /* where the hop names none */
	bool ipv4;
	bool ipv6;
};

enum route_state {
	ROUTE_TARGET, /* *t is set; host lives as long as the route */
	ROUTE_WAIT,   /* ready will be called: ask again then */
	ROUTE_END,    /* no more */
};

struct route_target {
	const char *host;
	union sockaddr_any addr;
};

/* hop is copied; settings live as long as the route. */
struct route *route_new(const struct route_settings *settings,
    const struct hop *hop, void (*ready)(void *arg), void *arg);
/* NULL is fine. */
void route_free(struct route *r);

/* The next address to try. At most HOP_TRIES in all. */
#define HOP_TRIES 20
enum route_state route_next(struct route *r, struct route_target *t);

/*
 * After ROUTE_END: what the lookups say about the destination, if not every
 * host could be found. False if all were.
 */
bool route_verdict(const struct route *r, struct verdict *v);

#endif
