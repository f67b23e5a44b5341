#include "wire/resolver.h"

void
wire_dns_answer_put(struct buf *b, const struct wire_dns_answer *a)
{
	wire_put_u8(b, (uint8_t)a->status);
	wire_put_bool(b, a->secure);
	wire_put_u32(b, a->ttl);
	wire_put_slice(b, a->canonical);
	wire_put_u32(b, a->count);
	for (uint32_t i = 0; i < a->count; i++)
		wire_put_slice(b, a->rdata[i]);
}

int
wire_dns_answer_get(struct slice payload, struct wire_dns_answer *a)
{
	struct wire_in in = wire_in(payload);

	a->status = wire_get_enum(&in, WIRE_DNS_STATUSES);
	a->secure = wire_get_bool(&in);
	a->ttl = wire_get_u32(&in);
	a->canonical = wire_get_slice(&in, LIMIT_DOMAIN);
	a->count = wire_get_u32(&in);
	if (a->count > LIMIT_DNS_ANSWERS)
		return -1;
	for (uint32_t i = 0; i < a->count; i++)
		a->rdata[i] = wire_get_slice(&in, LIMIT_FRAME);
	return wire_end(&in);
}

int
wire_dns_name(struct slice rdata, struct buf *name)
{
	size_t start = name->n;

	/* RFC 1035 3.1: labels with a length octet, ended by the root. */
	while (rdata.n > 0) {
		unsigned char n = (unsigned char)rdata.p[0];

		if (n == 0)
			return rdata.n == 1 && !name->failed ? 0 : -1;
		if (n > 63 || rdata.n < (size_t)n + 1)
			return -1;
		if (name->n > start)
			buf_addc(name, '.');
		for (unsigned char i = 1; i <= n; i++) {
			unsigned char c = (unsigned char)rdata.p[i];

			/* A dot or control inside a label has no text form
			 * that we want to hand on. */
			if (c <= ' ' || c == '.' || c >= 0x7f)
				return -1;
			buf_addc(name, ascii_lower((char)c));
		}
		rdata = slice_from(rdata, (size_t)n + 1);
	}
	return -1;
}

int
wire_dns_mx(struct slice rdata, uint16_t *preference, struct buf *host)
{
	if (rdata.n < 3)
		return -1;
	*preference = (uint16_t)((unsigned char)rdata.p[0] << 8 |
	    (unsigned char)rdata.p[1]);
	return wire_dns_name(slice_from(rdata, 2), host);
}

int
wire_dns_txt(struct slice rdata, struct buf *text)
{
	while (rdata.n > 0) {
		unsigned char n = (unsigned char)rdata.p[0];

		if (rdata.n < (size_t)n + 1)
			return -1;
		buf_add(text, rdata.p + 1, n);
		rdata = slice_from(rdata, (size_t)n + 1);
	}
	return text->failed ? -1 : 0;
}
