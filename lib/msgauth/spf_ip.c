/* Client addresses. See spf_ip.h. */
#include "msgauth/spf_ip.h"

#include <arpa/inet.h>

int
spf_ip_parse(struct spf_ip *ip, struct slice text)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char s[INET6_ADDRSTRLEN];

	memset(ip, 0, sizeof(*ip));
	if (text.n == 0 || text.n >= sizeof(s) ||
	    memchr(text.p, 0, text.n) != NULL)
		return -1;
	memcpy(s, text.p, text.n);
	s[text.n] = '\0';
	if (inet_pton(AF_INET, s, ip->bytes) == 1)
		return 0;
	if (inet_pton(AF_INET6, s, ip->bytes) != 1)
		return -1;
	ip->v6 = memcmp(ip->bytes, mapped, sizeof(mapped)) != 0;
	if (!ip->v6) {
		memmove(ip->bytes, ip->bytes + 12, 4);
		memset(ip->bytes + 4, 0, 12);
	}
	return 0;
}

bool
spf_ip_in(const struct spf_ip *ip, struct slice rdata, unsigned bits)
{
	const unsigned char *other = (const unsigned char *)rdata.p;
	size_t size = ip->v6 ? 16 : 4, whole = bits / 8;
	unsigned rest = bits % 8;

	if (rdata.n != size || bits > size * 8 ||
	    memcmp(ip->bytes, other, whole) != 0)
		return false;
	return rest == 0 ||
	    ((ip->bytes[whole] ^ other[whole]) >> (8 - rest)) == 0;
}

void
spf_ip_text(const struct spf_ip *ip, struct buf *out)
{
	char s[INET6_ADDRSTRLEN];

	if (inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->bytes, s, sizeof(s)) ==
	    NULL)
		panic("inet_ntop failed");
	buf_adds(out, s);
}

void
spf_ip_dotted(const struct spf_ip *ip, struct buf *out)
{
	if (!ip->v6) {
		spf_ip_text(ip, out);
		return;
	}
	/* In upper case: it is seen in explanations, and there the test suite
	 * of openspf.org has it so. */
	for (size_t i = 0; i < 16; i++)
		buf_addf(out, "%s%X.%X", i > 0 ? "." : "", ip->bytes[i] >> 4,
		    ip->bytes[i] & 15u);
}

void
spf_ip_reverse(const struct spf_ip *ip, struct buf *out)
{
	for (size_t i = ip->v6 ? 16 : 4; i > 0; i--) {
		unsigned c = ip->bytes[i - 1];

		if (ip->v6)
			buf_addf(out, "%x.%x.", c & 15, c >> 4);
		else
			buf_addf(out, "%u.", c);
	}
	buf_adds(out, ip->v6 ? "ip6.arpa" : "in-addr.arpa");
}
