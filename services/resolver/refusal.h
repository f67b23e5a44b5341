/*
 * Servers that are not there. libunbound waits for an answer even when the
 * host of its only server says at once that nobody listens (ICMP); then every
 * mail would wait for the whole LIMIT_DNS_TIMEOUT. So when a question waits
 * longer than usual the named servers are looked at.
 */
#ifndef RESOLVER_REFUSAL_H
#define RESOLVER_REFUSAL_H

#include "core/base.h"

#define REFUSAL_PATIENCE 300 /* milliseconds until a question is suspicious */

struct refusal;

/* dns: "1.2.3.4@53,::1@5353". NULL if it is no such list. */
struct refusal *refusal_new(const char *dns);
void refusal_free(struct refusal *r); /* NULL is fine */

/*
 * Sends each server a packet that asks nothing, and true if all of them have
 * refused such packets by now: at once on this machine, by the next call
 * elsewhere. Never waits.
 */
bool refusal_look(struct refusal *r);

#endif
