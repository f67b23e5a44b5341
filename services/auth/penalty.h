/*
 * Failed logins per client address (/64 for IPv6): each makes the next refusal
 * slower, and they are forgotten with time. Nothing is ever banned, because
 * behind a container's gateway all clients may share one address.
 */
#ifndef SERVICES_AUTH_PENALTY_H
#define SERVICES_AUTH_PENALTY_H

#include "core/list.h"
#include "core/map.h"

struct penalty {
	struct map by_client;
	struct list order; /* the one that failed longest ago first */
	uint64_t first_ms; /* delay of a client's first refusal */
	uint64_t last_ms;  /* it doubles up to this */
};

void penalty_init(struct penalty *p);
void penalty_release(struct penalty *p);

/* Notes a failure of the client with that address text (an unreadable one is
 * a client too). Returns how many count now; times are in milliseconds. */
unsigned penalty_add(struct penalty *p, struct slice ip, uint64_t now);
/* How long to hold back a refusal to someone with that many failures. */
uint64_t penalty_delay(const struct penalty *p, unsigned failures);
/* A successful login. */
void penalty_clear(struct penalty *p, struct slice ip);

#endif
