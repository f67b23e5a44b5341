#include "dns/answer.h"

/* Kept free in a frame for everything but rdata. */
#define FRAME_MARGIN 2048

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
		total += rdata.n + 4;
		cut = a->count == WIRE_DNS_ANSWERS ||
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
