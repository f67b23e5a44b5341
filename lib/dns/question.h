/*
 * A question as anybody asks it: checked, in one spelling, and
 * answered on the spot where no server needs to be asked.
 */
#ifndef DNS_QUESTION_H
#define DNS_QUESTION_H

#include "wire/resolver.h"

#define QUESTION_NAME 253 /* RFC 1035 2.3.4: 255 octets on the wire */

struct question {
	char name[QUESTION_NAME + 1]; /* lower case, no trailing dot */
	size_t n;
	uint32_t type;
};

/*
 * Takes a name of at most 253 octets, labels of 1 to 63 (RFC 1035 2.3.4), of
 * printable ASCII without the backslash; more than host names, because SPF
 * macros (RFC 7208 7) put parts of addresses into names. -1 with *why for any
 * other: it cannot exist in the DNS.
 */
int question_set(struct question *q, struct slice name, uint32_t type,
    const char **why) MUST_CHECK;

/*
 * Names of RFC 6761 that must never leave the machine: localhost and what is
 * below it are loopback (6.3), invalid and onion do not exist (6.4, RFC 7686
 * 2). Fills *a (rdata points to constants) and returns true for those.
 */
bool question_local(const struct question *q, struct wire_dns_answer *a);

/* What equal questions have in common: the key of the table of pending ones.
 * The view is valid as long as key. */
struct slice question_key(const struct question *q,
    char key[QUESTION_NAME + 5]);

#endif
