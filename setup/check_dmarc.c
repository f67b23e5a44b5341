/* setup dns check: DMARC, and whether what it asks for holds. */
#include "setup/check.h"

#include "msgauth/tags.h"

#define TEXTS 4
#define REPORTS_MAX 10 /* addresses of rua= that are looked at */

/* One is the other, or a name below it. */
static bool
related(struct slice a, struct slice b)
{
	struct slice longer = a.n > b.n ? a : b, other = a.n > b.n ? b : a;

	return slice_iends(longer, other) && (longer.n == other.n ||
	    longer.p[longer.n - other.n - 1] == '.');
}

/* RFC 7489 7.1: another domain has to consent to get reports. */
static bool
check_consent(struct check *c, struct slice domain, struct slice uri)
{
	const struct wire_dns_answer *a;
	struct slice texts[1], name, where;
	ssize_t at;

	/* Behind "!" is how large a report may be (RFC 7489 6.2). */
	at = slice_find(uri, '!');
	uri = slice_trim(at < 0 ? uri : slice_head(uri, (size_t)at));
	at = slice_rfind(uri, '@');
	if (!slice_istarts(uri, S("mailto:")) || at < 0) {
		check_add(c, CHECK_WRONG, "DMARC reports",
		    check_below(c, "_dmarc", domain), DNS_TXT,
		    "rua=%.*s is not mailto: and an address, so nobody sends "
		    "reports there.", SLICE_ARG(uri));
		check_change(c, "let it be rua=mailto:postmaster@%.*s",
		    SLICE_ARG(domain));
		return false;
	}
	where = slice_from(uri, (size_t)at + 1);
	if (related(where, domain))
		return true;
	name = slice_str(arena_printf(&c->arena, "%.*s._report._dmarc.%.*s",
	    SLICE_ARG(domain), SLICE_ARG(where)));
	a = check_ask(c, name, DNS_TXT);
	if (check_texts(c, a, "v=DMARC1", texts, 1) > 0) {
		check_add(c, CHECK_RIGHT, "DMARC reports", name, DNS_TXT, NULL);
		return true;
	}
	if (check_unanswered(c, a, "DMARC reports", name, DNS_TXT))
		return false;
	check_add(c, CHECK_MISSING, "DMARC reports", name, DNS_TXT,
	    "%.*s does not say that it wants reports about this domain, so "
	    "that nobody sends them there.", SLICE_ARG(where));
	check_change(c, "publish in %.*s: %.*s. IN TXT \"v=DMARC1\"; or let "
	    "rua= be an address of %.*s", SLICE_ARG(where), SLICE_ARG(name),
	    SLICE_ARG(domain));
	return false;
}

static void
check_reports(struct check *c, struct slice domain, struct slice rua)
{
	struct slice uri;

	for (int i = 0; i < REPORTS_MAX && slice_split(&rua, ',', &uri); i++)
		(void)check_consent(c, domain, uri);
}

static void
check_text(struct check *c, const struct record *r, struct slice text)
{
	struct slice domain = c->records->domain, p;
	const char *why = NULL;
	struct tags t;

	if (tags_parse(&t, text, &why) == -1) {
		check_add(c, CHECK_WRONG, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" cannot be read: %s.", SLICE_ARG(text), why);
		check_publish(c, r);
		return;
	}
	p = tags_value(&t, "p");
	if (!slice_ieq(p, S("none")) && !slice_ieq(p, S("quarantine")) &&
	    !slice_ieq(p, S("reject"))) {
		check_add(c, CHECK_WRONG, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" has no policy: p= must be none, quarantine or "
		    "reject.", SLICE_ARG(text));
		check_publish(c, r);
		return;
	}
	c->bulk[BULK_DMARC] = true;
	if (slice_ieq(p, S("none"))) {
		check_add(c, CHECK_HINT, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" watches only: forged mail in the name of the "
		    "domain is still delivered.", SLICE_ARG(text));
		check_change(c, "when the reports show that all your own mail "
		    "passes, change p=none to p=quarantine");
	} else if (tags_value(&t, "rua").n == 0) {
		check_add(c, CHECK_HINT, "DMARC", r->name, DNS_TXT,
		    "\"%.*s\" asks for no reports.", SLICE_ARG(text));
		check_change(c, "add rua=mailto:postmaster@%.*s",
		    SLICE_ARG(domain));
	} else {
		check_add(c, CHECK_RIGHT, "DMARC", r->name, DNS_TXT, "%.*s",
		    SLICE_ARG(text));
	}
	check_reports(c, domain, tags_value(&t, "rua"));
}

void
check_dmarc(struct check *c, const struct record *r)
{
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_TXT);
	struct slice texts[TEXTS];
	size_t n = check_texts(c, a, "v=DMARC1", texts, TEXTS);

	if (n == 1) {
		check_text(c, r, texts[0]);
	} else if (n > 1) {
		/* RFC 7489 6.6.3 step 5. */
		check_add(c, CHECK_WRONG, "DMARC", r->name, DNS_TXT,
		    "There are %zu records, and with more than one none "
		    "counts.", n);
		check_change(c, "keep one of them: \"%.*s\"",
		    SLICE_ARG(r->value));
	} else if (!check_unanswered(c, a, "DMARC", r->name, DNS_TXT)) {
		check_add(c, CHECK_MISSING, "DMARC", r->name, DNS_TXT,
		    "Nothing says what to do with forged mail; Gmail and Yahoo "
		    "ask for it.");
		check_publish(c, r);
	}
	/* Mail has the domain in From, in MAIL FROM and in d=: one name, which
	 * is aligned however strict the record is. */
	c->bulk[BULK_ALIGNED] = c->bulk[BULK_SPF] || c->bulk[BULK_DKIM];
}
