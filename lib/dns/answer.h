/* What libunbound says, as the answer that our processes pass around. */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include <unbound.h>

#include "wire/resolver.h"

/*
 * err and result are what libunbound handed over; result may be NULL. Slices
 * of *a are views into result. As many records are taken as a frame has room
 * for; texts are taken all or not at all. Never fails: whatever is not an
 * answer is WIRE_DNS_SERVFAIL, and so is one with a record that breaks the
 * format of its type.
 */
void answer_take(struct wire_dns_answer *a, int err,
    const struct ub_result *result);

#endif
