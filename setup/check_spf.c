/* setup dns check: SPF. */
#include "setup/check.h"

#include "core/now.h"
#include "msgauth/spf.h"

#define TEXTS 4

static enum spf_result
evaluate(struct check *c, struct slice domain, const struct spf_ip *ip,
    const char **why)
{
	const struct conf *conf = c->records->conf;
	char *sender = arena_printf(&c->arena, "postmaster@%.*s",
	    SLICE_ARG(domain));
	struct spf_check check = { .ip = *ip, .now = now_wall(),
		.helo = slice_str(conf->hostname), .sender = slice_str(sender),
		.receiver = slice_str(conf->hostname) };
	struct dns_question q;
	struct spf s;
	enum spf_result result;

	spf_init(&s, &check, SPF_MAILFROM);
	while (spf_step(&s, &q) == MSGAUTH_ASK)
		spf_answer(&s, lookup_ask(c->lookup, &q));
	result = s.result;
	*why = arena_dup(&c->arena, s.why);
	spf_release(&s);
	return result;
}

static const char *
address_text(struct check *c, const struct spf_ip *ip)
{
	struct buf b = BUF_INIT(64);
	const char *text;

	spf_ip_text(ip, &b);
	text = arena_dup(&c->arena, buf_slice(&b));
	buf_release(&b);
	return text;
}

/* A record that counts for nobody (RFC 7208 2.6.7). */
static void
check_invalid(struct check *c, const struct record *r, struct slice text,
    const char *why)
{
	check_add(c, CHECK_WRONG, "SPF", r->name, DNS_TXT,
	    "\"%.*s\" does not count, receivers take it as an error "
	    "(permerror): %s.", SLICE_ARG(text), why);
	check_change(c, "make it valid: at most ten terms that need lookups "
	    "(include, a, mx, ptr, exists, redirect), those of included "
	    "records counted, at most two of them for nothing; for this server "
	    "alone: \"%.*s\"", SLICE_ARG(r->value));
}

/* What is published lets this host send. False after a finding. */
static bool
lets_us(struct check *c, const struct record *r, struct slice text)
{
	const char *why;

	for (size_t i = 0; i < c->address_count; i++) {
		const struct spf_ip *ip = &c->addresses[i];
		enum spf_result result = evaluate(c, r->name, ip, &why);

		if (result == SPF_PASS)
			continue;
		if (slice_eq(text, r->value) && result == SPF_FAIL) {
			check_add(c, CHECK_HINT, "SPF", r->name, DNS_TXT,
			    "\"%.*s\" is right, but what it refers to does "
			    "not lead to this server yet.", SLICE_ARG(text));
			check_change(c, "put the MX and address records right "
			    "first");
			return false;
		}
		if (result == SPF_PERMERROR) {
			check_invalid(c, r, text, why);
			return false;
		}
		check_add(c, result == SPF_TEMPERROR ? CHECK_UNKNOWN :
		    CHECK_WRONG, "SPF", r->name, DNS_TXT,
		    "\"%.*s\" gives %s for %s, the address of this server: "
		    "%s.", SLICE_ARG(text), spf_result_name(result),
		    address_text(c, ip), why);
		if (result != SPF_TEMPERROR)
			check_change(c, "put \"%s\" in front of its \"all\", "
			    "or publish \"%.*s\"",
			    r->kind == RECORD_HELO ? "a" : "mx",
			    SLICE_ARG(r->value));
		return false;
	}
	return true;
}

/* What it says of an address that nobody has (RFC 2544's). False if the record
 * does not count. */
static bool
others(struct check *c, const struct record *r, struct slice text)
{
	static const struct spf_ip stranger = { .bytes = { 198, 18, 99, 77 } };
	const char *why;
	bool good = true;

	switch (evaluate(c, r->name, &stranger, &why)) {
	case SPF_PERMERROR:
		/* Before a receiver comes to what lets us, or behind it. */
		check_invalid(c, r, text, why);
		good = false;
		break;
	case SPF_TEMPERROR:
		check_add(c, CHECK_UNKNOWN, "SPF", r->name, DNS_TXT,
		    "\"%.*s\" cannot be looked up in full: %s.",
		    SLICE_ARG(text), why);
		break;
	case SPF_PASS:
		check_add(c, CHECK_WRONG, "SPF", r->name, DNS_TXT,
		    "\"%.*s\" lets everybody send in the name of the domain.",
		    SLICE_ARG(text));
		check_change(c, "let it end in \"-all\": \"%.*s\"",
		    SLICE_ARG(r->value));
		break;
	case SPF_NEUTRAL:
		check_add(c, CHECK_HINT, "SPF", r->name, DNS_TXT,
		    "\"%.*s\" says nothing about other servers.",
		    SLICE_ARG(text));
		check_change(c, "let it end in \"-all\" (or \"~all\")");
		break;
	default:
		check_add(c, CHECK_RIGHT, "SPF", r->name, DNS_TXT, "%.*s",
		    SLICE_ARG(text));
	}
	return good;
}

static bool
has_relay(const struct conf *c)
{
	return *c->relay_host != '\0' || *c->default_relay_host != '\0';
}

void
check_spf(struct check *c, const struct record *r)
{
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_TXT);
	struct slice texts[TEXTS];
	size_t n = check_texts(c, a, "v=spf1", texts, TEXTS);

	if (n == 0) {
		if (check_unanswered(c, a, "SPF", r->name, DNS_TXT))
			return;
		check_add(c, CHECK_MISSING, "SPF", r->name, DNS_TXT,
		    "Nothing says which servers send mail of this name.");
		check_publish(c, r);
	} else if (n > 1) {
		/* RFC 7208 4.5: permerror. */
		check_add(c, CHECK_WRONG, "SPF", r->name, DNS_TXT,
		    "There are %zu SPF records, and with more than one none "
		    "counts: \"%.*s\" and \"%.*s\".", n, SLICE_ARG(texts[0]),
		    SLICE_ARG(texts[1]));
		check_change(c, "make one of them, which holds what all of "
		    "them allow; for this server alone: \"%.*s\"",
		    SLICE_ARG(r->value));
	} else if (r->kind == RECORD_SPF && has_relay(c->records->conf)) {
		check_add(c, CHECK_HINT, "SPF", r->name, DNS_TXT,
		    "\"%.*s\": mail leaves through a relay, whose servers it "
		    "must allow.", SLICE_ARG(texts[0]));
		check_change(c, "see that it has what the owner of the relay "
		    "names (\"include:...\")");
		c->bulk[BULK_SPF] = true;
	} else if (c->address_count == 0) {
		check_add(c, CHECK_UNKNOWN, "SPF", r->name, DNS_TXT,
		    "\"%.*s\": whether it lets this server send is not known "
		    "before the server has an address.", SLICE_ARG(texts[0]));
	} else if (lets_us(c, r, texts[0]) && others(c, r, texts[0]) &&
	    r->kind == RECORD_SPF) {
		c->bulk[BULK_SPF] = true;
	}
}
