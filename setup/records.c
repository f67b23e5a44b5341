#include "setup/records.h"

#include <arpa/inet.h>
#include <openssl/sha.h>

#include "setup/dkim_key.h"
#include "setup/dkim_tables.h"

#define TEXT_MAX 16384

const char *
records_purpose(enum record_kind kind)
{
	static const char *const text[RECORD_KINDS] = {
		[RECORD_ADDRESS] = "The address of the mail server.",
		[RECORD_HELO] =
		    "SPF of the host name: it sends mail in its own name, too.",
		[RECORD_TLSA] =
		    "DANE: the key of the certificate on port 25 (counts only "
		    "with DNSSEC).",
		[RECORD_CAA] = "CAA: who may issue certificates for the host.",
		[RECORD_MX] = "The host that takes the mail of the domain.",
		[RECORD_SPF] = "SPF: only that host sends mail of the domain.",
		[RECORD_DKIM] =
		    "DKIM: the key that signatures are checked with.",
		[RECORD_DMARC] =
		    "DMARC: what to do with mail that is not from here, and "
		    "where to report it.",
		[RECORD_MTA_STS] =
		    "MTA-STS: other servers may deliver over checked TLS only.",
		[RECORD_MTA_STS_HOST] =
		    "The name that MTA-STS fetches its policy from.",
		[RECORD_TLSRPT] =
		    "TLSRPT: where failures of TLS are reported.",
		[RECORD_SRV] = "Where mail programs find the server.",
		[RECORD_AUTOCONFIG] =
		    "Where mail programs look for their settings.",
	};

	return text[kind];
}

static struct record *
add(struct records *r, enum record_kind kind, uint32_t type,
    const char *name, const char *value)
{
	struct record *record;

	if ((r->n & (r->n - 1)) == 0)
		r->list = mem_grow(r->list, r->n == 0 ? 1 : r->n * 2,
		    sizeof(r->list[0]));
	record = &r->list[r->n++];
	*record = (struct record){ .kind = kind, .type = type,
		.name = slice_str(name), .value = slice_str(value) };
	return record;
}

/* "PREFIX.DOMAIN" */
static const char *
below(struct records *r, const char *prefix)
{
	return arena_printf(&r->arena, "%s.%.*s", prefix,
	    SLICE_ARG(r->domain));
}

static void
begin(struct records *r, struct slice domain)
{
	char *copy = arena_dup(&r->arena, domain);

	r->n = 0;
	for (size_t i = 0; i < domain.n; i++)
		copy[i] = ascii_lower(copy[i]);
	r->domain = slice_of(copy, domain.n);
}

static void
add_tlsa(struct records *r)
{
	for (size_t i = 0; i < r->served.n; i++) {
		struct buf text = BUF_INIT(256);

		/* RFC 7672 3.1.1: DANE-EE(3) SPKI(1) SHA2-256(1). */
		buf_adds(&text, "3 1 1 ");
		for (size_t b = 0; b < sizeof(r->served.list[i].spki); b++)
			buf_addf(&text, "%02x", r->served.list[i].spki[b]);
		add(r, RECORD_TLSA, DNS_TLSA, below(r, "_25._tcp"),
		    arena_dup(&r->arena, buf_slice(&text)));
		buf_release(&text);
	}
}

static void
add_caa(struct records *r)
{
	const char *name = r->domain.p;
	const char *seen = NULL;

	for (size_t i = 0; i < r->served.n; i++) {
		const char *authority = r->served.list[i].authority;

		if (authority != NULL &&
		    (seen == NULL || strcmp(authority, seen) != 0))
			add(r, RECORD_CAA, DNS_CAA, name,
			    arena_printf(&r->arena, "0 issue \"%s\"",
			    authority));
		if (authority != NULL)
			seen = authority;
	}
	if (seen == NULL && r->conf->ssl_type == CONF_SSL_LETSENCRYPT)
		add(r, RECORD_CAA, DNS_CAA, name, "0 issue \"letsencrypt.org\"");
	if (*r->conf->postmaster_address != '\0')
		add(r, RECORD_CAA, DNS_CAA, name, arena_printf(&r->arena,
		    "0 iodef \"mailto:%s\"", r->conf->postmaster_address));
}

void
records_of_host(struct records *r, const char *const *addresses, size_t n)
{
	begin(r, slice_str(r->conf->hostname));
	for (size_t i = 0; i < n; i++)
		add(r, RECORD_ADDRESS, strchr(addresses[i], ':') != NULL ?
		    DNS_AAAA : DNS_A, r->domain.p, addresses[i]);
	if (n == 0) {
		add(r, RECORD_ADDRESS, DNS_A, r->domain.p, "");
		add(r, RECORD_ADDRESS, DNS_AAAA, r->domain.p, "");
	}
	/* RFC 7208 10.1.2: for bounces, which have no sender but HELO. */
	if (!r->host_is_domain)
		add(r, RECORD_HELO, DNS_TXT, r->domain.p, "v=spf1 a -all");
	add_tlsa(r);
	add_caa(r);
}

/* The domain whose keys sign mail of this one: itself, or where it has none, as
 * the server does it (conf_dkim_match), one above. */
static struct slice
signing_domain(const struct records *r)
{
	struct buf address = BUF_INIT(LIMIT_ADDRESS + 1);
	const struct conf_dkim_rule *rule;

	for (size_t i = 0; i < r->dkim.key_count; i++)
		if (slice_ieq(r->dkim.keys[i].domain, r->domain))
			return r->domain;
	buf_addf(&address, "postmaster@%.*s", SLICE_ARG(r->domain));
	rule = conf_dkim_match(&r->dkim, buf_slice(&address));
	buf_release(&address);
	return rule != NULL && domains_is_below(r->domain, rule->key->domain) ?
	    rule->key->domain : r->domain;
}

/* With a selector only keys of that one. */
static void
add_dkim(struct records *r, const char *selector)
{
	struct slice domain = signing_domain(r);
	struct buf p = BUF_INIT(8192);

	for (size_t i = 0; i < r->dkim.key_count; i++) {
		const struct conf_dkim_key *k = &r->dkim.keys[i];
		struct record *record;
		const char *type = NULL, *value = "";
		EVP_PKEY *key;

		bool any = slice_eq(k->domain, S("%"));

		if (!any && !slice_ieq(k->domain, domain))
			continue;
		if (selector != NULL &&
		    !slice_ieq(k->selector, slice_str(selector)))
			continue;
		key = dkim_key_load(k->path);
		buf_clear(&p);
		if (key != NULL && dkim_key_public(key, &p, &type) == 0)
			value = arena_printf(&r->arena,
			    "v=DKIM1; h=sha256; k=%s; p=%s", type,
			    buf_str(&p));
		record = add(r, RECORD_DKIM, DNS_TXT, arena_printf(&r->arena,
		    "%.*s._domainkey.%.*s", SLICE_ARG(k->selector),
		    SLICE_ARG(any ? r->domain : domain)), value);
		record->key = k->path;
		record->signs = conf_dkim_rule_of(&r->dkim, k) != NULL;
		EVP_PKEY_free(key);
	}
	buf_release(&p);
}

/* Is there a certificate, and each is of an authority? */
static bool
has_authority(const struct served *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].self_signed)
			return false;
	return s->n > 0;
}

void
records_mta_sts_policy(const struct records *r, const char *prefix,
    struct buf *out)
{
	buf_addf(out, "%sversion: STSv1\n%smode: %s\n%smx: %s\n"
	    "%smax_age: 604800\n", prefix, prefix,
	    has_authority(&r->served) ? "enforce" : "testing", prefix,
	    r->conf->hostname, prefix);
}

/* RFC 8461 3.1: id= changes with the policy. */
static void
add_mta_sts(struct records *r)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct buf policy = BUF_INIT(1024);

	records_mta_sts_policy(r, "", &policy);
	SHA256((const unsigned char *)policy.p, policy.n, hash);
	buf_release(&policy);
	add(r, RECORD_MTA_STS, DNS_TXT, below(r, "_mta-sts"),
	    arena_printf(&r->arena, "v=STSv1; id=%02x%02x%02x%02x%02x%02x",
	    hash[0], hash[1], hash[2], hash[3], hash[4], hash[5]));
	add(r, RECORD_MTA_STS_HOST, DNS_CNAME, below(r, "mta-sts"),
	    arena_printf(&r->arena, "%s.", r->conf->hostname));
}

static bool
imap_is_on(const struct conf *c)
{
	return c->enable_imap && !c->smtp_only;
}

static void
add_services(struct records *r)
{
	static const struct {
		const char *name;
		unsigned priority, port;
		bool imap;
	} services[] = {
		{ "_submissions._tcp", 0, 465, false }, /* RFC 8314 5.1 */
		{ "_submission._tcp", 10, 587, false }, /* RFC 6186 3.1 */
		{ "_imaps._tcp", 0, 993, true },
		{ "_imap._tcp", 10, 143, true },
	};
	static const char *const names[] = { "autoconfig", "autodiscover" };

	for (size_t i = 0; i < LEN(services); i++)
		if (!services[i].imap || imap_is_on(r->conf))
			add(r, RECORD_SRV, DNS_SRV, below(r, services[i].name),
			    arena_printf(&r->arena, "%u 1 %u %s.",
			    services[i].priority, services[i].port +
			    (unsigned)r->conf->port_base, r->conf->hostname));
	for (size_t i = 0; i < LEN(names) && imap_is_on(r->conf); i++)
		add(r, RECORD_AUTOCONFIG, DNS_CNAME, below(r, names[i]),
		    arena_printf(&r->arena, "%s.", r->conf->hostname));
}

void
records_of_domain(struct records *r, struct slice domain)
{
	begin(r, domain);
	add(r, RECORD_MX, DNS_MX, r->domain.p, arena_printf(&r->arena,
	    "10 %s.", r->conf->hostname));
	/* A name has one SPF record, not two (RFC 7208 3.2). */
	add(r, RECORD_SPF, DNS_TXT, r->domain.p,
	    slice_ieq(r->domain, slice_str(r->conf->hostname)) ?
	    "v=spf1 a mx -all" : "v=spf1 mx -all");
	add_dkim(r, NULL);
	/* Postmaster exists in every domain of ours, so that no consent of
	 * another is needed (RFC 7489 7.1). */
	add(r, RECORD_DMARC, DNS_TXT, below(r, "_dmarc"),
	    arena_printf(&r->arena, "v=DMARC1; p=quarantine; "
	    "rua=mailto:postmaster@%.*s", SLICE_ARG(r->domain)));
	add_mta_sts(r);
	add(r, RECORD_TLSRPT, DNS_TXT, below(r, "_smtp._tls"),
	    arena_printf(&r->arena, "v=TLSRPTv1; rua=mailto:postmaster@%.*s",
	    SLICE_ARG(r->domain)));
	add_services(r);
}

void
records_of_keys(struct records *r, struct slice domain, const char *selector)
{
	begin(r, domain);
	add_dkim(r, selector);
}

int
records_load(const struct setup *s, const struct domains *d, struct records *r)
{
	*r = (struct records){ .conf = &s->conf };
	for (size_t i = 0; i < d->n; i++)
		if (slice_ieq(d->list[i], slice_str(s->conf.hostname)))
			r->host_is_domain = true;
	conf_dkim_init(&r->dkim);
	served_load(&s->conf, &r->served);
	return dkim_tables_load(s, &r->dkim);
}

int
records_load_keys(const struct setup *s, struct records *r)
{
	*r = (struct records){ .conf = &s->conf };
	conf_dkim_init(&r->dkim);
	return dkim_tables_load(s, &r->dkim);
}

void
records_release(struct records *r)
{
	mem_free(r->list);
	conf_dkim_release(&r->dkim);
	arena_release(&r->arena);
}
