/*
 * Conversation with resolver: one DNS question, one answer. Dialled by dkim,
 * relay and the SMTP servers.
 *
 * WIRE_DNS_ASK: slice name (text, no trailing dot needed; A-labels), u32 type.
 * Reply WIRE_DNS_ANSWER: enum wire_dns_status, bool secure (DNSSEC validated),
 *	u32 ttl seconds, slice canonical name (after CNAMEs, or ""),
 *	u32 count, count * slice rdata (wire format; names inside uncompressed).
 */
#ifndef WIRE_RESOLVER_H
#define WIRE_RESOLVER_H

#include "wire/wire.h"

enum wire_dns_type { WIRE_DNS_ASK = 1, WIRE_DNS_ANSWER, WIRE_DNS_TYPES };

enum wire_dns_status {
	WIRE_DNS_OK,       /* count > 0 */
	WIRE_DNS_NODATA,   /* the name exists, not with this type */
	WIRE_DNS_NXDOMAIN,
	WIRE_DNS_SERVFAIL, /* no answer: temporary */
	WIRE_DNS_BOGUS,    /* DNSSEC says the answer is forged: temporary */
	WIRE_DNS_STATUSES
};

enum { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15,
	DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52,
	DNS_CAA = 257 };

/* Of text all records or, if that is too many, none: what is missing could
 * contradict the rest. */
struct wire_dns_answer {
	enum wire_dns_status status;
	bool secure;
	uint32_t ttl;
	struct slice canonical;
	uint32_t count;
	struct slice rdata[LIMIT_DNS_ANSWERS];
};

/* Slices are views into the payload. */
int wire_dns_answer_get(struct slice payload, struct wire_dns_answer *a)
    MUST_CHECK;
void wire_dns_answer_put(struct buf *b, const struct wire_dns_answer *a);

/* Readers of rdata. Names come out as text, lower case, no trailing dot. */
int wire_dns_mx(struct slice rdata, uint16_t *preference, struct buf *host)
    MUST_CHECK;
int wire_dns_name(struct slice rdata, struct buf *name) MUST_CHECK; /* PTR */
/* The strings of a TXT record joined. */
int wire_dns_txt(struct slice rdata, struct buf *text) MUST_CHECK;

#endif
