/*
 * The client's name: PTR of its address, believed only if the name has that
 * address (RFC 8601 2.7.3 iprev). Looked up beside the dialogue; nobody waits
 * for it.
 */
#ifndef SMTP_RDNS_H
#define SMTP_RDNS_H

#include "service/service.h"

struct rdns {
	struct peer *resolver;
	uint32_t request;        /* 0: settled */
	unsigned char address[16];
	size_t address_length;   /* 4 or 16 */
	char *name;              /* verified, or NULL */
	void (*settled)(void *arg);
	void *arg;
};

/* settled is called once, later, unless rdns_cancel comes first; not at all if
 * there is nothing to look up. */
void rdns_start(struct rdns *r, struct peer *resolver,
    const union sockaddr_any *client, void (*settled)(void *arg), void *arg);
/* Forgets the request and the name. */
void rdns_cancel(struct rdns *r);
static inline bool
rdns_is_settled(const struct rdns *r)
{
	return r->request == 0;
}

/* "4.3.2.1.in-addr.arpa": what to ask for n (4 or 16) bytes of address. */
void rdns_question(struct buf *out, const unsigned char *address, size_t n);

#endif
