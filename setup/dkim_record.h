/* Comparing what the DNS has of a key with what it should have (RFC 6376
 * 3.6.1). Texts are TXT records, their strings joined. */
#ifndef SETUP_DKIM_RECORD_H
#define SETUP_DKIM_RECORD_H

#include "wire/keys.h"
#include "wire/resolver.h"

/* The algorithm that k= means. */
enum wire_keys_alg dkim_record_alg(struct slice text);
/* Do both have the same key in p=? False if one has none. */
bool dkim_record_same(struct slice a, struct slice b);
/* "k=rsa; p=": revoked, and said so. */
bool dkim_record_revoked(struct slice text);

/* Would a receiver who had that answer check signatures by our key? Else false
 * with *why. */
bool dkim_record_published(const struct wire_dns_answer *a, struct slice ours,
    const char **why) MUST_CHECK;

#endif
