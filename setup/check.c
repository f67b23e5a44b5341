#include "setup/check.h"

#include "core/now.h"
#include "core/num.h"
#include "setup/zone.h"

#define NAMES_MAX 20 /* reverse names of one address that are looked at */
#define CAA_CLIMB 10 /* RFC 8659 3: labels above the host */

void
check_release(struct check *c)
{
	mem_free(c->list);
	arena_release(&c->arena);
}

static const char *
format(struct check *c, const char *text, va_list ap)
{
	struct buf b = BUF_INIT(65536);
	const char *copy;

	buf_vaddf(&b, text, ap);
	/* What strangers published goes to a terminal. */
	for (size_t i = 0; i < b.n; i++)
		if ((unsigned char)b.p[i] < ' ' || b.p[i] == 0x7f)
			b.p[i] = '?';
	copy = arena_dup(&c->arena, buf_slice(&b));
	buf_release(&b);
	return copy;
}

void
check_add(struct check *c, enum check_state state, const char *topic,
    struct slice name, uint32_t type, const char *text, ...)
{
	struct finding *f;
	va_list ap;

	if ((c->n & (c->n - 1)) == 0)
		c->list = mem_grow(c->list, c->n == 0 ? 1 : c->n * 2,
		    sizeof(c->list[0]));
	f = &c->list[c->n++];
	*f = (struct finding){ .state = state, .topic = topic,
		.name = arena_dup(&c->arena, name),
		.type = type != 0 ? lookup_type(type) : "" };
	if (text == NULL)
		return;
	va_start(ap, text);
	f->text = format(c, text, ap);
	va_end(ap);
}

void
check_change(struct check *c, const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	c->list[c->n - 1].change = format(c, text, ap);
	va_end(ap);
}

void
check_publish(struct check *c, const struct record *record)
{
	struct buf b = BUF_INIT(65536);

	if (record->type == DNS_TXT)
		zone_strings(record->value, &b);
	else
		buf_add_slice(&b, record->value);
	check_change(c, "publish: %.*s. IN %s %s", SLICE_ARG(record->name),
	    lookup_type(record->type), buf_str(&b));
	buf_release(&b);
}

const struct wire_dns_answer *
check_ask(struct check *c, struct slice name, uint32_t type)
{
	const struct wire_dns_answer *a = lookup_name(c->lookup, name, type);
	struct wire_dns_answer *copy = arena_alloc(&c->arena, sizeof(*copy));

	*copy = *a;
	copy->canonical = arena_slice(&c->arena, a->canonical);
	for (uint32_t i = 0; i < a->count; i++)
		copy->rdata[i] = arena_slice(&c->arena, a->rdata[i]);
	return copy;
}

bool
check_unanswered(struct check *c, const struct wire_dns_answer *a,
    const char *topic, struct slice name, uint32_t type)
{
	if (a->status == WIRE_DNS_BOGUS) {
		check_add(c, CHECK_WRONG, topic, name, type,
		    "DNSSEC says that the answer is forged: the signatures of "
		    "the zone are broken.");
		check_change(c, "have the zone signed anew, or take its DS "
		    "record away");
		return true;
	}
	if (a->status != WIRE_DNS_SERVFAIL)
		return false;
	check_add(c, CHECK_UNKNOWN, topic, name, type,
	    "The DNS gave no answer.");
	check_change(c, "see whether the name servers of the domain work, and "
	    "check again");
	return true;
}

size_t
check_records(struct check *c, const struct wire_dns_answer *a, check_is *is,
    const char *version, struct slice *texts, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		struct buf text = BUF_INIT(LIMIT_FRAME);

		if (wire_dns_txt(a->rdata[i], &text) == 0 &&
		    is(buf_slice(&text), version)) {
			if (n < max)
				texts[n] = arena_slice(&c->arena,
				    buf_slice(&text));
			n++;
		}
		buf_release(&text);
	}
	return n;
}

static bool
has_version(struct slice text, const char *version)
{
	size_t n = strlen(version);

	return slice_istarts(text, slice_str(version)) && (text.n == n ||
	    text.p[n] == ' ' || text.p[n] == ';' || text.p[n] == '\t');
}

size_t
check_texts(struct check *c, const struct wire_dns_answer *a,
    const char *version, struct slice *texts, size_t max)
{
	return check_records(c, a, has_version, version, texts, max);
}

struct slice
check_below(struct check *c, const char *prefix, struct slice name)
{
	return slice_str(arena_printf(&c->arena, "%s.%.*s", prefix,
	    SLICE_ARG(name)));
}

static size_t
take_addresses(const struct wire_dns_answer *a, bool v6, struct spf_ip *ips,
    size_t n, size_t max)
{
	for (uint32_t i = 0; i < a->count && n < max; i++) {
		if (a->rdata[i].n != (v6 ? 16u : 4u))
			continue;
		ips[n] = (struct spf_ip){ .v6 = v6 };
		memcpy(ips[n++].bytes, a->rdata[i].p, a->rdata[i].n);
	}
	return n;
}

size_t
check_addresses(struct check *c, struct slice name, struct spf_ip *ips,
    size_t max)
{
	size_t n = take_addresses(check_ask(c, name, DNS_A), false, ips, 0,
	    max);

	return take_addresses(check_ask(c, name, DNS_AAAA), true, ips, n, max);
}

bool
check_has_address(struct check *c, struct slice name)
{
	struct spf_ip ip;

	return check_addresses(c, name, &ip, 1) > 0;
}

/* --- the host */

static const char *
text_of(struct check *c, const struct spf_ip *ip)
{
	struct buf b = BUF_INIT(64);
	const char *text;

	spf_ip_text(ip, &b);
	text = arena_dup(&c->arena, buf_slice(&b));
	buf_release(&b);
	return text;
}

/* Addresses that nobody on the Internet can reach. */
static bool
is_private(const struct spf_ip *ip)
{
	const unsigned char *b = ip->bytes;

	if (ip->v6)
		return (b[0] & 0xfe) == 0xfc || b[0] == 0xfe ||
		    (num_be32(b) == 0 && num_be32(b + 4) == 0);
	return b[0] == 10 || b[0] == 127 || (b[0] == 192 && b[1] == 168) ||
	    (b[0] == 172 && (b[1] & 0xf0) == 16) ||
	    (b[0] == 100 && (b[1] & 0xc0) == 64) ||
	    (b[0] == 169 && b[1] == 254);
}

static void
check_host_address(struct check *c)
{
	struct slice host = c->records->domain;
	const struct wire_dns_answer *a = check_ask(c, host, DNS_A), *b;
	struct buf list = BUF_INIT(4096);
	bool private = false;

	c->host_is_alias = a->status == WIRE_DNS_OK && a->canonical.n > 0 &&
	    !slice_ieq(a->canonical, host);
	c->address_count = take_addresses(a, false, c->addresses, 0,
	    CHECK_ADDRESSES);
	b = check_ask(c, host, DNS_AAAA);
	c->address_count = take_addresses(b, true, c->addresses,
	    c->address_count, CHECK_ADDRESSES);
	if (c->address_count == 0) {
		if (check_unanswered(c, a, "address", host, DNS_A))
			return;
		check_add(c, CHECK_MISSING, "address", host, DNS_A,
		    "The host name of the mail server has no address.");
		check_change(c, "publish: %.*s. IN A with the public IPv4 "
		    "address of the server", SLICE_ARG(host));
		return;
	}
	for (size_t i = 0; i < c->address_count; i++) {
		buf_addf(&list, "%s%s", i > 0 ? ", " : "",
		    text_of(c, &c->addresses[i]));
		private = private || is_private(&c->addresses[i]);
	}
	check_add(c, private ? CHECK_HINT : CHECK_RIGHT, "address", host,
	    c->addresses[0].v6 ? DNS_AAAA : DNS_A, "%s%s", buf_str(&list),
	    private ? ": an address of a private network is among them, which "
	    "nobody on the Internet can reach." : "");
	buf_release(&list);
}

static bool
same_ip(const struct spf_ip *a, const struct spf_ip *b)
{
	return a->v6 == b->v6 && memcmp(a->bytes, b->bytes,
	    a->v6 ? 16 : 4) == 0;
}

static bool
leads_back(struct check *c, struct slice name, const struct spf_ip *ip)
{
	struct spf_ip ips[CHECK_ADDRESSES];
	size_t n = check_addresses(c, name, ips, CHECK_ADDRESSES);

	for (size_t i = 0; i < n; i++)
		if (same_ip(&ips[i], ip))
			return true;
	return false;
}

/* Forward-confirmed reverse DNS. True if it holds. */
static bool
check_reverse(struct check *c, const struct spf_ip *ip)
{
	struct slice host = slice_str(c->records->conf->hostname);
	const char *address = text_of(c, ip);
	const struct wire_dns_answer *a;
	struct buf b = BUF_INIT(512);
	struct slice name, other = { 0 };
	bool ours = false, confirmed = false;

	spf_ip_reverse(ip, &b);
	name = arena_slice(&c->arena, buf_slice(&b));
	a = check_ask(c, name, DNS_PTR);
	for (uint32_t i = 0; i < a->count && i < NAMES_MAX; i++) {
		buf_clear(&b);
		if (wire_dns_name(a->rdata[i], &b) != 0)
			continue;
		if (slice_ieq(buf_slice(&b), host)) {
			ours = true;
			break;
		}
		other = arena_slice(&c->arena, buf_slice(&b));
		confirmed = confirmed || leads_back(c, other, ip);
	}
	buf_release(&b);
	if (ours) {
		check_add(c, CHECK_RIGHT, "reverse name", name, DNS_PTR,
		    "%s is %.*s.", address, SLICE_ARG(host));
		return true;
	}
	if (check_unanswered(c, a, "reverse name", name, DNS_PTR))
		return false;
	if (other.n == 0)
		check_add(c, CHECK_MISSING, "reverse name", name, DNS_PTR,
		    "%s has no reverse name; many servers refuse mail from "
		    "such addresses.", address);
	else if (confirmed)
		check_add(c, CHECK_HINT, "reverse name", name, DNS_PTR,
		    "%s is %.*s, not the name that the mail server greets "
		    "with.", address, SLICE_ARG(other));
	else
		check_add(c, CHECK_WRONG, "reverse name", name, DNS_PTR,
		    "%s is %.*s, a name that does not lead back to it.",
		    address, SLICE_ARG(other));
	check_change(c, "ask the owner of %s, your provider, to set its "
	    "reverse name (PTR) to %.*s", address, SLICE_ARG(host));
	return confirmed;
}

static void
check_certificate(struct check *c)
{
	const struct served *s = &c->records->served;
	struct slice host = c->records->domain;
	int64_t now = now_wall();
	bool bad = s->n == 0, self_signed = false;

	if (bad) {
		check_add(c, CHECK_WRONG, "TLS", host, 0,
		    "There is no certificate that can be read.");
		check_change(c, "see 'setup config check'");
	}
	for (size_t i = 0; i < s->n && !bad; i++) {
		bad = s->list[i].ends <= now || !s->list[i].names_host;
		self_signed = self_signed || s->list[i].self_signed;
		if (!bad)
			continue;
		check_add(c, CHECK_WRONG, "TLS", host, 0,
		    s->list[i].ends <= now ? "The certificate has expired." :
		    "The certificate is not for this name.");
		check_change(c, "get a certificate for %.*s",
		    SLICE_ARG(host));
	}
	c->bulk[BULK_TLS] = !bad;
	if (bad)
		return;
	check_add(c, self_signed ? CHECK_HINT : CHECK_RIGHT, "TLS", host, 0,
	    self_signed ? "The certificate is self-made: mail programs "
	    "warn of it, and MTA-STS does not accept it." :
	    "The certificate is for this name.");
	if (self_signed)
		check_change(c, "get one of an authority (SSL_TYPE)");
}

static bool
is_published(const struct wire_dns_answer *a, const struct served_cert *cert)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (a->rdata[i].n == 35 &&
		    memcmp(a->rdata[i].p, "\3\1\1", 3) == 0 &&
		    memcmp(a->rdata[i].p + 3, cert->spki, 32) == 0)
			return true;
	return false;
}

static void
check_tlsa(struct check *c, const struct record *r)
{
	const struct served *s = &c->records->served;
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_TLSA);
	bool match = true;

	if (a->count == 0) {
		if (check_unanswered(c, a, "TLSA", r->name, DNS_TLSA))
			return;
		/* Without a signed zone it has no effect (RFC 7672 2.1). */
		check_add(c, CHECK_HINT, "TLSA", r->name, DNS_TLSA,
		    "There is none; it counts only if the zone is signed with "
		    "DNSSEC.");
		check_publish(c, r);
		return;
	}
	/* Either key may be what a server is shown. */
	for (size_t i = 0; i < s->n; i++)
		match = match && is_published(a, &s->list[i]);
	check_add(c, match ? CHECK_RIGHT : CHECK_WRONG, "TLSA", r->name,
	    DNS_TLSA, match ? NULL : "It is not for the key of the certificate "
	    "that is served: servers that do DANE will not deliver.");
	if (!match)
		check_publish(c, r);
}

static bool
caa_allows(const struct wire_dns_answer *a, struct slice authority)
{
	bool any = false;

	for (uint32_t i = 0; i < a->count; i++) {
		struct slice rdata = a->rdata[i], value;
		size_t tag;

		/* RFC 8659 4.1: flags, length of the tag, tag, value. */
		if (rdata.n < 2)
			continue;
		tag = (unsigned char)rdata.p[1];
		if (rdata.n < tag + 2 ||
		    !slice_ieq(slice_of(rdata.p + 2, tag), S("issue")))
			continue;
		any = true;
		rdata = slice_from(rdata, tag + 2);
		if (slice_split(&rdata, ';', &value) &&
		    slice_ieq(slice_trim(value), authority))
			return true;
	}
	return !any;
}

/* What the records that are found first above the host say (RFC 8659 3). */
static void
check_caa(struct check *c, const struct record *r)
{
	struct slice name = c->records->domain;
	const struct wire_dns_answer *a = check_ask(c, name, DNS_CAA);
	struct slice authority = { 0 }, rest = r->value;
	ssize_t dot;

	if (slice_istarts(rest, S("0 issue \"")))
		authority = slice_of(rest.p + 9, rest.n - 10);
	for (int i = 0; i < CAA_CLIMB && a->count == 0 &&
	    (dot = slice_find(name, '.')) > 0; i++) {
		name = slice_from(name, (size_t)dot + 1);
		a = check_ask(c, name, DNS_CAA);
	}
	if (a->count == 0) {
		if (check_unanswered(c, a, "CAA", r->name, DNS_CAA))
			return;
		check_add(c, CHECK_MISSING, "CAA", r->name, DNS_CAA,
		    "Any authority may issue certificates for the host.");
		check_publish(c, r);
	} else if (authority.n > 0 && !caa_allows(a, authority)) {
		check_add(c, CHECK_WRONG, "CAA", name, DNS_CAA,
		    "It forbids %.*s to renew the certificate.",
		    SLICE_ARG(authority));
		check_publish(c, r);
	} else {
		check_add(c, CHECK_RIGHT, "CAA", name, DNS_CAA, NULL);
	}
}

void
check_host(struct check *c)
{
	bool done[RECORD_KINDS] = { false };
	struct records *r = c->records;

	records_of_host(r, NULL, 0);
	check_host_address(c);
	c->bulk[BULK_REVERSE] = c->address_count > 0;
	for (size_t i = 0; i < c->address_count; i++)
		if (!check_reverse(c, &c->addresses[i]))
			c->bulk[BULK_REVERSE] = false;
	check_certificate(c);
	if (c->connect)
		check_smtp(c);
	for (size_t i = 0; i < r->n; i++) {
		enum record_kind kind = r->list[i].kind;

		if (done[kind])
			continue;
		done[kind] = true;
		if (kind == RECORD_HELO)
			check_spf(c, &r->list[i]);
		else if (kind == RECORD_TLSA)
			check_tlsa(c, &r->list[i]);
		else if (kind == RECORD_CAA)
			check_caa(c, &r->list[i]);
	}
}

void
check_domain(struct check *c, struct slice domain)
{
	struct records *r = c->records;

	records_of_domain(r, domain);
	for (int i = 0; i < BULK_REVERSE; i++)
		c->bulk[i] = false;
	c->dkim_above = c->dkim_strict = false;
	for (size_t i = 0; i < r->n; i++) {
		const struct record *record = &r->list[i];

		switch (record->kind) {
		case RECORD_MX:
			check_mx(c, record);
			break;
		case RECORD_SPF:
			check_spf(c, record);
			check_dkim(c);
			break;
		case RECORD_DMARC:
			check_dmarc(c, record);
			break;
		case RECORD_DKIM:
			break;
		default:
			check_service(c, record);
		}
	}
}
