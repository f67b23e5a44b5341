#include "dns/answer.h"

/* Kept free in a frame for everything but rdata. */
#define FRAME_MARGIN 2048
#define LABEL_MAX 63

static enum wire_dns_status
status_of(int err, const struct ub_result *result)
{
	if (err != 0 || result == NULL)
		return WIRE_DNS_SERVFAIL;
	if (result->bogus)
		return WIRE_DNS_BOGUS;
	if (result->nxdomain)
		return WIRE_DNS_NXDOMAIN;
	if (result->havedata && result->data != NULL && result->data[0] != NULL)
		return WIRE_DNS_OK;
	return result->rcode == 0 ? WIRE_DNS_NODATA : WIRE_DNS_SERVFAIL;
}

/* TXT: strings that fill it (RFC 1035 3.3.14). */
static bool
is_text(struct slice rdata)
{
	while (rdata.n > 0) {
		size_t n = (size_t)(unsigned char)rdata.p[0] + 1;

		if (n > rdata.n)
			return false;
		rdata = slice_from(rdata, n);
	}
	return true;
}

/* Labels, then the root (RFC 1035 3.1); whatever octets they have. */
static bool
is_name(struct slice rdata)
{
	while (rdata.n > 1) {
		size_t n = (size_t)(unsigned char)rdata.p[0];

		if (n == 0 || n > LABEL_MAX || n + 1 > rdata.n)
			return false;
		rdata = slice_from(rdata, n + 1);
	}
	return rdata.n == 1 && rdata.p[0] == '\0';
}

/* libunbound takes the length of a record as it comes. */
static bool
is_well_formed(int type, struct slice rdata)
{
	switch (type) {
	case DNS_A:
		return rdata.n == 4;
	case DNS_AAAA:
		return rdata.n == 16;
	case DNS_MX:
		return rdata.n > 2 && is_name(slice_from(rdata, 2));
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
		return is_name(rdata);
	case DNS_TXT:
		return rdata.n > 0 && is_text(rdata);
	default:
		return true;
	}
}

static void
take_records(struct wire_dns_answer *a, const struct ub_result *result)
{
	size_t total = 0;
	bool cut = false;

	for (size_t i = 0; result->data[i] != NULL && !cut; i++) {
		struct slice rdata;

		if (result->len[i] < 0)
			break;
		rdata = slice_of(result->data[i], (size_t)result->len[i]);
		/* Who wrote that did not mean the rest, either. */
		if (!is_well_formed(result->qtype, rdata)) {
			a->count = 0;
			break;
		}
		total += rdata.n + 4;
		cut = a->count == LIMIT_DNS_ANSWERS ||
		    total > LIMIT_FRAME - FRAME_MARGIN;
		if (!cut)
			a->rdata[a->count++] = rdata;
	}
	/* Two SPF records are an error; one of them alone would be a lie. */
	if (cut && result->qtype == DNS_TXT)
		a->count = 0;
	if (a->count == 0)
		a->status = WIRE_DNS_SERVFAIL;
}

void
answer_take(struct wire_dns_answer *a, int err, const struct ub_result *result)
{
	*a = (struct wire_dns_answer){ .status = status_of(err, result) };
	if (err != 0 || result == NULL)
		return;
	a->secure = result->secure != 0;
	a->ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0;
	if (result->canonname != NULL)
		a->canonical = slice_str(result->canonname);
	if (a->canonical.n > 0 && a->canonical.p[a->canonical.n - 1] == '.')
		a->canonical.n--;
	if (a->status == WIRE_DNS_OK)
		take_records(a, result);
}
