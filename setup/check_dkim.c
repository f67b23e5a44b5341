/* setup dns check: DKIM. */
#include "setup/check.h"

#include "msgauth/pubkey.h"
#include "setup/dkim_record.h"

#define RSA_BITS_GOOD 2048 /* RFC 8301 3.2: signers should use these */

/* The one text that is published. True if signatures by our key are good. */
static bool
check_text(struct check *c, const struct record *r, struct slice text)
{
	enum wire_keys_alg alg = dkim_record_alg(r->value);
	const char *why = NULL;
	struct pubkey key;
	bool good = false;

	if (dkim_record_revoked(text)) {
		check_add(c, CHECK_WRONG, "DKIM", r->name, DNS_TXT,
		    "The key is revoked (p= is empty), and we sign with it.");
		check_publish(c, r);
		return false;
	}
	if (pubkey_parse(&key, text, alg, &why) == -1) {
		check_add(c, CHECK_WRONG, "DKIM", r->name, DNS_TXT,
		    "It is not a usable key: %s.", why);
		check_publish(c, r);
		return false;
	}
	if (!dkim_record_same(text, r->value)) {
		check_add(c, CHECK_WRONG, "DKIM", r->name, DNS_TXT,
		    "It is not the key that we sign with: every signature "
		    "fails.");
		check_publish(c, r);
	} else if (key.testing) {
		/* RFC 6376 3.6.1: as if there were no signature. */
		check_add(c, CHECK_WRONG, "DKIM", r->name, DNS_TXT,
		    "The testing flag (t=y) is on: receivers may treat the "
		    "mail as if it were not signed.");
		check_publish(c, r);
	} else if (alg == WIRE_KEYS_RSA_SHA256 && key.bits < RSA_BITS_GOOD) {
		good = true;
		check_add(c, CHECK_HINT, "DKIM", r->name, DNS_TXT,
		    "The key is short: %u bits; %u are asked for.", key.bits,
		    RSA_BITS_GOOD);
		check_change(c, "make a longer key with a new selector, "
		    "publish it, then sign with it");
	} else {
		good = true;
		check_add(c, CHECK_RIGHT, "DKIM", r->name, DNS_TXT, NULL);
	}
	pubkey_release(&key);
	return good;
}

/* One that waits for its record, or has retired: nothing has to change. */
static void
check_idle(struct check *c, const struct record *r)
{
	const char *why = NULL;

	if (dkim_record_published(check_ask(c, r->name, DNS_TXT), r->value,
	    &why))
		check_add(c, CHECK_RIGHT, "DKIM", r->name, DNS_TXT, NULL);
	else
		check_add(c, CHECK_HINT, "DKIM", r->name, DNS_TXT,
		    "The key does not sign now, see 'setup dkim list'. Its "
		    "record: %s.", why);
}

static bool
check_key(struct check *c, const struct record *r)
{
	const struct wire_dns_answer *a = check_ask(c, r->name, DNS_TXT);
	struct buf text = BUF_INIT(LIMIT_FRAME);
	const char *why = NULL;
	struct pubkey ours;
	bool good = false;

	if (r->value.n == 0) {
		check_add(c, CHECK_WRONG, "DKIM", r->name, DNS_TXT,
		    "The private key %s cannot be read.", r->key);
		check_change(c, "put it back, or run 'setup config dkim'");
	} else if (pubkey_parse(&ours, r->value, dkim_record_alg(r->value),
	    &why) == -1) {
		/* RFC 8301 3.2: verifiers do not take it. */
		check_add(c, CHECK_WRONG, "DKIM", r->name, DNS_TXT,
		    "Our key cannot be used: %s.", why);
		check_change(c, "make another with a new selector: "
		    "'setup config dkim'");
	} else {
		pubkey_release(&ours);
		if (a->count == 0 && check_unanswered(c, a, "DKIM", r->name,
		    DNS_TXT))
			return false;
		if (a->count > 1) {
			check_add(c, CHECK_WRONG, "DKIM", r->name, DNS_TXT,
			    "There are %u records; which one receivers take is "
			    "chance (RFC 6376 3.6.2.2).", (unsigned)a->count);
			check_publish(c, r);
		} else if (a->count == 1 &&
		    wire_dns_txt(a->rdata[0], &text) == 0) {
			good = check_text(c, r, buf_slice(&text));
		} else {
			check_add(c, CHECK_MISSING, "DKIM", r->name, DNS_TXT,
			    "Nobody can check our signatures.");
			check_publish(c, r);
		}
	}
	buf_release(&text);
	return good;
}

/* Is mail of the domain signed in its name, or that of one above? */
static bool
signs(struct check *c)
{
	struct slice domain = c->records->domain;
	struct buf sender = BUF_INIT(LIMIT_ADDRESS + 1);
	const struct conf_dkim_rule *rule;

	buf_addf(&sender, "postmaster@%.*s", SLICE_ARG(domain));
	rule = conf_dkim_match(&c->records->dkim, buf_slice(&sender));
	buf_release(&sender);
	c->dkim_above = rule != NULL &&
	    domains_is_below(domain, rule->key->domain);
	return rule != NULL && (c->dkim_above ||
	    slice_ieq(rule->key->domain, domain) ||
	    slice_eq(rule->key->domain, S("%")));
}

void
check_dkim(struct check *c)
{
	const struct records *r = c->records;
	struct slice domain = r->domain;
	bool any = false, good = false;

	if (!r->conf->enable_opendkim) {
		check_add(c, CHECK_WRONG, "DKIM", domain, DNS_TXT,
		    "Mail is not signed: ENABLE_OPENDKIM is 0.");
		check_change(c, "set ENABLE_OPENDKIM to 1");
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].kind == RECORD_DKIM) {
			any = true;
			if (!r->list[i].signs)
				check_idle(c, &r->list[i]);
			else if (check_key(c, &r->list[i]))
				good = true;
		}
	if (!any) {
		check_add(c, CHECK_MISSING, "DKIM", domain, DNS_TXT,
		    "There is no key to sign the mail of the domain with.");
		check_change(c, "run 'setup config dkim', then publish what "
		    "'setup dns' shows");
	} else if (!signs(c)) {
		check_add(c, CHECK_WRONG, "DKIM", domain, DNS_TXT,
		    "There is a key, but no line of SigningTable has the mail "
		    "of the domain signed with it.");
		check_change(c, "run 'setup config dkim'");
		good = false;
	}
	c->bulk[BULK_DKIM] = good;
}
