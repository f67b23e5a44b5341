#include "msgauth/spf_macro.h"

#include "check.h"

#include "spf_zone.h"

static const struct spf_macros values = {
	.sender = S("strong-bad@email.example.com"),
	.local = S("strong-bad"),
	.origin = S("email.example.com"),
	.domain = S("email.example.com"),
	.ip = S("192.0.2.3"),
	.name = S("mx.example.org"),
	.family = S("in-addr"),
	.helo = S("mx.example.org"),
	.readable = S("192.0.2.3"),
	.receiver = S("mx.test"),
	.now = 1700000000,
};

TEST(macros_of_section_7_4)
{
	static const char *const cases[][2] = {
		{ "%{s}", "strong-bad@email.example.com" },
		{ "%{o}", "email.example.com" },
		{ "%{d}", "email.example.com" },
		{ "%{d4}", "email.example.com" },
		{ "%{d3}", "email.example.com" },
		{ "%{d2}", "example.com" },
		{ "%{d1}", "com" },
		{ "%{dr}", "com.example.email" },
		{ "%{d2r}", "example.email" },
		{ "%{l}", "strong-bad" },
		{ "%{l-}", "strong.bad" },
		{ "%{lr}", "strong-bad" },
		{ "%{lr-}", "bad.strong" },
		{ "%{l1r-}", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}",
		    "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		    "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
		{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		    "3.2.0.192.in-addr.strong.lp._spf.example.com" },
		{ "%{d2}.trusted-domains.example.net",
		    "example.com.trusted-domains.example.net" },
		/* ours */
		{ "%%%_%-", "% %20" },
		{ "%{S}", "strong-bad%40email.example.com" },
		{ "%{D2R}", "example.email" },
		{ "%{d127}", "email.example.com" },
		{ "%{d99999999999999999999999}", "email.example.com" },
		{ "%{s+@-}", "strong.bad" },
		{ "%{p}/%{h}", "mx.example.org/mx.example.org" },
		{ "%{c} %{r} %{t}", "192.0.2.3 mx.test 1700000000" },
		{ "%%{d}", "%{d}" },
		{ "", "" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice text = slice_str(cases[i][0]);
		struct buf out = BUF_INIT(1024);
		const char *why = "";
		bool odd = strcmp(cases[i][0], "%{s+@-}") == 0;

		/* "@" is no delimiter. */
		CHECK((spf_macro_check(text, true, true, &why) == -1) == odd,
		    "%s: %s", cases[i][0], why);
		if (!odd) {
			spf_macro_expand(text, &values, &out);
			CHECK_SLICE(buf_slice(&out), cases[i][1]);
		}
		buf_release(&out);
	}
}

TEST(delimiters_split_and_dots_join)
{
	struct spf_macros v = values;
	static const char *const cases[][3] = {
		{ "a+b-c", "%{l+-}", "a.b.c" },
		{ "a+b-c", "%{l2+-}", "b.c" },
		{ "a+b-c", "%{l2r+-}", "b.a" },
		{ "a,b/c_d=e", "%{l,/_=}", "a.b.c.d.e" },
		{ "a..b", "%{lr}", "b..a" },
		{ ".a.", "%{l1}", "" },
		{ "jack&jill=up", "%{L}", "jack%26jill%3Dup" },
		{ "a~b_c.d-e", "%{L}", "a~b_c.d-e" },
		{ "j\xc3\xb6", "%{L}", "j%C3%B6" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf out = BUF_INIT(1024);

		v.local = slice_str(cases[i][0]);
		spf_macro_expand(slice_str(cases[i][1]), &v, &out);
		CHECK_SLICE(buf_slice(&out), cases[i][2]);
		buf_release(&out);
	}
}

TEST(malformed_macros_are_refused)
{
	static const char *const bad[] = { "%", "%a", "%(d)", "%{", "%{d",
		"%{d.", "%{}", "%{a}", "%{z}", "%{d0}", "%{d00}", "%{dr2}",
		"%{drr}", "%{d.r}", "%{d:}", "%{-}", "%{ d}", "%{d }", "%{i}%",
		"a b", "a\tb", "\x7f", "\x80", "%{c}", "%{R}", "%{t}" };
	static const char *const domains[] = { "", ".", "com", "com.",
		"a..", "example.com..", "example.com:80", "1.2.3.4",
		"example.-a", "example.a-", "%{d}.", "%{d}.1", "%{d}x",
		"example.c_m", "a.b/24", "%{d}a.b%" };
	static const char *const fine[] = { "example.com", "example.com.",
		"%{d}", "a.%{d}", "a%%", "%_", "_spf.example.com", "%{d}.com",
		"a.1a", "a.a-1", ".com", "a..com", "y.com", "%%{d}.com" };

	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(spf_macro_check(slice_str(bad[i]), false, false, NULL) ==
		    -1, "%s", bad[i]);
	CHECK(spf_macro_check(S("a\0b"), true, true, NULL) == -1);
	for (size_t i = 0; i < LEN(domains); i++)
		CHECK(spf_macro_check_domain(slice_str(domains[i]), NULL) == -1,
		    "%s", domains[i]);
	for (size_t i = 0; i < LEN(fine); i++)
		CHECK(spf_macro_check_domain(slice_str(fine[i]), NULL) == 0,
		    "%s", fine[i]);
}

TEST(names_may_have_blanks)
{
	struct spf_macros v = values;
	struct buf name = BUF_INIT(1024);
	const char *why;

	CHECK(spf_macro_name(S("a%_%%b%-c.test"), &v, &name, &why) == 0);
	CHECK_SLICE(buf_slice(&name), "a %b%20c.test");
	buf_release(&name);
}

TEST(names_are_cut_on_the_left)
{
	static const char label[] =
	    "123456789012345678901234567890123456789012345678901234567890123";
	struct spf_macros v = values;
	struct buf spec = BUF_INIT(1 << 20), name = BUF_INIT(1 << 20);
	const char *why;

	/* 4 * 64 + 11 octets: the first label has to go. */
	for (int i = 0; i < 4; i++)
		buf_addf(&spec, "%s.", label);
	buf_adds(&spec, "example.com.");
	CHECK(spf_macro_name(buf_slice(&spec), &v, &name, &why) == 0);
	CHECK(name.n == 3 * 64 + 11, "%zu", name.n);
	/* Thousands of macros, of which the last ones count. */
	buf_clear(&spec);
	buf_clear(&name);
	for (int i = 0; i < 20000; i++)
		buf_adds(&spec, "%{s}.");
	buf_adds(&spec, "%{d}");
	CHECK(spf_macro_name(buf_slice(&spec), &v, &name, &why) == 0);
	CHECK(name.n <= 253 && name.n > 253 - 30, "%zu", name.n);
	CHECK(slice_ends(buf_slice(&name), S("example.com.email.example.com")));
	/* One label that never ends is no name. */
	buf_clear(&spec);
	buf_clear(&name);
	for (int i = 0; i < 20000; i++)
		buf_adds(&spec, "%{l}");
	CHECK(spf_macro_name(buf_slice(&spec), &v, &name, &why) == -1);
	CHECK(name.n < 8192);
	buf_release(&spec);
	buf_release(&name);
}

/* Through whole records: what the machine puts in. */
struct macro_case {
	const char *from, *ip, *helo, *explanation;
};

TEST(macros_in_records)
{
	static const char zone[] =
	    "e.test.com TXT v=spf1 -all exp=exp.%{d}\n"
	    "exp.e.test.com TXT %{c} %{i} %{v} %{h} %{s} %{o} %{d} %{p} %{r}"
	    " %{t}%_%%%-\n"
	    "r.test.com TXT v=spf1 redirect=e.test.com\n"
	    "p.test.com TXT v=spf1 -all exp=p-exp.test.com\n"
	    "p-exp.test.com TXT from %{p}\n"
	    "url.test.com TXT v=spf1 -all exp=url-exp.test.com\n"
	    "url-exp.test.com TXT http://x.test/?l=%{L}&i=%{I}&d=%{D}&s=%{S}\n"
	    "q.test.com TXT v=spf1 -exists:%{ir}.%{v}.%{l1r+-}._spf.%{d2} "
	    "+all exp=q-exp.test.com\n"
	    "4.3.2.1.in-addr.eater._spf.test.com A 127.0.0.2\n"
	    "q-exp.test.com TXT listed\n"
	    "h.test.com TXT v=spf1 -include:_h.%{d2} ip4:1.2.3.0/24 -all "
	    "exp=q-exp.test.com\n"
	    "_h.test.com TXT v=spf1 -a:%{h} +all\n"
	    "mail.test.com A 1.2.3.4\n"
	    "4.3.2.1.in-addr.arpa PTR other.example.org\n"
	    "4.3.2.1.in-addr.arpa PTR mx.p.test.com\n"
	    "4.3.2.1.in-addr.arpa PTR mx.e.test.com\n"
	    "other.example.org A 1.2.3.4\n"
	    "mx.e.test.com A 1.2.3.4\n"
	    "mx.p.test.com A 1.2.3.4\n"
	    "5.3.2.1.in-addr.arpa PTR fake.test.com\n"
	    "fake.test.com A 9.9.9.9\n";
	static const struct macro_case cases[] = {
		{ "lyme.eater@e.test.com", "1.2.3.4", "mail.test.com",
		    "1.2.3.4 1.2.3.4 in-addr mail.test.com "
		    "lyme.eater@e.test.com e.test.com e.test.com mx.e.test.com "
		    "mx.test 1700000000 %%20" },
		{ "a@e.test.com", "2001:db8::cb01", "h",
		    "2001:db8::cb01 2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0."
		    "0.0.0.0.0.0.0.C.B.0.1 ip6 h a@e.test.com e.test.com "
		    "e.test.com unknown mx.test 1700000000 %%20" },
		/* "o" stays, "d" follows the records */
		{ "a@r.test.com", "1.2.3.5", "h",
		    "1.2.3.5 1.2.3.5 in-addr h a@r.test.com r.test.com "
		    "e.test.com unknown mx.test 1700000000 %%20" },
		{ "a@p.test.com", "1.2.3.4", "h", "from mx.p.test.com" },
		{ "a@p.test.com", "1.2.3.5", "h", "from unknown" },
		{ "a@p.test.com", "1.2.3.6", "h", "from unknown" },
		{ "jack&jill=up@url.test.com", "1.2.3.4", "h",
		    "http://x.test/?l=jack%26jill%3Dup&i=1.2.3.4&d=url.test.com"
		    "&s=jack%26jill%3Dup%40url.test.com" },
		{ "x-eater@q.test.com", "1.2.3.4", "h", "" },
		{ "eater-x@q.test.com", "1.2.3.4", "h", "listed" },
		/* A HELO name that is none matches nothing. */
		{ "a@h.test.com", "1.2.3.4", "OEMCOMPUTER", "listed" },
		{ "a@h.test.com", "1.2.3.4", "[1.2.3.4]", "listed" },
		{ "a@h.test.com", "1.2.3.4", "JUMPIN' JUPITER", "listed" },
		{ "a@h.test.com", "1.2.3.4", "mail.test.com", "" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct spf_check check = {
			.helo = slice_str(cases[i].helo),
			.sender = slice_str(cases[i].from),
			.receiver = S("mx.test"),
			.now = 1700000000,
		};
		struct spf s;

		CHECK(spf_ip_parse(&check.ip, slice_str(cases[i].ip)) == 0);
		zone_run(zone, &s, &check, SPF_MAILFROM);
		CHECK(s.result == (cases[i].explanation[0] != '\0' ? SPF_FAIL :
		    SPF_PASS), "%zu: %s: %.*s", i, spf_result_name(s.result),
		    SLICE_ARG(s.why));
		CHECK_SLICE(s.explanation, cases[i].explanation);
		spf_release(&s);
	}
}

TEST(local_parts_in_utf8_match_nothing)
{
	/* RFC 8616 section 4. */
	static const char zone[] =
	    "a.test.com TXT v=spf1 exists:%{l}.test.com -all\n"
	    "j\xc3\xb6.test.com A 1.2.3.4\n";
	struct spf_check check = { .sender = S("j\xc3\xb6@a.test.com") };
	struct spf s;

	CHECK(spf_ip_parse(&check.ip, S("1.2.3.4")) == 0);
	zone_run(zone, &s, &check, SPF_MAILFROM);
	CHECK(s.result == SPF_FAIL);
	spf_release(&s);
}

TESTS(T(macros_of_section_7_4), T(delimiters_split_and_dots_join),
    T(malformed_macros_are_refused), T(names_may_have_blanks),
    T(names_are_cut_on_the_left),
    T(macros_in_records), T(local_parts_in_utf8_match_nothing))
