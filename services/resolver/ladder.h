/*
 * Finds which rung of dns/rungs.h holds: at the start, again when questions
 * stay without an answer, and from time to time while it is not the best. The
 * resolver asks through the context that it is given.
 */
#ifndef RESOLVER_LADDER_H
#define RESOLVER_LADDER_H

#include <unbound.h>

#include "dns/rungs.h"
#include "io/loop.h"

/* Milliseconds until a better rung is tried; doubles up to the second. */
#define LADDER_RETRY 10000
#define LADDER_RETRY_MAX 600000

struct ladder;

/*
 * Takes over rungs and anchors (root trust anchors, or empty), starts to
 * climb. fn gets each context to use from now on, the first perhaps before
 * this returns, and owns it.
 */
struct ladder *ladder_new(struct loop *l, struct rungs *rungs,
    struct buf *anchors, void (*fn)(void *arg, struct ub_ctx *ctx), void *arg);
void ladder_free(struct ladder *d); /* NULL is fine */

/* A question had no answer: perhaps the rung in use broke. Never calls fn. */
void ladder_doubt(struct ladder *d);

/* " upstream=recurse dnssec=yes" */
void ladder_status(const struct ladder *d, struct buf *out);

#endif
