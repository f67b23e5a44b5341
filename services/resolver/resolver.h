/*
 * The questions under way: each is asked once however many want to know
 * (coalesced by name and type), is answered within LIMIT_DNS_TIMEOUT whatever
 * the servers do, and is forgotten for channels that close.
 */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

#include "dns/rungs.h"
#include "io/chan.h"
#include "io/loop.h"

struct resolver;

/* Takes over rungs and anchors (root trust anchors, or empty). */
struct resolver *resolver_new(struct loop *l, struct rungs *rungs,
    struct buf *anchors);
void resolver_free(struct resolver *r);

/*
 * A WIRE_DNS_ASK: answered on c with id, now or later. -1 if malformed. A name
 * that cannot exist is answered with NXDOMAIN, a question beyond the caps
 * (LIMIT_DNS_ of core/limits.h) with SERVFAIL.
 */
int resolver_ask(struct resolver *r, struct chan *c, uint32_t id,
    struct slice payload) MUST_CHECK;
/* c is closing: nothing more is sent to it. */
void resolver_forget(struct resolver *r, const struct chan *c);

/* " asked=... pending=..." */
void resolver_status(const struct resolver *r, struct buf *out);

#endif
