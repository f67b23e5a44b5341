/* setup dns check: DMARC, and whether what it asks for holds. */
#include "setup/check.h"

#include "mail/addr.h"
#include "msgauth/dmarc_record.h"
#include "msgauth/orgdomain.h"
#include "msgauth/verified.h"

#define TEXTS 4
#define REPORTS_MAX 10 /* addresses of rua= that are looked at */

static bool
is_record(struct slice text, const char *version UNUSED)
{
	return dmarc_record_is(text);
}

/* RFC 7489 7.1: another organization has to consent to get reports. */
static void
check_consent(struct check *c, struct slice domain, struct slice where)
{
	const struct wire_dns_answer *a;
	struct slice texts[1], name;

	name = slice_str(arena_printf(&c->arena, "%.*s._report._dmarc.%.*s",
	    SLICE_ARG(domain), SLICE_ARG(where)));
	a = check_ask(c, name, DNS_TXT);
	if (check_records(c, a, is_record, NULL, texts, 1) > 0) {
		check_add(c, CHECK_RIGHT, "DMARC reports", name, DNS_TXT, NULL);
		return;
	}
	if (check_unanswered(c, a, "DMARC reports", name, DNS_TXT))
		return;
	check_add(c, CHECK_MISSING, "DMARC reports", name, DNS_TXT,
	    "%.*s does not say that it wants reports about this domain, so "
	    "that nobody sends them there.", SLICE_ARG(where));
	check_change(c, "publish in %.*s: %.*s. IN TXT \"v=DMARC1\"; or let "
	    "rua= be an address of %.*s", SLICE_ARG(where), SLICE_ARG(name),
	    SLICE_ARG(domain));
}

static void
check_uri(struct check *c, struct slice domain, struct slice uri)
{
	struct buf where = BUF_INIT(LIMIT_DOMAIN + 1);
	struct slice address;
	uint64_t most;

	if (!dmarc_record_uri(uri, &address, &most)) {
		check_add(c, CHECK_WRONG, "DMARC reports",
		    check_below(c, "_dmarc", domain), DNS_TXT,
		    "rua=%.*s is not mailto: and an address, so nobody sends "
		    "reports there.", SLICE_ARG(slice_trim(uri)));
		check_change(c, "let it be rua=mailto:postmaster@%.*s",
		    SLICE_ARG(domain));
		return;
	}
	if (msgauth_ascii_name(addr_domain_of(address), &where) == 0 &&
	    !slice_eq(orgdomain(buf_slice(&where)), orgdomain(domain)))
		check_consent(c, domain, buf_slice(&where));
	buf_release(&where);
}

static void
check_reports(struct check *c, struct slice domain, struct slice rua)
{
	struct slice uri;

	for (int i = 0; i < REPORTS_MAX && slice_split(&rua, ',', &uri); i++)
		check_uri(c, domain, uri);
}

static void
check_text(struct check *c, const struct record *r, struct slice text)
{
	struct slice domain = c->records->domain;
	struct dmarc_record d = { .mended = NULL };
	const char *why = NULL;

	if (dmarc_record_parse(&d, text, &why) == -1 || d.mended != NULL) {
		check_add(c, CHECK_WRONG, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" has no policy: %s; it must be none, quarantine "
		    "or reject.", SLICE_ARG(text),
		    d.mended != NULL ? d.mended : why);
		check_publish(c, r);
		return;
	}
	c->bulk[BULK_DMARC] = true;
	c->dkim_strict = c->dkim_above && d.strict_dkim;
	if (c->dkim_strict) {
		check_add(c, CHECK_WRONG, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" wants signatures in the name of %.*s itself "
		    "(adkim=s), and mail is signed in that of a domain above.",
		    SLICE_ARG(text), SLICE_ARG(domain));
		check_change(c, "take adkim=s away, or make a key: 'setup "
		    "config dkim domain %.*s'", SLICE_ARG(domain));
		return;
	}
	if (d.p == DMARC_NONE) {
		check_add(c, CHECK_HINT, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" watches only: forged mail in the name of the "
		    "domain is still delivered.", SLICE_ARG(text));
		check_change(c, "when the reports ('setup dmarc report') show "
		    "that all your own mail passes, change p=none to "
		    "p=quarantine");
	} else if (d.testing || d.pct < 100) {
		check_add(c, CHECK_HINT, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" is a test: not all forged mail in the name of "
		    "the domain is stopped.", SLICE_ARG(text));
		check_change(c, "when the reports ('setup dmarc report') show "
		    "that all your own mail passes, take %s away",
		    d.testing ? "t=y" : "pct=");
	} else if (d.rua.n == 0) {
		check_add(c, CHECK_HINT, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" asks for no reports.", SLICE_ARG(text));
		check_change(c, "add rua=mailto:postmaster@%.*s",
		    SLICE_ARG(domain));
	} else {
		check_add(c, CHECK_RIGHT, "DMARC", r->name, DNS_TXT, "%.*s",
		    SLICE_ARG(text));
	}
	check_reports(c, domain, d.rua);
}

/* A domain without a record has that of its organizational domain (RFC 7489
 * 6.6.3 step 3). True if there is one. */
static bool
check_above(struct check *c, const struct record *r)
{
	struct slice org = orgdomain(c->records->domain);
	struct slice name = check_below(c, "_dmarc", org), texts[TEXTS];
	struct dmarc_record d;

	if (slice_ieq(org, c->records->domain) || check_records(c,
	    check_ask(c, name, DNS_TXT), is_record, NULL, texts, TEXTS) != 1 ||
	    dmarc_record_parse(&d, texts[0], NULL) == -1)
		return false;
	c->bulk[BULK_DMARC] = true;
	c->dkim_strict = c->dkim_above && d.strict_dkim;
	check_add(c, c->dkim_strict ? CHECK_WRONG : CHECK_RIGHT, "DMARC",
	    r->name, DNS_TXT, "That of %.*s counts: \"%.*s\"%s",
	    SLICE_ARG(org), SLICE_ARG(texts[0]), c->dkim_strict ?
	    ", which wants signatures in the very name of the author "
	    "(adkim=s); ours are in that of a domain above." : "");
	if (c->dkim_strict)
		check_change(c, "make a key: 'setup config dkim domain %.*s'",
		    SLICE_ARG(c->records->domain));
	return true;
}

void
check_dmarc(struct check *c, const struct record *r)
{
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_TXT);
	struct slice texts[TEXTS];
	size_t n = check_records(c, a, is_record, NULL, texts, TEXTS);

	if (n == 1) {
		check_text(c, r, texts[0]);
	} else if (n > 1) {
		/* RFC 7489 6.6.3 step 5. */
		check_add(c, CHECK_WRONG, "DMARC", r->name, DNS_TXT,
		    "There are %zu records, and with more than one none "
		    "counts.", n);
		check_change(c, "keep one of them: \"%.*s\"",
		    SLICE_ARG(r->value));
	} else if (!check_unanswered(c, a, "DMARC", r->name, DNS_TXT) &&
	    !check_above(c, r)) {
		check_add(c, CHECK_MISSING, "DMARC", r->name, DNS_TXT,
		    "Nothing says what to do with forged mail; Gmail and Yahoo "
		    "ask for it.");
		check_publish(c, r);
	}
	/* Mail has the domain in From, in MAIL FROM and in d=: one name, which
	 * is aligned however strict the record is; unless d= is one above. */
	c->bulk[BULK_ALIGNED] = c->bulk[BULK_SPF] ||
	    (c->bulk[BULK_DKIM] && !c->dkim_strict);
}
