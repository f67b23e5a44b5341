#include "setup/commands.h"

#include "conf/conf_load.h"
#include "core/now.h"
#include "msgauth/spf_report.h"
#include "setup/explain.h"
#include "setup/lookup.h"

/* As the dkim service gives it (RFC 7208 section 4.6.4). */
#define DEADLINE_MS 20000

struct request {
	const char *ip, *helo, *from, *dns;
	bool json;
};

/* "<a@b>" is the same as "a@b", and "<>" the null path. */
static struct slice
without_brackets(const char *text)
{
	struct slice s = slice_str(text);

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		return slice_of(s.p + 1, s.n - 2);
	return s;
}

static void
evaluate(struct spf *spf, struct lookup *l)
{
	uint64_t until = now_mono_ms() + DEADLINE_MS;
	struct dns_question q;

	while (spf_step(spf, &q) == MSGAUTH_ASK) {
		spf_answer(spf, lookup_ask(l, &q));
		if (now_mono_ms() >= until)
			spf_give_up(spf);
	}
}

/* --- for people ----------------------------------------------------------- */

static void
print_rule(const struct spf *s)
{
	if (s->rule.n == 0) {
		puts(s->result == SPF_NEUTRAL ?
		    "Rule:     none of the record matches" : "Rule:     none");
		return;
	}
	printf("Rule:     \"%.*s\" in the SPF record of %.*s\n",
	    SLICE_ARG(s->rule), SLICE_ARG(s->rule_domain));
	if (s->inner.n > 0)
		printf("          because \"%.*s\" in the record of %.*s "
		    "matches\n", SLICE_ARG(s->inner),
		    SLICE_ARG(s->inner_domain));
}

static void
print_lookup(const struct spf_lookup *l)
{
	static const char *const words[WIRE_DNS_STATUSES] = {
		[WIRE_DNS_OK] = "",
		[WIRE_DNS_NODATA] = "there is no such record",
		[WIRE_DNS_NXDOMAIN] = "there is no such name",
		[WIRE_DNS_SERVFAIL] = "no answer",
		[WIRE_DNS_BOGUS] = "the answer is forged (DNSSEC)",
	};

	printf("  %s %.*s", lookup_type(l->type), SLICE_ARG(l->name));
	if (l->term.n > 0)
		printf(", for \"%.*s\" of %.*s", SLICE_ARG(l->term),
		    SLICE_ARG(l->domain));
	printf(": %s%.*s\n", words[l->status], SLICE_ARG(l->text));
}

static void
print_text(const struct spf *s)
{
	printf("%s\n\nReason:   %.*s\n", spf_result_name(s->result),
	    SLICE_ARG(s->why));
	print_rule(s);
	printf("Checked:  %s for %.*s (%s)\n", s->macros.readable.p,
	    SLICE_ARG(s->domain.n > 0 ? s->domain : S("no domain")),
	    s->identity == SPF_HELO ? "HELO name" : "MAIL FROM");
	if (s->explanation.n > 0)
		printf("Says:     %.*s explains: %.*s\n",
		    SLICE_ARG(s->explained_by), SLICE_ARG(s->explanation));
	printf("Lookups:  %zu\n", s->asked);
	for (size_t i = 0; i < s->asked; i++)
		print_lookup(&s->lookups[i]);
}

/* --- for programs --------------------------------------------------------- */

static void
put_lookups(const struct spf *s, struct json *j)
{
	json_array(j, "lookups");
	for (size_t i = 0; i < s->asked; i++) {
		const struct spf_lookup *l = &s->lookups[i];

		json_object(j, NULL);
		json_slice(j, "name", l->name);
		json_str(j, "type", lookup_type(l->type));
		json_str(j, "result", lookup_status(l->status));
		json_slice(j, "answer", l->text);
		json_slice(j, "term", l->term);
		json_slice(j, "term_domain", l->domain);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
print_json(const struct spf *s)
{
	struct buf out = BUF_INIT(LIMIT_CONFIG_FILE);
	struct json j = JSON_INIT(&out);

	json_object(&j, NULL);
	json_str(&j, "result", spf_result_name(s->result));
	json_slice(&j, "reason", s->why);
	json_slice(&j, "rule", s->rule);
	json_slice(&j, "rule_domain", s->rule_domain);
	json_slice(&j, "included_rule", s->inner);
	json_slice(&j, "included_domain", s->inner_domain);
	json_str(&j, "identity", spf_identity_name(s));
	json_slice(&j, "domain", s->domain);
	json_slice(&j, "ip", s->macros.readable);
	json_slice(&j, "explanation", s->explanation);
	put_lookups(s, &j);
	json_object_end(&j);
	puts(buf_str(&out));
	buf_release(&out);
}

/* --- the command ---------------------------------------------------------- */

static int
explain(struct setup *s, const struct request *r, struct spf_check *check)
{
	const char *why = "";
	struct lookup *l = lookup_new(&s->conf, r->dns, &why);
	struct spf spf;

	if (l == NULL)
		return r->dns != NULL ?
		    explain_misuse(s, "--dns %s: %s", r->dns, why) :
		    say_abort(s, "The DNS cannot be asked: %s", why);
	spf_init(&spf, check, r->from == NULL ? SPF_HELO : SPF_MAILFROM);
	evaluate(&spf, l);
	if (r->json)
		print_json(&spf);
	else
		print_text(&spf);
	spf_release(&spf);
	lookup_free(l);
	return 0;
}

int
cmd_explain_spf(struct setup *s, int argc, char **argv)
{
	struct request r = { 0 };
	const struct explain_option options[] = {
		{ "ip", &r.ip, NULL },
		{ "helo", &r.helo, NULL },
		{ "mail-from", &r.from, NULL },
		{ "dns", &r.dns, NULL },
		{ "json", NULL, &r.json },
	};
	struct spf_check check = { .tell = true, .now = now_wall() };

	if (explain_options(s, argc, argv, options, LEN(options), NULL, 0) ==
	    -1)
		return EXPLAIN_MISUSE;
	if (r.ip == NULL)
		return explain_misuse(s, "--ip is missing");
	if (spf_ip_parse(&check.ip, slice_str(r.ip)) == -1)
		return explain_misuse(s, "'%s' is no IP address", r.ip);
	if (r.helo == NULL && r.from == NULL)
		return explain_misuse(s, "--helo or --mail-from is missing");
	check.helo = slice_str(r.helo != NULL ? r.helo : "");
	check.sender = without_brackets(r.from != NULL ? r.from : "");
	/* For the macro "r"; without a host name it is "unknown". */
	if (conf_load_host(&s->conf, &s->problems) == 0)
		check.receiver = slice_str(s->conf.hostname);
	return explain(s, &r, &check);
}
