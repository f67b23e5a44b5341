#include "services/reports/consent.h"

#include "mail/addr.h"
#include "msgauth/dmarc_record.h"
#include "msgauth/orgdomain.h"

/* The host of an address in lower case; "" if it is none that can be asked.
 * A URI is ASCII, so these are A-labels. */
static struct slice
host_of(struct arena *arena, struct slice address)
{
	struct slice domain = addr_domain_of(address);
	char *host;

	if (!addr_domain_valid(domain, 0))
		return S("");
	host = arena_printf(arena, "%.*s", SLICE_ARG(domain));
	for (size_t i = 0; i < domain.n; i++)
		host[i] = ascii_lower(host[i]);
	return slice_of(host, domain.n);
}

/* The address of a URI (RFC 6068 section 2): "%2C" is a comma. "" if it is none
 * then. */
static struct slice
decoded(struct arena *arena, struct slice uri)
{
	struct buf text = BUF_INIT(LIMIT_ADDRESS);
	struct slice address = S("");
	struct addr a;

	for (size_t i = 0; i < uri.n; i++) {
		int high = i + 2 < uri.n ? ascii_hex(uri.p[i + 1]) : -1;
		int low = i + 2 < uri.n ? ascii_hex(uri.p[i + 2]) : -1;

		if (uri.p[i] == '%' && high >= 0 && low >= 0) {
			buf_addc(&text, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_addc(&text, uri.p[i]);
		}
	}
	if (buf_ok(&text) && addr_parse(buf_slice(&text), 0, &a, NULL) == 0)
		address = arena_slice(arena, buf_slice(&text));
	buf_release(&text);
	return address;
}

static bool
has(const struct consent *c, struct slice address)
{
	for (size_t i = 0; i < c->n; i++)
		if (slice_ieq(c->list[i].address, address))
			return true;
	return false;
}

void
consent_init(struct consent *c, struct slice domain, struct slice record)
{
	struct dmarc_record r;
	struct slice address;
	uint64_t most;

	*c = (struct consent){ .arena = ARENA_INIT };
	c->domain = arena_slice(&c->arena, domain);
	if (dmarc_record_parse(&r, record, NULL) == -1)
		return;
	while (c->n < LEN(c->list) &&
	    dmarc_record_mailto(&r.rua, &address, &most)) {
		address = decoded(&c->arena, address);
		if (address.n > 0 && !has(c, address))
			c->list[c->n++] = (struct consent_address){
				.address = address,
				.most = most,
			};
	}
}

void
consent_release(struct consent *c)
{
	arena_release(&c->arena);
	c->n = 0;
}

enum msgauth_step
consent_step(struct consent *c, struct dns_question *q)
{
	for (; c->at < c->n; c->at++) {
		struct consent_address *a = &c->list[c->at];
		struct slice host = host_of(&c->arena, a->address);

		if (a->asked || host.n == 0)
			continue;
		a->good = slice_ieq(orgdomain(host), orgdomain(c->domain));
		if (a->good)
			continue;
		a->asked = true;
		q->type = DNS_TXT;
		q->name = slice_str(arena_printf(&c->arena,
		    "%.*s._report._dmarc.%.*s", SLICE_ARG(c->domain),
		    SLICE_ARG(host)));
		return MSGAUTH_ASK;
	}
	return MSGAUTH_DONE;
}

/* Steps 7 and 8: a record with rua= names another address, which must be of
 * the same host; else nobody gets a report. */
static void
use_record(struct consent *c, struct consent_address *a, struct slice txt)
{
	struct slice host = host_of(&c->arena, a->address), address;
	struct dmarc_record r;
	uint64_t most;

	a->good = true;
	if (dmarc_record_parse(&r, txt, NULL) == -1 ||
	    !dmarc_record_mailto(&r.rua, &address, &most))
		return;
	a->address = decoded(&c->arena, address);
	a->good = host.n > 0 && slice_ieq(host_of(&c->arena, a->address), host);
	a->most = most;
}

void
consent_answer(struct consent *c, const struct wire_dns_answer *answer)
{
	struct consent_address *a = &c->list[c->at];
	struct buf txt = BUF_INIT(LIMIT_FRAME);

	if (answer == NULL || answer->status == WIRE_DNS_SERVFAIL ||
	    answer->status == WIRE_DNS_BOGUS) {
		c->unknown = true;
		return;
	}
	for (uint32_t i = 0; i < answer->count && !a->good; i++) {
		buf_clear(&txt);
		if (wire_dns_txt(answer->rdata[i], &txt) == 0 &&
		    dmarc_record_is(buf_slice(&txt)))
			use_record(c, a, buf_slice(&txt));
	}
	buf_release(&txt);
}
