#include "setup/commands.h"

#include "core/now.h"
#include "msgauth/dmarc.h"
#include "msgauth/spf.h"
#include "setup/judge.h"

struct request {
	struct judge judge;
	const char *ip, *helo, *from; /* for SPF */
	const char *spf, *dkim;       /* RESULT:DOMAIN,... in place of checks */
	struct dmarc dmarc;
	enum dmarc_policy disposition;
};

/* A word of a result that is known, as a constant. */
static const char *
result_word(struct slice word)
{
	static const char *const words[] = { "pass", "fail", "none",
		"neutral", "softfail", "temperror", "permerror", "policy" };

	for (size_t i = 0; i < LEN(words); i++)
		if (slice_ieq(word, slice_str(words[i])))
			return words[i];
	return NULL;
}

/* "example.com.", "a@example.com" */
static struct slice
domain_given(struct slice text)
{
	ssize_t at = slice_rfind(text, '@');

	text = slice_from(text, (size_t)(at + 1));
	return slice_ends(text, S(".")) ? slice_head(text, text.n - 1) : text;
}

/* Takes "RESULT:DOMAIN,...". -1 after saying what is wrong. */
static int
vouch_given(const struct setup *s, struct dmarc *d, enum dmarc_method method,
    const char *text)
{
	struct slice rest = slice_str(text), item, word;

	while (slice_split(&rest, ',', &item)) {
		const char *result;

		item = slice_trim(item);
		if (item.n == 0)
			continue;
		word = S("");
		slice_split(&item, ':', &word);
		result = result_word(word);
		if (result == NULL) {
			explain_misuse(s, "'%.*s' is no result such as "
			    "pass:example.com", SLICE_ARG(word));
			return -1;
		}
		dmarc_vouch(d, method, result, domain_given(item));
	}
	return 0;
}

/* RFC 7489 4.1: MAIL FROM, or HELO with the null path. */
static int
vouch_spf(const struct setup *s, struct request *r)
{
	struct spf_check check = { .now = now_wall() };
	struct dns_question q;
	struct spf spf;

	if (spf_ip_parse(&check.ip, slice_str(r->ip)) == -1) {
		explain_misuse(s, "'%s' is no IP address", r->ip);
		return -1;
	}
	check.helo = slice_str(r->helo != NULL ? r->helo : "");
	check.sender = slice_str(r->from != NULL ? r->from : "");
	if (check.sender.n >= 2 && check.sender.p[0] == '<' &&
	    check.sender.p[check.sender.n - 1] == '>')
		check.sender = slice_of(check.sender.p + 1,
		    check.sender.n - 2);
	spf_init(&spf, &check, SPF_MAILFROM);
	while (spf_step(&spf, &q) == MSGAUTH_ASK)
		spf_answer(&spf, lookup_ask(r->judge.lookup, &q));
	dmarc_vouch(&r->dmarc, DMARC_SPF, spf_result_name(spf.result),
	    spf.domain);
	spf_release(&spf);
	return 0;
}

static int
evaluate(const struct setup *s, struct request *r)
{
	struct dkim_verify *v = &r->judge.v;
	struct dns_question q;

	dmarc_init(&r->dmarc, v->author.domain);
	if (r->spf != NULL) {
		if (vouch_given(s, &r->dmarc, DMARC_SPF, r->spf) == -1)
			return -1;
	} else if (r->ip != NULL && vouch_spf(s, r) == -1) {
		return -1;
	}
	if (r->dkim != NULL) {
		if (vouch_given(s, &r->dmarc, DMARC_DKIM, r->dkim) == -1)
			return -1;
	} else {
		judge_signatures(&r->judge);
		for (size_t i = 0; i < v->n; i++)
			dmarc_vouch(&r->dmarc, DMARC_DKIM,
			    dkim_result_name(v->list[i].result),
			    v->list[i].sig.d);
	}
	if (v->author.why != NULL)
		return 0;
	while (dmarc_step(&r->dmarc, &q) == MSGAUTH_ASK)
		dmarc_answer(&r->dmarc, lookup_ask(r->judge.lookup, &q));
	/* Of a sampled policy the part that is held to it. */
	dmarc_dispose(&r->dmarc, 0);
	return 0;
}

/* --- what came out ---------------------------------------------------------- */

static const char *
result_of(const struct request *r)
{
	return r->judge.v.author.why != NULL ? "permerror" :
	    dmarc_result_name(r->dmarc.result);
}

/* A message without an author cannot pass; the server refuses it unless a
 * setting says otherwise (PILLARBOX_INVALID_FROM). */
static const char *
disposition_of(const struct setup *s, const struct request *r)
{
	if (r->judge.v.author.why == NULL)
		return r->dmarc.disposition == DMARC_UNSET ? "none" :
		    dmarc_policy_name(r->dmarc.disposition);
	return s->conf.invalid_from == CONF_INVALID_FROM_REJECT ? "reject" :
	    s->conf.invalid_from == CONF_INVALID_FROM_QUARANTINE ?
	    "quarantine" : "none";
}

static struct slice
reason_of(const struct request *r)
{
	return r->judge.v.author.why != NULL ?
	    slice_str(r->judge.v.author.why) : r->dmarc.why;
}

static void
print_record(const char *head, const struct dmarc_asked *a)
{
	printf("%s \"", head);
	judge_print(a->text);
	printf("\" at _dmarc.%.*s\n", SLICE_ARG(a->name));
}

static void
print_rule(const struct dmarc *d)
{
	if (d->found == NULL) {
		puts("Rule:     none, no DMARC record counts here");
		return;
	}
	if (d->found->state == DMARC_INVALID) {
		print_record("Rule:     none, invalid is", d->found);
		return;
	}
	printf("Rule:     %s=%s of", d->tag, dmarc_policy_name(d->policy));
	print_record("", d->found);
	if (d->found->record.testing)
		puts("          t=y: one step milder than the policy");
	else if (d->found->record.pct < 100)
		printf("          pct=%u: for that many of 100 messages, the "
		    "others one step milder\n", d->found->record.pct);
}

static bool
is_strict(const struct dmarc *d, enum dmarc_method method)
{
	return method == DMARC_SPF ? d->found->record.strict_spf :
	    d->found->record.strict_dkim;
}

static void
print_identifier(const struct dmarc *d, const struct dmarc_identifier *id)
{
	printf("%s %s for %.*s: ",
	    id->method == DMARC_SPF ? "SPF:     " : "DKIM:    ", id->result,
	    SLICE_ARG(id->domain.n > 0 ? id->domain : S("no domain")));
	if (strcmp(id->result, "pass") != 0)
		puts("only a pass can vouch for the author");
	else if (id->aligned)
		puts("aligned, so it vouches for the author");
	else if (d->found == NULL || d->found->state == DMARC_INVALID)
		puts("not compared with the author, nobody asks for it");
	else if (d->result == DMARC_PASS)
		puts("not needed");
	else if (is_strict(d, id->method))
		printf("not aligned, %s=s wants exactly %.*s\n",
		    id->method == DMARC_SPF ? "aspf" : "adkim",
		    SLICE_ARG(d->author));
	else
		printf("not aligned, it is not of the organization %.*s\n",
		    SLICE_ARG(d->org));
}

/* What the disposition means, at this server. */
static void
print_end(const struct setup *s, const struct request *r)
{
	const char *disposition = disposition_of(s, r);
	bool accepted = strcmp(disposition, "none") == 0;

	if (dmarc_puts_off(&r->dmarc))
		puts("So:       the message is put off (451 4.7.1), and its "
		    "server tries again");
	else if (accepted)
		puts("So:       DMARC does not stop the message");
	else if (strcmp(disposition, "reject") == 0)
		puts("So:       the message is refused (550 5.7.1)");
	else
		puts("So:       the message is marked as spam and goes to "
		    "Junk");
	if (!accepted && !s->conf.enable_opendmarc)
		puts("          but not here: with ENABLE_OPENDMARC=0 it is "
		    "delivered all the same");
}

/* What whoever sends the message, or owns the domain, can do. */
static void
print_advice(const struct request *r)
{
	const struct dmarc *d = &r->dmarc;

	if (r->judge.v.author.why != NULL)
		puts("To do:    write one From field with one address, such "
		    "as From: Ann <ann@example.com>");
	else if (d->result == DMARC_TEMPERROR)
		puts("To do:    ask again later; if it stays, the name servers "
		    "of the domain are in trouble");
	else if (d->result == DMARC_PERMERROR)
		puts("To do:    mend the record: p= (and sp=) must be none, "
		    "quarantine or reject");
	else if (d->result == DMARC_RESULT_NONE)
		printf("To do:    for a policy publish one TXT record at "
		    "_dmarc.%.*s, such as \"v=DMARC1; p=none\"\n",
		    SLICE_ARG(d->org));
	else if (d->result == DMARC_FAIL)
		printf("To do:    sign with DKIM d=%.*s, or use a sender "
		    "(MAIL FROM) of %.*s whose SPF record lists the client\n",
		    SLICE_ARG(is_strict(d, DMARC_DKIM) ? d->author : d->org),
		    SLICE_ARG(is_strict(d, DMARC_SPF) ? d->author : d->org));
}

static void
print_text(const struct setup *s, const struct request *r)
{
	const struct dmarc *d = &r->dmarc;

	printf("%s disposition=%s\n\nReason:   %.*s\n", result_of(r),
	    disposition_of(s, r), SLICE_ARG(reason_of(r)));
	if (r->judge.v.author.why == NULL) {
		print_rule(d);
		printf("Author:   %.*s, of the organization %.*s\n",
		    SLICE_ARG(d->author), SLICE_ARG(d->org));
	}
	for (size_t i = 0; i < d->n && r->judge.v.author.why == NULL; i++)
		print_identifier(d, &d->list[i]);
	print_end(s, r);
	print_advice(r);
	judge_print_lookups(&r->judge);
}

static void
print_json(const struct setup *s, const struct request *r)
{
	struct buf out = BUF_INIT(LIMIT_CONFIG_FILE);
	struct json j = JSON_INIT(&out);
	const struct dmarc *d = &r->dmarc;

	json_object(&j, NULL);
	json_str(&j, "result", result_of(r));
	json_str(&j, "disposition", disposition_of(s, r));
	json_slice(&j, "reason", reason_of(r));
	json_slice(&j, "from", r->judge.v.author.domain);
	json_slice(&j, "organization", d->org);
	json_str(&j, "policy", dmarc_policy_name(d->policy));
	json_str(&j, "tag", d->found != NULL ? d->tag : "");
	json_slice(&j, "record", d->found != NULL ? d->found->text : S(""));
	json_slice(&j, "record_domain", d->found != NULL ? d->found->name :
	    S(""));
	json_array(&j, "identifiers");
	for (size_t i = 0; i < d->n; i++) {
		json_object(&j, NULL);
		json_str(&j, "method", d->list[i].method == DMARC_SPF ?
		    "spf" : "dkim");
		json_str(&j, "result", d->list[i].result);
		json_slice(&j, "domain", d->list[i].domain);
		json_bool(&j, "aligned", d->list[i].aligned);
		json_object_end(&j);
	}
	json_array_end(&j);
	lookup_trace_json(r->judge.lookup, &j, "lookups");
	json_object_end(&j);
	buf_addc(&out, '\n');
	judge_flush(&out);
}

int
cmd_explain_dmarc(struct setup *s, int argc, char **argv)
{
	struct request r = { 0 };
	const struct explain_option options[] = {
		{ "ip", &r.ip, NULL },
		{ "helo", &r.helo, NULL },
		{ "mail-from", &r.from, NULL },
		{ "spf", &r.spf, NULL },
		{ "dkim", &r.dkim, NULL },
		{ "dns", &r.judge.dns, NULL },
		{ "json", NULL, &r.judge.json },
	};
	int status;

	status = explain_options(s, argc, argv, options, LEN(options),
	    &r.judge.file, 1);
	if (status == -1)
		return EXPLAIN_MISUSE;
	if (status == 0)
		return explain_misuse(s, "which file?");
	if (r.spf == NULL && r.dkim == NULL && (r.ip == NULL ||
	    (r.from == NULL && r.helo == NULL)))
		return explain_misuse(s, "--ip and --mail-from are missing, "
		    "or --spf or --dkim in their place");
	status = judge_open(s, &r.judge);
	if (status == 0 && evaluate(s, &r) == -1)
		status = EXPLAIN_MISUSE;
	if (status == 0 && r.judge.json)
		print_json(s, &r);
	else if (status == 0)
		print_text(s, &r);
	dmarc_release(&r.dmarc);
	judge_release(&r.judge);
	return status;
}
