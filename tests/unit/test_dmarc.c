#include "msgauth/dmarc.h"

#include "check.h"

#include "mail/authres_read.h"
#include "msgauth/author.h"
#include "msgauth/orgdomain.h"

TEST(dmarc_records_are_read)
{
	static const struct {
		const char *txt;
		enum dmarc_policy p, sp, np;
		const char *flags; /* of strict dkim, strict spf, testing, psd */
		unsigned pct;
	} cases[] = {
		{ "v=DMARC1; p=none", DMARC_NONE, 0, 0, "", 100 },
		{ "v=DMARC1;p=reject;", DMARC_REJECT, 0, 0, "", 100 },
		{ "V=DMARC1; P=reject", DMARC_REJECT, 0, 0, "", 100 },
		{ " v = DMARC1 ; p = Quarantine ; sp=REJECT; np=none",
		    DMARC_QUARANTINE, DMARC_REJECT, DMARC_NONE, "", 100 },
		{ "v=DMARC1; p=reject; adkim=s; aspf=S; pct=20", DMARC_REJECT,
		    0, 0, "ds", 20 },
		{ "v=DMARC1; p=reject; adkim=x; aspf=r; pct=101", DMARC_REJECT,
		    0, 0, "", 100 },
		{ "v=DMARC1; p=reject; pct=-1; pct=5", DMARC_REJECT, 0, 0, "",
		    100 },
		{ "v=DMARC1; p=reject; t=y; psd=y", DMARC_REJECT, 0, 0, "ty",
		    100 },
		{ "v=DMARC1; p=reject; t=n; psd=n; x=y; =; ;; y", DMARC_REJECT,
		    0, 0, "n", 100 },
		{ "v=DMARC1; p=none; p=reject", DMARC_NONE, 0, 0, "", 100 },
		{ "v=DMARC1; np=bad; p=reject", DMARC_REJECT, 0, 0, "", 100 },
		/* RFC 7489 6.6.3, step 6 */
		{ "v=DMARC1; rua=mailto:a@x.test", DMARC_NONE, DMARC_NONE, 0,
		    "", 100 },
		{ "v=DMARC1; p=bad; rua=mailto:a@x.test!10m", DMARC_NONE,
		    DMARC_NONE, 0, "", 100 },
		{ "v=DMARC1; p=reject; sp=bad; rua=mailto:a@x.test",
		    DMARC_NONE, DMARC_NONE, 0, "", 100 },
	};
	static const char *const bad[] = {
		"", "v=DMARC1", "v=DMARC1;", "v=dmarc1; p=none",
		"V=dmarc1; p=none", "p=none; v=DMARC1", "v=DMARC12; p=none",
		"v=DMARC1 p=none", "v=DMARC1; p=", "v=DMARC1; p=bad",
		"v=DMARC1; p=reject; sp=bad", "v=DMARC1; rua=ftp://x",
		"v=DMARC1; rua=mailto:", "v=spf1 -all",
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct dmarc_record r;
		const char *why = NULL;
		char flags[8];

		CHECK(dmarc_record_parse(&r, slice_str(cases[i].txt), &why) ==
		    0, "%s: %s", cases[i].txt, why);
		snprintf(flags, sizeof(flags), "%s%s%s%s",
		    r.strict_dkim ? "d" : "", r.strict_spf ? "s" : "",
		    r.testing ? "t" : "", r.psd == DMARC_PSD_YES ? "y" :
		    r.psd == DMARC_PSD_NO ? "n" : "");
		CHECK(r.p == cases[i].p && r.sp == cases[i].sp &&
		    r.np == cases[i].np && r.pct == cases[i].pct &&
		    strcmp(flags, cases[i].flags) == 0, "%s: %s",
		    cases[i].txt, flags);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		struct dmarc_record r;

		CHECK(dmarc_record_parse(&r, slice_str(bad[i]), NULL) == -1,
		    "%s", bad[i]);
	}
}

TEST(dmarc_report_addresses)
{
	struct slice list = S("ftp://x, mailto:a@x.test!2k,mailto:bad,"
	    "MAILTO:b@y.test , mailto:c@z.test!x"), address;
	uint64_t most;

	CHECK(dmarc_record_mailto(&list, &address, &most), " ");
	CHECK_SLICE(address, "a@x.test");
	CHECK(most == 2048, "%llu", (unsigned long long)most);
	CHECK(dmarc_record_mailto(&list, &address, &most), " ");
	CHECK_SLICE(address, "b@y.test");
	CHECK(most == 0 && !dmarc_record_mailto(&list, &address, &most), " ");
	list = S("mailto:a@x.test!99999999999t,mailto:b@x.test!5000000000");
	CHECK(dmarc_record_mailto(&list, &address, &most), " ");
	CHECK(most == UINT64_MAX, "%llu", (unsigned long long)most);
	CHECK(dmarc_record_mailto(&list, &address, &most), " ");
	CHECK(most == 5000000000, "%llu", (unsigned long long)most);
}

TEST(dmarc_report_options)
{
	struct dmarc_record r;

	CHECK(dmarc_record_parse(&r, S("v=DMARC1; p=none; fo=1:d:x; ri=3600"
	    "; rf=afrf; ruf=mailto:f@x.test"), NULL) == 0, " ");
	CHECK(r.fo == (DMARC_FO_ANY | DMARC_FO_DKIM) && r.ri == 3600, " ");
	CHECK_SLICE(r.ruf, "mailto:f@x.test");
	CHECK(dmarc_record_parse(&r, S("v=DMARC1; p=none; fo=x; ri=x"), NULL)
	    == 0, " ");
	CHECK(r.fo == DMARC_FO_ALL && r.ri == DMARC_INTERVAL, " ");
}

TEST(organizational_domains)
{
	static const char *const cases[][2] = {
		{ "example.com", "example.com" },
		{ "a.b.example.com", "example.com" },
		{ "a.example.co.uk", "example.co.uk" },
		{ "co.uk", "co.uk" }, { "com", "com" },
		{ "a.b.test", "b.test" }, { "x", "x" }, { "", "" },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK_SLICE(orgdomain(slice_str(cases[i][0])), cases[i][1]);
}

TEST(authors_are_found)
{
	static const struct {
		const char *value, *domain;
	} cases[] = {
		{ "a@x.test", "x.test" },
		{ " A B <a@X.Test> ", "x.test" },
		{ "\"a@evil.test\" <a@x.test>", "x.test" },
		{ "(a@evil.test (nested \\)) ) a@x.test (b)", "x.test" },
		{ "\"a\\\"@evil.test\" <a@x.test>", "x.test" },
		{ "=?utf-8?q?a=40evil.test?= <a@x.test>", "x.test" },
		{ "a@x.test, B <b@x.test>", "x.test" },
		{ "a.b@x.test.", "x.test" },
		{ "a @ x . test", "x.test" },
		{ "\"very odd\"@x.test", "x.test" },
		{ "Dr. B\r\n\t<b@x.test>", "x.test" },
		{ "[Tracker] A <a@x.test>", "x.test" },
		{ "a@x.test <b@x.test>", "x.test" },
		{ "\xc3\xbc <a@b\xc3\xbc.test>", "xn--b-eha.test" },
		{ "Doe, Jane <a@x.test>", "x.test" },
		{ "=?utf-8?q?a@y.test?= <a@x.test>", "x.test" },
		{ "=?utf-8?q?a?= @ =?utf-8?q?b?= <a@x.test>", "x.test" },
		{ "Pub @ Home <a@x.test>", "x.test" },
		{ "=?utf-8?q?a?=@x.test", "x.test" },
		{ "Doe, Jane <a@x.test>, b@x.test", "x.test" },
	}, bad[] = {
		{ "", NULL }, { "a", NULL }, { "<>", NULL }, { ",", NULL },
		{ "undisclosed:;", NULL }, { "x: a@x.test;", NULL },
		{ "a@x.test, b@y.test", NULL },
		{ "a@x.test <b@y.test>", NULL },
		{ "<a@x.test> b@y.test", NULL },
		{ "a@x.test b@y.test", NULL },
		{ "<a@x.test", NULL }, { "a@x.test>", NULL },
		{ "a@@x.test", NULL }, { "@x.test", NULL },
		{ "a@x.test@y.test", NULL },
		{ "<@x.test,@y.test:a@z.test>", NULL },
		{ "<@x.test:a@z.test>", NULL },
		{ "a@[192.0.2.1]", NULL }, { "a@", NULL }, { "a@x..test", NULL },
		{ "\"a@x.test", NULL }, { "(a@x.test", NULL },
		{ "a@-x.test", NULL }, { "Name <foo>", NULL },
		{ "a@x.test, foo", NULL },
		{ "<a@x.test> <b@y.test>", NULL },
		{ "a@x\xe3\x80\x80.test", NULL },
		{ "a, @x.test", NULL }, { "a, b", NULL },
		{ "=?utf-8?q?<a@y.test>?= <a@x.test>", NULL },
		{ "=?utf-8?q?a@y.test?=", NULL },
		{ "=?utf-8?q?a@y.test? <a@x.test>", NULL },
		{ "=?utf-8?q?a,b@y.test?= <a@x.test>", NULL },
		{ "a@y.test b <a@x.test>", NULL },
		{ "a@y.test @ z <a@x.test>", NULL },
		{ "a @ y, b@x.test", NULL }, { "b@x.test, a @ y", NULL },
		{ "<a@x.test> @ y", NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct arena arena = ARENA_INIT;
		struct author a;

		author_parse(&a, slice_str(cases[i].value), &arena);
		CHECK(a.why == NULL, "%s: %s", cases[i].value, a.why);
		CHECK_SLICE(a.domain, cases[i].domain);
		arena_release(&arena);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		struct arena arena = ARENA_INIT;
		struct author a;

		author_parse(&a, slice_str(bad[i].value), &arena);
		CHECK(a.why != NULL, "%s", bad[i].value);
		arena_release(&arena);
	}
}

TEST(authors_are_one_field)
{
	static const struct {
		const char *header, *why;
	} cases[] = {
		{ "Subject: x\r\n\r\nFrom: a@x.test\r\n",
		    "there is no From field" },
		{ "From: a@x.test\r\nFROM : a@x.test\r\n",
		    "there are several From fields" },
		{ "From: a@x.test\r\n", NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct arena arena = ARENA_INIT;
		struct fields f;
		struct author a;

		fields_init(&f, slice_str(cases[i].header));
		author_find(&a, &f, NULL, &arena);
		CHECK(a.why == cases[i].why || strcmp(a.why, cases[i].why) ==
		    0, "%s: %s", cases[i].header, a.why);
		author_find(&a, &f, "unreadable", &arena);
		CHECK(strcmp(a.why, "unreadable") == 0, " ");
		fields_release(&f);
		arena_release(&arena);
	}
}

/* A name of a zone: its DMARC record, or an address, or trouble. */
struct zone {
	const char *name;
	uint32_t type;
	const char *txt; /* NULL: SERVFAIL */
};

static const struct zone zone[] = {
	{ "_dmarc.reject.test", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.sub.test", DNS_TXT,
	    "v=DMARC1; p=reject; sp=quarantine; np=none" },
	{ "real.sub.test", DNS_A, "" },
	{ "_dmarc.strict.test", DNS_TXT,
	    "v=DMARC1; p=reject; adkim=s; aspf=s" },
	{ "_dmarc.pct.test", DNS_TXT, "v=DMARC1; p=reject; pct=30" },
	{ "_dmarc.t.test", DNS_TXT, "v=DMARC1; p=quarantine; t=y" },
	{ "_dmarc.two.test", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.two.test", DNS_TXT, "v=DMARC1; p=none" },
	{ "_dmarc.noise.test", DNS_TXT, "hello" },
	{ "_dmarc.noise.test", DNS_TXT, "v=DMARC1; p=quarantine" },
	{ "_dmarc.bad.test", DNS_TXT, "v=DMARC1; p=what" },
	{ "_dmarc.down.test", DNS_TXT, NULL },
	/* One organization inside another. */
	{ "_dmarc.own.big.test", DNS_TXT, "v=DMARC1; p=reject; psd=n" },
	{ "_dmarc.big.test", DNS_TXT, "v=DMARC1; p=none" },
	{ "_dmarc.two.big.test", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.two.big.test", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.bad.big.test", DNS_TXT, "v=DMARC1" },
	/* A suffix the list does not know. */
	{ "_dmarc.host.test", DNS_TXT, "v=DMARC1; p=reject; sp=reject; psd=y" },
	{ "_dmarc.c1.host.test", DNS_TXT, "v=DMARC1; p=quarantine" },
	/* A record of a public suffix: with psd= it counts, without not. */
	{ "_dmarc.co.uk", DNS_TXT, "v=DMARC1; p=none; sp=reject; psd=y" },
	{ "_dmarc.com", DNS_TXT, "v=DMARC1; p=reject" },
	/* Between the author and an organization without a record. */
	{ "_dmarc.mid.gap.test", DNS_TXT, "v=DMARC1; p=quarantine" },
};

static size_t asked; /* questions of the last run */

static void
answer(struct dmarc *d, const struct dns_question *q)
{
	struct wire_dns_answer a = { .status = WIRE_DNS_NXDOMAIN };
	struct buf rdata[4];

	asked++;
	for (size_t i = 0; i < LEN(zone); i++) {
		if (!slice_eq(q->name, slice_str(zone[i].name)))
			continue;
		if (a.status == WIRE_DNS_NXDOMAIN)
			a.status = WIRE_DNS_NODATA;
		if (q->type != zone[i].type)
			continue;
		a.status = zone[i].txt == NULL ? WIRE_DNS_SERVFAIL :
		    WIRE_DNS_OK;
		if (zone[i].txt == NULL)
			break;
		buf_init(&rdata[a.count], 256);
		buf_addc(&rdata[a.count], (char)strlen(zone[i].txt));
		buf_adds(&rdata[a.count], zone[i].txt);
		a.rdata[a.count] = buf_slice(&rdata[a.count]);
		a.count++;
	}
	dmarc_answer(d, &a);
	for (uint32_t i = 0; i < a.count; i++)
		buf_release(&rdata[i]);
}

/* ids: "SPF result domain", "DKIM result domain", separated by commas. */
static void
vouch(struct dmarc *d, const char *ids)
{
	static const char *const results[] = { "pass", "fail", "temperror" };
	struct slice rest = slice_str(ids), id, method, result;

	while (slice_split(&rest, ',', &id)) {
		slice_split(&id, ' ', &method);
		slice_split(&id, ' ', &result);
		for (size_t i = 0; i < LEN(results); i++)
			if (slice_eq(result, slice_str(results[i])))
				dmarc_vouch(d, slice_eq(method, S("SPF")) ?
				    DMARC_SPF : DMARC_DKIM, results[i], id);
	}
}

static const char *
run(struct dmarc *d, const char *author, const char *ids, unsigned sample)
{
	static char text[200];
	struct dns_question q;

	asked = 0;
	dmarc_init(d, slice_str(author));
	vouch(d, ids);
	while (dmarc_step(d, &q) == MSGAUTH_ASK)
		answer(d, &q);
	dmarc_dispose(d, sample);
	snprintf(text, sizeof(text), "%s %s=%s %s",
	    dmarc_result_name(d->result), d->tag,
	    dmarc_policy_name(d->policy), dmarc_policy_name(d->disposition));
	return text;
}

TEST(dmarc_verdicts)
{
	static const struct {
		const char *author, *ids, *want;
		unsigned sample;
	} cases[] = {
		/* Alignment, RFC 7489 3.1 */
		{ "reject.test", "SPF pass reject.test",
		    "pass p=reject none", 0 },
		{ "reject.test", "SPF pass bounce.reject.test",
		    "pass p=reject none", 0 },
		{ "reject.test", "SPF fail reject.test,DKIM pass reject.test",
		    "pass p=reject none", 0 },
		{ "reject.test", "DKIM pass a.reject.test",
		    "pass p=reject none", 0 },
		{ "reject.test", "DKIM pass other.test,DKIM pass REJECT.test",
		    "pass p=reject none", 0 },
		{ "reject.test", "SPF pass other.test",
		    "fail p=reject reject", 0 },
		{ "reject.test", "SPF fail reject.test,DKIM fail reject.test",
		    "fail p=reject reject", 0 },
		{ "reject.test", "DKIM pass notreject.test,DKIM pass test",
		    "fail p=reject reject", 0 },
		{ "reject.test", "", "fail p=reject reject", 0 },
		{ "reject.test", "DKIM temperror reject.test",
		    "temperror p=reject none", 0 },
		{ "reject.test", "DKIM temperror other.test",
		    "fail p=reject reject", 0 },
		{ "strict.test", "DKIM pass a.strict.test,SPF pass a.strict.test",
		    "fail p=reject reject", 0 },
		{ "strict.test", "DKIM pass strict.test",
		    "pass p=reject none", 0 },
		/* Which policy */
		{ "sub.test", "", "fail p=reject reject", 0 },
		{ "real.sub.test", "", "fail sp=quarantine quarantine", 0 },
		{ "ghost.sub.test", "", "fail np=none none", 0 },
		{ "a.reject.test", "", "fail p=reject reject", 0 },
		{ "none.test", "SPF pass none.test", "none p= none", 0 },
		{ "pct.test", "", "fail p=reject reject", 29 },
		{ "pct.test", "", "fail p=reject quarantine", 30 },
		{ "t.test", "", "fail p=quarantine none", 0 },
		/* Records */
		{ "two.test", "", "none p= none", 0 },
		{ "x.two.test", "", "none p= none", 0 },
		{ "two.big.test", "", "fail p=none none", 0 },
		{ "noise.test", "", "fail p=quarantine quarantine", 0 },
		{ "bad.test", "", "permerror p= none", 0 },
		{ "bad.big.test", "", "permerror p= none", 0 },
		{ "down.test", "", "temperror p= none", 0 },
		{ "a.down.test", "", "temperror p= none", 0 },
		/* psd= */
		{ "own.big.test", "DKIM pass big.test",
		    "fail p=reject reject", 0 },
		{ "own.big.test", "DKIM pass x.own.big.test",
		    "pass p=reject none", 0 },
		{ "a.own.big.test", "DKIM pass b.own.big.test",
		    "pass p=reject none", 0 },
		{ "big.test", "DKIM pass x.own.big.test",
		    "fail p=none none", 0 },
		{ "big.test", "DKIM pass x.big.test", "pass p=none none", 0 },
		{ "c1.host.test", "DKIM pass c2.host.test",
		    "fail p=quarantine quarantine", 0 },
		{ "a.c1.host.test", "DKIM pass c1.host.test",
		    "pass p=quarantine none", 0 },
		{ "c2.host.test", "", "fail sp=reject reject", 0 },
		{ "shop.co.uk", "", "fail sp=reject reject", 0 },
		{ "shop.com", "", "none p= none", 0 },
		{ "a.mid.gap.test", "DKIM pass gap.test",
		    "pass p=quarantine none", 0 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct dmarc d;
		const char *got = run(&d, cases[i].author, cases[i].ids,
		    cases[i].sample);

		CHECK(strcmp(got, cases[i].want) == 0, "%s, %s: %s (%.*s)",
		    cases[i].author, cases[i].ids, got, SLICE_ARG(d.why));
		CHECK(d.why.n > 0, "%s", cases[i].author);
		dmarc_release(&d);
	}
}

TEST(dmarc_walks_are_bounded)
{
	struct dmarc d;
	struct buf name = BUF_INIT(256), ids = BUF_INIT(8192);

	for (int i = 0; i < 120; i++)
		buf_adds(&name, "a.");
	buf_adds(&name, "none.test");
	run(&d, buf_str(&name), "", 0);
	CHECK(asked == LIMIT_DMARC_LABELS, "%zu", asked);
	dmarc_release(&d);
	/* Signatures cannot make it ask without end either. */
	for (int i = 0; i < LIMIT_DMARC_IDENTIFIERS; i++)
		buf_addf(&ids, "DKIM pass %c.x.x.x.x.x.x.big.test,", 'a' + i);
	run(&d, "a.own.big.test", buf_str(&ids), 0);
	CHECK(asked <= LIMIT_DMARC_LOOKUPS, "%zu", asked);
	CHECK(d.result == DMARC_FAIL, " ");
	dmarc_release(&d);
	buf_release(&name);
	buf_release(&ids);
}

TEST(results_of_others_are_read)
{
	struct slice payload = S(" lists.test (a (b)) 1;\r\n dkim=pass (x; y)"
	    " reason=\"a;b\" header.d=A.test header.i=\"@a.test\";"
	    " spf/1 = fail smtp.mailfrom=b@c.test; dmarc=pass (p=none)"
	    " header . from = a.test;");
	struct authres_reader r;
	struct authres_read a;
	struct slice v;

	CHECK(authres_read_begin(&r, payload) == 0, " ");
	CHECK(authres_read_next(&r, &a), " ");
	CHECK_SLICE(a.method, "dkim");
	CHECK_SLICE(a.result, "pass");
	CHECK(authres_read_property(&a, "header", "d", &v), " ");
	CHECK_SLICE(v, "A.test");
	CHECK(authres_read_property(&a, "header", "i", &v), " ");
	CHECK_SLICE(v, "@a.test");
	CHECK(authres_read_next(&r, &a), " ");
	CHECK_SLICE(a.method, "spf");
	CHECK_SLICE(a.result, "fail");
	CHECK(authres_read_property(&a, "smtp", "mailfrom", &v), " ");
	CHECK_SLICE(v, "b@c.test");
	CHECK(authres_read_next(&r, &a), " ");
	CHECK_SLICE(a.method, "dmarc");
	CHECK(authres_read_property(&a, "header", "from", &v), " ");
	CHECK_SLICE(v, "a.test");
	CHECK(!authres_read_next(&r, &a), " ");
	CHECK(authres_read_begin(&r, S(" (only a comment)")) == -1, " ");
	CHECK(authres_read_begin(&r, S("x; none")) == 0 &&
	    !authres_read_next(&r, &a), " ");
}

TESTS(
	T(dmarc_records_are_read),
	T(dmarc_report_addresses),
	T(dmarc_report_options),
	T(organizational_domains),
	T(authors_are_found),
	T(authors_are_one_field),
	T(dmarc_verdicts),
	T(dmarc_walks_are_bounded),
	T(results_of_others_are_read)
)
