/* setup dns check: the records that are not about who sends. */
#include "setup/check.h"

#define TEXTS 2

static bool
is_address(struct slice name)
{
	struct spf_ip ip;

	return spf_ip_parse(&ip, name) == 0;
}

/* A host that the MX records name: not an address, not an alias, and there.
 * False after a finding. */
static bool
check_exchanger(struct check *c, const struct record *r, struct slice host)
{
	const struct wire_dns_answer *a;

	if (is_address(host)) {
		/* RFC 5321 5.1: a domain name. */
		check_add(c, CHECK_WRONG, "MX", r->name, DNS_MX,
		    "It names the address %.*s; it must name a host.",
		    SLICE_ARG(host));
		check_publish(c, r);
		return false;
	}
	a = check_ask(c, host, DNS_A);
	if (a->canonical.n > 0 && !slice_ieq(a->canonical, host)) {
		/* RFC 2181 10.3, RFC 5321 5.1. */
		check_add(c, CHECK_WRONG, "MX", r->name, DNS_MX,
		    "%.*s is an alias (CNAME) of %.*s; some servers do not "
		    "deliver to an alias.", SLICE_ARG(host),
		    SLICE_ARG(a->canonical));
		check_change(c, "give %.*s an A record in place of the CNAME, "
		    "or let the MX name %.*s", SLICE_ARG(host),
		    SLICE_ARG(a->canonical));
		return false;
	}
	if (a->count == 0 && check_unanswered(c, a, "MX", host, DNS_A))
		return false;
	if (a->count == 0 && !check_has_address(c, host)) {
		check_add(c, CHECK_WRONG, "MX", r->name, DNS_MX,
		    "%.*s has no address.", SLICE_ARG(host));
		check_change(c, "publish the address of %.*s, or let the MX "
		    "name another host", SLICE_ARG(host));
		return false;
	}
	return true;
}

void
check_mx(struct check *c, const struct record *r)
{
	struct slice ours = slice_str(c->records->conf->hostname);
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_MX);
	bool good = true, found = false;
	struct buf host = BUF_INIT(512), list = BUF_INIT(32768);

	for (uint32_t i = 0; i < a->count; i++) {
		uint16_t preference;

		buf_clear(&host);
		if (wire_dns_mx(a->rdata[i], &preference, &host) != 0)
			continue;
		buf_addf(&list, "%s%u %s", list.n > 0 ? ", " : "", preference,
		    host.n > 0 ? buf_str(&host) : ".");
		found = found || slice_ieq(buf_slice(&host), ours);
		/* Null MX (RFC 7505) names nobody. */
		if (host.n > 0 && !check_exchanger(c, r, buf_slice(&host)))
			good = false;
	}
	if (a->count == 0) {
		if (check_unanswered(c, a, "MX", r->name, DNS_MX))
			goto out;
		check_add(c, CHECK_MISSING, "MX", r->name, DNS_MX,
		    "Nothing says which host takes the mail of the domain.");
		check_publish(c, r);
	} else if (!found && good) {
		check_add(c, CHECK_WRONG, "MX", r->name, DNS_MX,
		    "Mail goes to another server: %s.", buf_str(&list));
		check_publish(c, r);
	} else if (good) {
		check_add(c, CHECK_RIGHT, "MX", r->name, DNS_MX, "%s",
		    buf_str(&list));
	}
out:
	buf_release(&host);
	buf_release(&list);
}

static void
missing(struct check *c, const struct record *r, const char *topic,
    const char *text)
{
	check_add(c, CHECK_MISSING, topic, r->name, r->type, "%s", text);
	check_publish(c, r);
}

/* A TXT record with a version and a tag that it must have. True if it has. */
static bool
check_tagged(struct check *c, const struct record *r, const char *topic,
    const char *version, const char *tag, const char *absent)
{
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_TXT);
	struct slice texts[TEXTS];
	size_t n = check_texts(c, a, version, texts, TEXTS);

	if (n == 0) {
		if (!check_unanswered(c, a, topic, r->name, DNS_TXT))
			missing(c, r, topic, absent);
	} else if (n > 1) {
		check_add(c, CHECK_WRONG, topic, r->name, DNS_TXT,
		    "There are %zu records, and with more than one none "
		    "counts.", n);
		check_publish(c, r);
	} else if (slice_ifind(texts[0], slice_str(tag)) < 0) {
		check_add(c, CHECK_WRONG, topic, r->name, DNS_TXT,
		    "\"%.*s\" has no %s.", SLICE_ARG(texts[0]), tag);
		check_publish(c, r);
	} else {
		check_add(c, CHECK_RIGHT, topic, r->name, DNS_TXT, "%.*s",
		    SLICE_ARG(texts[0]));
		return true;
	}
	return false;
}

/* RFC 2782: priority, weight, port, target. */
static bool
srv_parse(struct slice rdata, unsigned *port, struct buf *target)
{
	if (rdata.n < 7)
		return false;
	*port = (unsigned)(unsigned char)rdata.p[4] << 8 |
	    (unsigned char)rdata.p[5];
	return wire_dns_name(slice_from(rdata, 6), target) == 0;
}

static void
check_srv(struct check *c, const struct record *r)
{
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_SRV);
	struct buf target = BUF_INIT(512), want = BUF_INIT(512);
	struct buf got = BUF_INIT(32768);
	bool good = false;

	for (uint32_t i = 0; i < a->count; i++) {
		unsigned port;

		buf_clear(&target);
		buf_clear(&want);
		if (!srv_parse(a->rdata[i], &port, &target))
			continue;
		buf_addf(&want, "%u %s.", port, buf_str(&target));
		buf_addf(&got, "%s%s", got.n > 0 ? ", " : "", buf_str(&want));
		/* Priority and weight are the owner's choice. */
		good = good || (r->value.n > want.n &&
		    slice_iends(r->value, buf_slice(&want)) &&
		    r->value.p[r->value.n - want.n - 1] == ' ');
	}
	if (good) {
		check_add(c, CHECK_RIGHT, "SRV", r->name, DNS_SRV, "%s",
		    buf_str(&got));
	} else if (a->count > 0) {
		check_add(c, CHECK_WRONG, "SRV", r->name, DNS_SRV,
		    "It leads elsewhere: %s", buf_str(&got));
		check_publish(c, r);
	} else if (!check_unanswered(c, a, "SRV", r->name, DNS_SRV)) {
		missing(c, r, "SRV",
		    "Mail programs cannot find the server by themselves.");
	}
	buf_release(&target);
	buf_release(&want);
	buf_release(&got);
}

/* A name that must lead to a web server, ours or another. */
static void
check_web(struct check *c, const struct record *r, const char *topic,
    const char *absent)
{
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_A);

	if (a->count > 0 || check_has_address(c, r->name))
		check_add(c, CHECK_RIGHT, topic, r->name, DNS_A, NULL);
	else if (!check_unanswered(c, a, topic, r->name, DNS_A))
		missing(c, r, topic, absent);
}

void
check_service(struct check *c, const struct record *r)
{
	switch (r->kind) {
	case RECORD_MTA_STS:
		if (check_tagged(c, r, "MTA-STS", "v=STSv1", "id=",
		    "Servers that deliver to the domain do not insist on "
		    "TLS.") && c->connect)
			check_sts_policy(c, c->records->domain);
		break;
	case RECORD_MTA_STS_HOST:
		check_web(c, r, "MTA-STS",
		    "There is no host to fetch the policy from.");
		break;
	case RECORD_TLSRPT:
		(void)check_tagged(c, r, "TLSRPT", "v=TLSRPTv1", "rua=",
		    "Nobody reports when TLS to the server fails.");
		break;
	case RECORD_SRV:
		check_srv(c, r);
		break;
	case RECORD_AUTOCONFIG:
		check_web(c, r, "autoconfig",
		    "Mail programs find no settings there.");
		break;
	default:
		break;
	}
}
