#include "services/relay/hop.h"

#include <idn2.h>

#include "core/num.h"
#include "core/rand.h"

/* Letters, digits, hyphens, dots; an underscore does no harm. */
static bool
host_valid(struct slice host)
{
	if (host.n == 0 || host.n > 253 || host.p[0] == '.')
		return false;
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if (!ascii_is_alnum(c) && c != '-' && c != '_' && c != '.')
			return false;
		if (c == '.' && i > 0 && host.p[i - 1] == '.')
			return false;
	}
	return true;
}

static int
set_host(struct hop *h, struct slice host, const char **why)
{
	uint8_t *ascii = NULL;
	char *name;
	int r = 0;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (slice_is_ascii(host)) {
		name = slice_dup(host);
	} else {
		name = slice_dup(host);
		/* RFC 5890 2.3.2.1: only A-labels exist in the DNS. */
		r = idn2_lookup_u8((const uint8_t *)name, &ascii,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
		mem_free(name);
		name = r == IDN2_OK ? mem_str((const char *)ascii) : NULL;
		idn2_free(ascii);
		if (name == NULL)
			return fail(why, "not a valid internationalized name");
	}
	r = host_valid(slice_str(name)) ? 0 : fail(why, "not a host name");
	if (r == 0) {
		size_t n = strlen(name);

		for (size_t i = 0; i <= n; i++)
			h->host[i] = ascii_lower(name[i]);
	}
	mem_free(name);
	return r;
}

static int
set_port(struct hop *h, struct slice text, const char **why)
{
	uint64_t port;

	if (num_u64(text, 65535, &port) != 0 || port == 0)
		return fail(why, "not a port");
	h->port = (uint16_t)port;
	return 0;
}

static int
parse_bracketed(struct hop *h, struct slice text, const char **why)
{
	ssize_t end = slice_find(text, ']');
	struct slice inside, rest;
	bool tagged;

	if (end == -1)
		return fail(why, "] is missing");
	inside = slice_head(text, (size_t)end);
	rest = slice_from(text, (size_t)end + 1);
	if (rest.n > 0 && rest.p[0] != ':')
		return fail(why, "text behind ]");
	if (rest.n > 0 && set_port(h, slice_from(rest, 1), why) != 0)
		return -1;
	/* RFC 5321 4.1.3 */
	tagged = slice_istarts(inside, S("IPv6:"));
	if (tagged)
		inside = slice_from(inside, 5);
	if (sockaddr_parse(&h->addr, inside, 0) == 0) {
		char ip[SOCKADDR_TEXT];

		h->literal = true;
		snprintf(h->host, sizeof(h->host), "%s",
		    sockaddr_ip(&h->addr, ip));
		return 0;
	}
	return tagged ? fail(why, "not an address") :
	    set_host(h, inside, why);
}

int
hop_parse(struct hop *h, struct slice text, const char **why)
{
	ssize_t colon;

	*h = (struct hop){ 0 };
	if (text.n > 0 && text.p[0] == '[')
		return parse_bracketed(h, slice_from(text, 1), why);
	h->mx = true;
	colon = slice_rfind(text, ':');
	if (colon != -1) {
		if (set_port(h, slice_from(text, (size_t)colon + 1), why) != 0)
			return -1;
		text = slice_head(text, (size_t)colon);
	}
	return set_host(h, text, why);
}

static int
mx_order(const void *pa, const void *pb)
{
	const struct mx *a = pa, *b = pb;

	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	return (a->draw > b->draw) - (a->draw < b->draw);
}

/* Drops ourselves and what is not preferred to us (RFC 5321 5.1). */
static void
drop_ourselves(struct mx_list *l, const char *ourselves)
{
	size_t keep = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!slice_ieq(slice_str(l->mx[i].host), slice_str(ourselves)))
			continue;
		l->self = true;
		while (keep < l->n &&
		    l->mx[keep].preference < l->mx[i].preference)
			keep++;
		l->n = keep;
		return;
	}
}

void
mx_list_set(struct mx_list *l, const struct wire_dns_answer *a,
    const char *ourselves)
{
	struct buf host = BUF_INIT(HOP_HOST - 1);

	l->n = 0;
	l->null_mx = l->self = false;
	for (uint32_t i = 0; i < a->count && l->n < LEN(l->mx); i++) {
		struct mx *mx = &l->mx[l->n];

		buf_clear(&host);
		if (wire_dns_mx(a->rdata[i], &mx->preference, &host) != 0)
			continue;
		if (host.n == 0) {
			/* RFC 7505 3: it stands alone or means nothing. */
			l->null_mx = a->count == 1;
			continue;
		}
		if (!host_valid(buf_slice(&host)))
			continue;
		memcpy(mx->host, buf_str(&host), host.n + 1);
		mx->draw = (uint32_t)rand_below(UINT32_MAX);
		l->n++;
	}
	buf_release(&host);
	qsort(l->mx, l->n, sizeof(l->mx[0]), mx_order);
	drop_ourselves(l, ourselves);
	if (l->n > HOP_MX)
		l->n = HOP_MX;
}

/* 0.0.0.0 and :: would be this host. */
static bool
is_unspecified(struct slice rdata)
{
	for (size_t i = 0; i < rdata.n; i++)
		if (rdata.p[i] != 0)
			return false;
	return true;
}

/* The i-th address of an answer; false if there is none. */
static bool
take_address(union sockaddr_any *out, const struct wire_dns_answer *a,
    size_t i, int family, uint16_t port)
{
	size_t length = family == AF_INET6 ? 16 : 4;

	if (a == NULL || i >= a->count || a->rdata[i].n != length ||
	    is_unspecified(a->rdata[i]))
		return false;
	memset(out, 0, sizeof(*out));
	if (family == AF_INET6) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(port);
		memcpy(&out->in6.sin6_addr, a->rdata[i].p, length);
	} else {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		memcpy(&out->in.sin_addr, a->rdata[i].p, length);
	}
	return true;
}

size_t
hop_addresses(union sockaddr_any out[HOP_ADDRESSES],
    const struct wire_dns_answer *v6, const struct wire_dns_answer *v4,
    uint16_t port)
{
	size_t n = 0;

	for (size_t i = 0; i < LIMIT_DNS_ANSWERS; i++) {
		if (n < HOP_ADDRESSES &&
		    take_address(&out[n], v6, i, AF_INET6, port))
			n++;
		if (n < HOP_ADDRESSES &&
		    take_address(&out[n], v4, i, AF_INET, port))
			n++;
	}
	return n;
}
