/*
 * setup dns check: what the records lead to. The mail server on port 25 as
 * others see it, and the policy file of MTA-STS. That a network does not let us
 * try is no finding against either.
 */
#include "setup/check.h"

#include "core/num.h"
#include "setup/dial.h"
#include "setup/peer_cert.h"
#include "setup/sts_policy.h"

#define SMTP_ADDRESSES 4   /* of the host that are tried */
#define STS_ADDRESSES 3
#define REPLY_LINES 100    /* of one SMTP reply */
#define STS_SHORT 86400    /* RFC 8461 10.2 wants weeks */

static void
sockaddr_of(const struct spf_ip *ip, uint16_t port, union sockaddr_any *out)
{
	*out = (union sockaddr_any){ 0 };
	if (ip->v6) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(port);
		memcpy(&out->in6.sin6_addr, ip->bytes, 16);
	} else {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		memcpy(&out->in.sin_addr, ip->bytes, 4);
	}
}

/* --- port 25 */

/* One reply; the name behind the code of its first line, and whether a line is
 * STARTTLS. Its code, or -1 with *why. */
static int
read_reply(struct dial *d, struct buf *name, bool *starttls, const char **why)
{
	struct buf line = BUF_INIT(DIAL_MAX);
	bool more = true;
	int code = -1;

	for (int i = 0; more && i < REPLY_LINES; i++) {
		struct slice s, word;
		uint64_t n;

		buf_clear(&line);
		code = -1;
		if (dial_line(d, &line, why) != 0)
			break;
		s = buf_slice(&line);
		if (num_take(&s, 599, &n) != 0 || n < 200) {
			*why = "what answers there does not speak SMTP";
			break;
		}
		code = (int)n;
		more = s.n > 0 && s.p[0] == '-';
		s = slice_from(s, s.n > 0 ? 1 : 0);
		if (slice_ieq(slice_trim(s), S("STARTTLS")))
			*starttls = true;
		if (i == 0 && slice_word(&s, &word)) {
			buf_clear(name);
			buf_add_slice(name, word);
		}
	}
	buf_release(&line);
	return code;
}

/* 0, or -1 with *why if the dialogue did not get as far as it should. */
static int
talk(const struct check *c, struct dial *d, struct buf *name, bool *starttls,
    enum peer_cert *cert, const char **why)
{
	const char *host = c->records->conf->hostname;
	struct buf text = BUF_INIT(1024), der = BUF_INIT(DIAL_MAX);
	struct buf ignored = BUF_INIT(DIAL_MAX);
	int r = -1, code = read_reply(d, name, starttls, why);

	buf_addf(&text, "EHLO %s\r\n", host);
	if (code == 220) {
		dial_write(d, buf_slice(&text));
		code = read_reply(d, &ignored, starttls, why);
		if (code == 250)
			r = 0;
	}
	if (r == -1 && code != -1)
		*why = "it refuses to talk to this host";
	if (r == 0 && *starttls) {
		dial_write(d, S("STARTTLS\r\n"));
		r = -1;
		if (read_reply(d, &ignored, starttls, why) == 220 &&
		    dial_tls(d, host, why) == 0) {
			dial_peer(d, &der);
			*cert = peer_cert_judge(buf_slice(&der), host);
			r = 0;
		}
	}
	buf_release(&text);
	buf_release(&der);
	buf_release(&ignored);
	return r;
}

static void
judge_smtp(struct check *c, const char *address, const struct buf *name,
    bool starttls, enum peer_cert cert)
{
	struct slice host = c->records->domain;

	if (!slice_ieq(buf_slice(name), host)) {
		check_add(c, CHECK_WRONG, "port 25", host, 0, "%s greets as "
		    "%s, which is not the name of this mail server.", address,
		    name->n > 0 ? buf_str(name) : "nobody");
		check_change(c, "let %.*s lead to this mail server, or "
		    "OVERRIDE_HOSTNAME be the name that it has",
		    SLICE_ARG(host));
	} else if (!starttls) {
		c->bulk[BULK_TLS] = false;
		check_add(c, CHECK_WRONG, "port 25", host, 0, "%s does not "
		    "offer TLS (STARTTLS).", address);
		check_change(c, "see whether a firewall or another mail server "
		    "is in between");
	} else if (cert == PEER_CERT_GOOD) {
		check_add(c, CHECK_RIGHT, "port 25", host, 0, "%s answers with "
		    "its name and a good certificate.", address);
	} else {
		bool self = cert == PEER_CERT_UNTRUSTED;

		if (!self)
			c->bulk[BULK_TLS] = false;
		check_add(c, self ? CHECK_HINT : CHECK_WRONG, "port 25", host,
		    0, "%s answers with its name; the certificate %s.",
		    address, peer_cert_text(cert));
		check_change(c, "get a certificate for %.*s of an authority",
		    SLICE_ARG(host));
	}
}

void
check_smtp(struct check *c)
{
	for (size_t i = 0; i < c->address_count && i < SMTP_ADDRESSES; i++) {
		struct buf name = BUF_INIT(DIAL_MAX), ip = BUF_INIT(64);
		enum peer_cert cert = PEER_CERT_NONE;
		const char *why = "it does not answer";
		bool starttls = false;
		union sockaddr_any to;
		struct dial *d;

		spf_ip_text(&c->addresses[i], &ip);
		sockaddr_of(&c->addresses[i], c->smtp_port, &to);
		d = dial_open(&to, &why);
		if (d == NULL) {
			check_add(c, CHECK_HINT, "port 25", c->records->domain,
			    0, "%s could not be tried from here: %s.",
			    buf_str(&ip), why);
			check_change(c, "try it from another network: "
			    "openssl s_client -starttls smtp -connect %.*s:25",
			    SLICE_ARG(c->records->domain));
		} else if (talk(c, d, &name, &starttls, &cert, &why) != 0) {
			check_add(c, CHECK_WRONG, "port 25",
			    c->records->domain, 0, "%s breaks the talk off: "
			    "%s.", buf_str(&ip), why);
			check_change(c, "see the log of the mail server, and "
			    "whether something is in between");
		} else {
			judge_smtp(c, buf_str(&ip), &name, starttls, cert);
		}
		dial_close(d);
		buf_release(&name);
		buf_release(&ip);
	}
}

/* --- MTA-STS */

enum fetched {
	FETCHED,
	FETCH_UNTRIED, /* nobody there, as seen from here */
	FETCH_FAILED
};

static enum fetched
fetch_from(struct check *c, const struct spf_ip *ip, const char *host,
    struct buf *reply, const char **why)
{
	struct buf der = BUF_INIT(DIAL_MAX), text = BUF_INIT(1024);
	enum fetched r = FETCH_FAILED;
	union sockaddr_any to;
	enum peer_cert cert;
	struct dial *d;

	sockaddr_of(ip, c->https_port, &to);
	d = dial_open(&to, why);
	if (d == NULL) {
		r = FETCH_UNTRIED;
	} else if (dial_tls(d, host, why) == 0) {
		dial_peer(d, &der);
		cert = peer_cert_judge(buf_slice(&der), host);
		/* RFC 8461 3.3. */
		if (cert != PEER_CERT_GOOD) {
			check_add(c, CHECK_WRONG, "MTA-STS", slice_str(host), 0,
			    "The certificate of the web server %s.",
			    peer_cert_text(cert));
			check_change(c, "get a certificate for %s", host);
			*why = NULL;
			goto out;
		}
		/* Of HTTP 1.0, so that the file comes in one piece. */
		buf_addf(&text, "GET /.well-known/mta-sts.txt HTTP/1.0\r\n"
		    "Host: %s\r\nConnection: close\r\n\r\n", host);
		dial_write(d, buf_slice(&text));
		if (dial_rest(d, reply, why) == 0)
			r = FETCHED;
	}
out:
	dial_close(d);
	buf_release(&der);
	buf_release(&text);
	return r;
}

static void
wrong_policy(struct check *c, struct slice domain, const char *text)
{
	struct buf policy = BUF_INIT(1024), list = BUF_INIT(1024);
	struct slice rest, line;

	check_add(c, CHECK_WRONG, "MTA-STS policy", domain, 0, "%s", text);
	records_mta_sts_policy(c->records, "", &policy);
	rest = buf_slice(&policy);
	while (slice_line(&rest, &line))
		buf_addf(&list, "%s\"%.*s\"", list.n > 0 ? ", " : "",
		    SLICE_ARG(line));
	check_change(c, "let https://mta-sts.%.*s/.well-known/mta-sts.txt have "
	    "these lines: %s", SLICE_ARG(domain), buf_str(&list));
	buf_release(&policy);
	buf_release(&list);
}

/* The first host of the MX records that the policy leaves out, or none. */
static struct slice
left_out(struct check *c, const struct sts_policy *p, struct slice domain)
{
	const struct wire_dns_answer *a = check_ask(c, domain, DNS_MX);
	struct slice found = S("");

	for (uint32_t i = 0; i < a->count && found.n == 0; i++) {
		struct buf host = BUF_INIT(512);
		uint16_t preference;

		if (wire_dns_mx(a->rdata[i], &preference, &host) == 0 &&
		    host.n > 0 && !sts_covers(p, buf_slice(&host)))
			found = arena_slice(&c->arena, buf_slice(&host));
		buf_release(&host);
	}
	return found;
}

static void
judge_policy(struct check *c, struct slice domain, struct slice reply)
{
	static const char *const modes[] = {
		[STS_ENFORCE] = "enforce", [STS_TESTING] = "testing",
		[STS_NONE] = "none",
	};
	struct slice body, host;
	struct sts_policy p;
	const char *why;
	struct buf text = BUF_INIT(1024);

	if (sts_reply(reply, &body, &why) != 0 ||
	    sts_parse(body, &p, &why) != 0) {
		buf_addf(&text, "The policy cannot be used: %s.", why);
		wrong_policy(c, domain, buf_str(&text));
		goto out;
	}
	host = p.mode != STS_NONE ? left_out(c, &p, domain) : S("");
	if (host.n > 0) {
		buf_addf(&text, "Its mx does not name %.*s: %s.",
		    SLICE_ARG(host), p.mode == STS_ENFORCE ?
		    "servers that obey it do not deliver there" :
		    "it will not be delivered to when mode is enforce");
		wrong_policy(c, domain, buf_str(&text));
		goto out;
	}
	check_add(c, p.mode == STS_ENFORCE && p.max_age >= STS_SHORT ?
	    CHECK_RIGHT : CHECK_HINT, "MTA-STS policy", domain, 0,
	    "mode %s, max_age %u%s", modes[p.mode], (unsigned)p.max_age,
	    p.mode == STS_TESTING ? ": servers report, but deliver without "
	    "TLS, too." : p.mode == STS_NONE ? ": it is turned off." :
	    p.max_age < STS_SHORT ? ": so short that it protects little." : "");
	if (p.mode != STS_ENFORCE)
		check_change(c, "set mode to enforce when the reports (TLSRPT) "
		    "are good");
	else if (p.max_age < STS_SHORT)
		check_change(c, "set max_age to a week or more, in seconds");
out:
	buf_release(&text);
}

void
check_sts_policy(struct check *c, struct slice domain)
{
	struct slice host = check_below(c, "mta-sts", domain);
	struct spf_ip ips[STS_ADDRESSES];
	size_t n = check_addresses(c, host, ips, STS_ADDRESSES);
	struct buf reply = BUF_INIT(DIAL_MAX);
	enum fetched r = FETCH_UNTRIED;
	const char *why = NULL;

	/* Without an address check_web has said so. */
	for (size_t i = 0; i < n && r == FETCH_UNTRIED; i++)
		r = fetch_from(c, &ips[i], arena_dup(&c->arena, host), &reply,
		    &why);
	if (r == FETCHED) {
		judge_policy(c, domain, buf_slice(&reply));
	} else if (r == FETCH_FAILED && why != NULL) {
		check_add(c, CHECK_WRONG, "MTA-STS policy", domain, 0,
		    "The web server %.*s does not give the policy: %s.",
		    SLICE_ARG(host), why);
		check_change(c, "see whether https://%.*s/.well-known/"
		    "mta-sts.txt can be read with a browser", SLICE_ARG(host));
	} else if (r == FETCH_UNTRIED && n > 0) {
		check_add(c, CHECK_HINT, "MTA-STS policy", domain, 0,
		    "It could not be tried from here: %s.", why);
		check_change(c, "see from another network whether "
		    "https://%.*s/.well-known/mta-sts.txt can be read",
		    SLICE_ARG(host));
	}
	buf_release(&reply);
}
