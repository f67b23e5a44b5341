/*
 * Clients that may send without a login: the networks of the configuration
 * (dms-compat 6.5), never the default gateway. A container's gateway is the
 * address every outside client has when the container engine forwards ports
 * itself, so trusting it would make an open relay (law 5).
 */
#ifndef SMTP_TRUST_H
#define SMTP_TRUST_H

#include "io/sockaddr.h"

#define TRUST_GATEWAYS 16

struct trust_net {
	unsigned char bytes[16]; /* v4 as v4-mapped */
	unsigned bits;
};

struct trust {
	struct trust_net *nets;
	size_t count;
	unsigned char gateways[TRUST_GATEWAYS][16];
	size_t gateway_count;
};

/* networks: "10.0.0.0/8,::1/128", as the configuration has checked it. */
int trust_init(struct trust *t, struct slice networks, const char **why)
    MUST_CHECK;
void trust_release(struct trust *t);
/* Adds the gateways of /proc/net/route and /proc/net/ipv6_route (texts). */
void trust_routes_v4(struct trust *t, struct slice table);
void trust_routes_v6(struct trust *t, struct slice table);
bool trust_allows(const struct trust *t, const union sockaddr_any *client);

#endif
