/*
 * libunbound's context, set up for a small mail server: who is asked
 * (DNS_SERVERS), whether DNSSEC is checked (PILLARBOX_DNS_VALIDATE), small caches,
 * one thread. Nothing is asked before the first query, so the context
 * may be made with more rights than it is used with.
 */
#ifndef DNS_UPSTREAM_H
#define DNS_UPSTREAM_H

#include <unbound.h>

#include "core/slice.h"

/*
 * dns: "recurse" or "1.2.3.4@53,::1@5353" (dns/rungs.h). anchors: root trust
 * anchors, one DS or DNSKEY record a line; empty: those built in. NULL with
 * *why; else upstream_free frees it.
 */
struct ub_ctx *upstream_new(const char *dns, bool validate,
    struct slice anchors, const char **why);

/* Frees it; what it held, some megabytes, goes back to the system. */
void upstream_free(struct ub_ctx *ctx);

/* 0 if upstream_new would take the anchors; -1 with *why. */
int upstream_anchors_check(struct slice anchors, const char **why) MUST_CHECK;

#endif
