/* Client addresses as SPF sees them (RFC 7208 sections 5, 7.3). */
#ifndef MSGAUTH_SPF_IP_H
#define MSGAUTH_SPF_IP_H

#include "core/buf.h"

struct spf_ip {
	unsigned char bytes[16]; /* of IPv4 the first four */
	bool v6;
};

/* Text without brackets; an IPv4-mapped address is IPv4. -1 if it is none. */
int spf_ip_parse(struct spf_ip *ip, struct slice text) MUST_CHECK;

/* Are the first bits of both the same? rdata is that of an A or AAAA record
 * of ip's family, else the answer is no. */
bool spf_ip_in(const struct spf_ip *ip, struct slice rdata, unsigned bits);

/* As people write it: the macro "c". */
void spf_ip_text(const struct spf_ip *ip, struct buf *out);
/* The macro "i": IPv6 as 32 digits with dots between. */
void spf_ip_dotted(const struct spf_ip *ip, struct buf *out);
/* The name of its PTR records. */
void spf_ip_reverse(const struct spf_ip *ip, struct buf *out);

#endif
