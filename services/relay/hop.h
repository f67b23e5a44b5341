/*
 * Where a message is to go: the next hop as the queue names it, and the order
 * in which the mail exchangers of a domain are tried (RFC 5321 5.1).
 */
#ifndef RELAY_HOP_H
#define RELAY_HOP_H

#include "io/sockaddr.h"
#include "wire/resolver.h"

#define HOP_HOST 256
#define HOP_MX 10        /* exchangers of one domain that are looked at */
#define HOP_MX_READ 64   /* from which those are chosen */
#define HOP_ADDRESSES 10 /* addresses of one exchanger */

struct hop {
	char host[HOP_HOST];     /* A-labels, lower case */
	uint16_t port;           /* 0: not said */
	bool mx;                 /* look for exchangers; else host itself */
	bool literal;            /* host is the text of addr */
	union sockaddr_any addr; /* port is not set */
};

/*
 * "domain", "host:port", "[host]", "[host]:port", and for each an address in
 * brackets ("[192.0.2.1]", "[IPv6:2001:db8::1]"). U-labels become A-labels.
 * -1 with *why.
 */
int hop_parse(struct hop *h, struct slice text, const char **why) MUST_CHECK;

struct mx {
	uint16_t preference;
	uint32_t draw; /* order among equals */
	char host[HOP_HOST];
};

struct mx_list {
	struct mx mx[HOP_MX_READ];
	size_t n;
	bool null_mx; /* RFC 7505: the domain takes no mail */
	bool self;    /* we were among them */
};

/*
 * Sorts the MX records of an answer by preference, equals in random order
 * (5.1), and drops ourselves with everything that is not preferred to us, so
 * that mail never travels in circles. At most HOP_MX remain.
 */
void mx_list_set(struct mx_list *l, const struct wire_dns_answer *a,
    const char *ourselves);

/*
 * Takes the addresses of one host, IPv6 and IPv4 in turn beginning with IPv6,
 * with the port. Either answer may be NULL. Returns how many.
 */
size_t hop_addresses(union sockaddr_any out[HOP_ADDRESSES],
    const struct wire_dns_answer *v6, const struct wire_dns_answer *v4,
    uint16_t port);

#endif
