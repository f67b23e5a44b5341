#include "msgauth/spf.h"

#include "check.h"

#include "spf_zone.h"

struct spf_case {
	const char *from;
	const char *ip;
	const char *helo;
	enum spf_result result;
	const char *explanation; /* NULL: any */
};

#define IP4 "1.2.3.4"
#define IP6 "2001:db8::1"
#define HELO "mail.example.com"

static void
run_cases(const char *zone, const struct spf_case *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct spf_case *c = &list[i];
		struct spf_check check = {
			.helo = slice_str(c->helo),
			.sender = slice_str(c->from),
			.receiver = S("mx.test"),
			.now = 1700000000,
			.tell = true,
		};
		struct spf s;

		CHECK(spf_ip_parse(&check.ip, slice_str(c->ip)) == 0, "%s",
		    c->ip);
		zone_run(zone, &s, &check, SPF_MAILFROM);
		CHECK(s.result == c->result, "%s from %s (%zu): %s: %.*s",
		    c->from, c->ip, i, spf_result_name(s.result),
		    SLICE_ARG(s.why));
		CHECK(s.why.n > 0, "%s has no reason", c->from);
		if (c->explanation != NULL)
			CHECK_SLICE(s.explanation, c->explanation);
		spf_release(&s);
	}
}

#define RUN(zone, list) run_cases(zone, list, LEN(list))

/* --- initial processing, sections 2.3, 2.4, 4.3 --- */

TEST(what_is_no_domain_is_not_checked)
{
	static const char zone[] =
	    "example.com TXT v=spf1 -all exp=exp.example.com\n"
	    "exp.example.com TXT %{l} of %{o} via %{h}\n"
	    "mail.example.com TXT v=spf1 ip4:1.2.3.4 -all\n"
	    "a23456789012345678901234567890123456789012345678901234567890123"
	    ".example.com TXT v=spf1 -all\n"
	    "xn--bcher-kva.example.com TXT v=spf1 -all exp=exp.example.com\n";
	static const struct spf_case cases[] = {
		{ "a@example.com", IP4, HELO, SPF_FAIL,
		    "a of example.com via mail.example.com" },
		{ "a@EXAMPLE.com", IP4, HELO, SPF_FAIL, NULL },
		{ "a@example.com.", IP4, HELO, SPF_FAIL, NULL },
		{ "a@b@example.com", IP4, HELO, SPF_FAIL, NULL },
		{ "\"a@b\"@example.com", IP4, HELO, SPF_FAIL,
		    "\"a@b\" of example.com via mail.example.com" },
		/* 63 octets are a label, 64 are none. */
		{ "a@a23456789012345678901234567890123456789012345678901234567"
		  "890123.example.com", IP4, HELO, SPF_FAIL, NULL },
		{ "a@a23456789012345678901234567890123456789012345678901234567"
		  "8901234.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@b..example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@com", IP4, HELO, SPF_NONE, NULL },
		{ "a@[1.2.3.4]", IP4, HELO, SPF_NONE, NULL },
		{ "a@[IPv6:::1]", IP4, HELO, SPF_NONE, NULL },
		{ "a@1.2.3.4", IP4, HELO, SPF_NONE, NULL },
		{ "a@other.test", IP4, HELO, SPF_NONE, NULL },
		/* No local part: postmaster. */
		{ "@example.com", IP4, HELO, SPF_FAIL,
		    "postmaster of example.com via mail.example.com" },
		/* The null path: postmaster at the HELO name. */
		{ "", IP4, "example.com", SPF_FAIL,
		    "postmaster of example.com via example.com" },
		{ "", IP4, "mail.example.com", SPF_PASS, NULL },
		{ "", IP4, "A2345678", SPF_NONE, NULL },
		{ "", IP4, "[1.2.3.5]", SPF_NONE, NULL },
		{ "", IP4, "", SPF_NONE, NULL },
		{ "", IP4, "a b.example.com", SPF_NONE, NULL },
		/* U-labels are looked up as A-labels. */
		{ "a@b\xc3\xbc" "cher.example.com", IP4, HELO, SPF_FAIL,
		    "a of xn--bcher-kva.example.com via mail.example.com" },
		{ "a@B\xc3\x9c" "cher.example.com", IP4, HELO, SPF_FAIL, NULL },
		{ "", IP4, "b\xc3\xbc" "cher.example.com", SPF_FAIL, NULL },
		{ "a@\xff.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "j\xc3\xb6@example.com", IP4, HELO, SPF_FAIL,
		    "j?? of example.com via mail.example.com" },
	};

	RUN(zone, cases);
}

TEST(addresses_are_of_one_family)
{
	struct spf_ip ip;
	struct buf b = BUF_INIT(256);

	CHECK(spf_ip_parse(&ip, S("::ffff:192.0.2.3")) == 0 && !ip.v6);
	spf_ip_text(&ip, &b);
	CHECK_SLICE(buf_slice(&b), "192.0.2.3");
	buf_clear(&b);
	spf_ip_reverse(&ip, &b);
	CHECK_SLICE(buf_slice(&b), "3.2.0.192.in-addr.arpa");
	buf_clear(&b);
	CHECK(spf_ip_parse(&ip, S("2001:db8::cb01")) == 0 && ip.v6);
	spf_ip_reverse(&ip, &b);
	CHECK_SLICE(buf_slice(&b), "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	CHECK(spf_ip_parse(&ip, S("1.2.3")) == -1);
	CHECK(spf_ip_parse(&ip, S("")) == -1);
	CHECK(spf_ip_parse(&ip, S("1.2.3.4\0x")) == -1);
	buf_release(&b);
}

/* --- record lookup and selection, sections 4.4, 4.5 --- */

TEST(one_record_is_selected)
{
	static const char zone[] =
	    "t1.example.com TXT v=spf10\n"
	    "t2.example.com TXT v=spf1-all\n"
	    "t3.example.com TXT v=spf1\n"
	    "t4.example.com TXT v=spf1 \n"
	    "t5.example.com TXT v=spf1| -all\n"
	    "t6.example.com TXT v=spf1 -a|ll\n"
	    "t7.example.com TXT V=sPf1 ~aLL\n"
	    "t8.example.com TXT v=spf1 -all\n"
	    "t8.example.com TXT v=spf1 +all\n"
	    "t9.example.com TXT v=spf1 -all\n"
	    "t9.example.com TXT google-site-verification=x\n"
	    "t9.example.com TXT v=spf10 +all\n"
	    "t9.example.com TXT \\x96\n"
	    "t10.example.com TXT  v=spf1 -all\n"
	    "t11.example.com A 1.2.3.4\n"
	    "t12.example.com TXT SERVFAIL\n"
	    "t13.example.com TXT v=spf2.0/pra -all\n"
	    "t14.example.com TXT v=spf1 -all\n"
	    "t14.example.com TXT v=spf1 moo\n"
	    "t15.example.com TXT v=spf1\t-all\n"
	    "t16.example.com TXT v=spf1|-all\n"
	    "t17.example.com TXT v=spf1 ~all| ip4:1.2.3.4 \n";
	static const struct spf_case cases[] = {
		{ "a@t1.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@t2.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@t3.example.com", IP4, HELO, SPF_NEUTRAL, NULL },
		{ "a@t4.example.com", IP4, HELO, SPF_NEUTRAL, NULL },
		{ "a@t5.example.com", IP4, HELO, SPF_FAIL, NULL },
		{ "a@t6.example.com", IP4, HELO, SPF_FAIL, NULL },
		{ "a@t7.example.com", IP4, HELO, SPF_SOFTFAIL, NULL },
		{ "a@t8.example.com", IP4, HELO, SPF_PERMERROR, NULL },
		{ "a@t9.example.com", IP4, HELO, SPF_FAIL, NULL },
		{ "a@t10.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@t11.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@t12.example.com", IP4, HELO, SPF_TEMPERROR, NULL },
		{ "a@t13.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@t14.example.com", IP4, HELO, SPF_PERMERROR, NULL },
		{ "a@t15.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@t16.example.com", IP4, HELO, SPF_NONE, NULL },
		{ "a@t17.example.com", IP4, HELO, SPF_SOFTFAIL, NULL },
	};

	RUN(zone, cases);
}

/* --- record evaluation and the syntax of every term --- */

/* The record of t.example.com, asked for from both families. */
struct record_case {
	const char *record;
	enum spf_result v4, v6;
};

static const char hosts[] =
    "mail.example.com A 1.2.3.4\n"
    "mail.example.com AAAA 2001:db8::1\n"
    "near.example.com A 1.2.3.7\n"
    "near.example.com AAAA 2001:db8::ff\n"
    "many.example.com A 9.9.9.9\n"
    "many.example.com A 1.2.3.4\n"
    "only4.example.com A 1.2.3.4\n"
    "only6.example.com AAAA 2001:db8::1\n"
    "bad.example.com A SERVFAIL\n"
    "bad.example.com AAAA SERVFAIL\n"
    "bad.example.com MX SERVFAIL\n"
    "bad.example.com TXT SERVFAIL\n"
    "foo:bar/baz.example.com A 1.2.3.4\n"
    "foo:bar/baz.example.com AAAA 2001:db8::1\n"
    "mx.example.com MX away.example.com\n"
    "mx.example.com MX mail.example.com\n"
    "away.example.com A 9.9.9.9\n"
    "away.example.com AAAA ::9\n"
    "nullmx.example.com MX .\n"
    "nullmx.example.com A 1.2.3.4\n"
    "badmx.example.com MX bad.example.com\n"
    "t.example.com A 1.2.3.4\n"
    "t.example.com AAAA 2001:db8::1\n"
    "t.example.com MX mail.example.com\n"
    "foo.example.xn--zckzah A 1.2.3.4\n"
    "foo.example.xn--zckzah AAAA 2001:db8::1\n"
    "pass.example.com TXT v=spf1 +all\n"
    "fail.example.com TXT v=spf1 -all\n"
    "soft.example.com TXT v=spf1 ~all\n"
    "neutral.example.com TXT v=spf1 ?all\n"
    "broken.example.com TXT v=spf1 moo\n"
    "no.example.com EMPTY\n"
    "4.3.2.1.in-addr.arpa PTR mail.example.com\n"
    "4.3.2.1.in-addr.arpa PTR fake.example.org\n"
    "fake.example.org A 9.9.9.9\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    " PTR MAIL.example.com\n";

static void
run_records(const struct record_case *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf zone = BUF_INIT(1 << 18);
		struct spf_case cases[] = {
			{ "a@t.example.com", IP4, HELO, list[i].v4, NULL },
			{ "a@t.example.com", IP6, HELO, list[i].v6, NULL },
		};

		buf_addf(&zone, "%st.example.com TXT v=spf1 %s\n", hosts,
		    list[i].record);
		print_message("%s\n", list[i].record);
		RUN(buf_str(&zone), cases);
		buf_release(&zone);
	}
}

#define BOTH(record, result) { record, SPF_##result, SPF_##result }
#define RECORDS(list) run_records(list, LEN(list))

TEST(records_are_checked_as_a_whole)
{
	static const struct record_case cases[] = {
		BOTH("ip4:1.2.3.4 ip6:2001:db8::1 -all moo", PERMERROR),
		BOTH("+all ip4:1.2.3.4/33", PERMERROR),
		BOTH("  -all  ", FAIL),
		BOTH("a -all \\x01", PERMERROR),
		BOTH("a:\\xef\\xbb\\xbfgarbage.example.com -all", PERMERROR),
		BOTH("\\x80a:example.com -all", PERMERROR),
		BOTH("a:mail.example.com \\x96all", PERMERROR),
		BOTH("a:mail.example.com\\x0dptr -all", PERMERROR),
		BOTH("moo.cow-far_out=man:dog/cat +all", PASS),
		BOTH("moo.cow/far_out=man:dog/cat +all", PERMERROR),
		BOTH("moo.cow:far_out=man:dog/cat +all", PERMERROR),
		BOTH("=all", PERMERROR),
		BOTH("?all =test", PERMERROR),
		BOTH("8=x -all", PERMERROR),
		BOTH("default=%bogus -all", PERMERROR),
		BOTH("default=+", NEUTRAL),
		BOTH("m=%{a} -all", PERMERROR),
		BOTH("m=%{c}%{r}%{t} -all", FAIL),
		BOTH("m= -all", FAIL),
		BOTH("m=1 m=2 -all", FAIL),
		BOTH("op=auth ?all", NEUTRAL),
		BOTH("~redirect=pass.example.com", PERMERROR),
		BOTH("redirect:pass.example.com", PERMERROR),
		BOTH("redirect", PERMERROR),
		BOTH("", NEUTRAL),
		BOTH("ip4:9.9.9.9 ip6:::9", NEUTRAL),
		BOTH("++all", PERMERROR),
		BOTH("- all", PERMERROR),
		BOTH("v=spf1 -all", FAIL), /* a modifier named "v" */
	};

	RECORDS(cases);
}

TEST(all)
{
	static const struct record_case cases[] = {
		BOTH("-all", FAIL), BOTH("~all", SOFTFAIL),
		BOTH("?all", NEUTRAL), BOTH("+all", PASS), BOTH("all", PASS),
		BOTH("-ALL", FAIL), BOTH("all -all", PASS),
		BOTH("-all.", PERMERROR), BOTH("-all:foobar", PERMERROR),
		BOTH("-all/8", PERMERROR), BOTH("-all:", PERMERROR),
		BOTH("~all redirect=pass.example.com", SOFTFAIL),
		BOTH("redirect=pass.example.com ~all", SOFTFAIL),
	};

	RECORDS(cases);
}

TEST(a)
{
	static const struct record_case cases[] = {
		BOTH("a -all", PASS), BOTH("A -all", PASS),
		BOTH("-a +all", FAIL),
		BOTH("a:mail.example.com -all", PASS),
		BOTH("a:mail.example.com. -all", PASS),
		{ "a:many.example.com -all", SPF_PASS, SPF_FAIL },
		{ "a:only4.example.com -all", SPF_PASS, SPF_FAIL },
		{ "a:only6.example.com -all", SPF_FAIL, SPF_PASS },
		BOTH("a:near.example.com -all", FAIL),
		{ "a:near.example.com/24 -all", SPF_PASS, SPF_FAIL },
		{ "a:near.example.com//64 -all", SPF_FAIL, SPF_PASS },
		{ "a:near.example.com/31//121 -all", SPF_FAIL, SPF_FAIL },
		BOTH("a:near.example.com/29//120 -all", PASS),
		BOTH("a/0 -all", PASS),
		{ "a:near.example.com/0 -all", SPF_PASS, SPF_FAIL },
		{ "a:near.example.com//0 -all", SPF_FAIL, SPF_PASS },
		BOTH("a:gone.example.com/0//0 -all", FAIL),
		BOTH("a/33", PERMERROR), BOTH("a//129", PERMERROR),
		BOTH("a/032", PERMERROR), BOTH("a//00", PERMERROR),
		BOTH("a/", PERMERROR), BOTH("a//", PERMERROR),
		BOTH("a/-1", PERMERROR), BOTH("a//33/8", PERMERROR),
		BOTH("a/24/64", PERMERROR), BOTH("a/24///64", PERMERROR),
		BOTH("a/99999999999999999999", PERMERROR),
		BOTH("a:mail.example.com/24:8080", PERMERROR),
		BOTH("a:mail.example.com:8080", PERMERROR),
		BOTH("a:mail.example.com/", PERMERROR),
		BOTH("a:", PERMERROR), BOTH("a:/24", PERMERROR),
		BOTH("a=mail.example.com -all", FAIL), /* a modifier */
		BOTH("a:111.222.33.44", PERMERROR),
		BOTH("a:abc.123", PERMERROR),
		BOTH("a:example.-com", PERMERROR),
		BOTH("a:example.com-", PERMERROR),
		BOTH("a:museum", PERMERROR), BOTH("a:museum.", PERMERROR),
		BOTH("a:mail.example.com\\x00", PERMERROR),
		BOTH("a:mail.example.com\\x00.example.com", PERMERROR),
		BOTH("a:foo.example.xn--zckzah -all", PASS),
		BOTH("a:foo:bar/baz.example.com -all", PASS),
		BOTH("a:bad.example.com -all", TEMPERROR),
		BOTH("a:.example.com -all", FAIL),
		BOTH("a:test..example.com -all", FAIL),
		BOTH("ax -all", PERMERROR),
	};

	RECORDS(cases);
}

TEST(mx)
{
	static const struct record_case cases[] = {
		BOTH("mx -all", PASS),
		BOTH("mx:mx.example.com -all", PASS),
		BOTH("mx:mail.example.com -all", FAIL), /* no implicit MX */
		BOTH("mx:nullmx.example.com -all", FAIL),
		BOTH("mx:gone.example.com ?all", NEUTRAL),
		BOTH("mx:bad.example.com -all", TEMPERROR),
		BOTH("mx:badmx.example.com -all", TEMPERROR),
		BOTH("mx//129", PERMERROR), BOTH("mx/33", PERMERROR),
		BOTH("mx:", PERMERROR), BOTH("mx:abc.123", PERMERROR),
		BOTH("mx:mx.example.com/8//8 -all", PASS),
		BOTH("mx:mx.example.com:80", PERMERROR),
		BOTH("mx:foo:bar/baz.example.com -all", FAIL),
		BOTH("mx/0//0 -all", PASS),
	};

	RECORDS(cases);
}

TEST(ptr)
{
	static const struct record_case cases[] = {
		BOTH("ptr -all", FAIL), /* t.example.com has no such name */
		BOTH("ptr:example.com -all", PASS),
		BOTH("ptr:EXAMPLE.com -all", PASS),
		BOTH("ptr:mail.example.com -all", PASS),
		BOTH("ptr:ample.com -all", FAIL),
		BOTH("ptr:x.mail.example.com -all", FAIL),
		BOTH("ptr:example.org -all", FAIL), /* not validated */
		BOTH("ptr:%{d2} -all", PASS),
		BOTH("ptr/0 -all", PERMERROR), BOTH("ptr:", PERMERROR),
		BOTH("ptr:example.com/24", PERMERROR),
	};
	static const struct spf_case strange[] = {
		{ "a@t.example.com", "9.8.7.6", HELO, SPF_FAIL, NULL },
		{ "a@u.example.com", "9.8.7.6", HELO, SPF_NEUTRAL, NULL },
		{ "a@u.example.com", "9.8.7.5", HELO, SPF_NEUTRAL, NULL },
		{ "a@u.example.com", "9.8.7.4", HELO, SPF_PASS, NULL },
	};

	RECORDS(cases);
	/* No PTR, a DNS that fails, one bad name among good ones. */
	RUN("t.example.com TXT v=spf1 ptr -all\n"
	    "u.example.com TXT v=spf1 ptr ?all\n"
	    "5.7.8.9.in-addr.arpa PTR SERVFAIL\n"
	    "4.7.8.9.in-addr.arpa PTR a.u.example.com\n"
	    "4.7.8.9.in-addr.arpa PTR b.u.example.com\n"
	    "a.u.example.com A SERVFAIL\n"
	    "b.u.example.com A 9.8.7.4\n", strange);
}

TEST(include)
{
	static const struct record_case cases[] = {
		BOTH("include:pass.example.com -all", PASS),
		BOTH("-include:pass.example.com +all", FAIL),
		BOTH("~include:pass.example.com", SOFTFAIL),
		BOTH("include:fail.example.com ~all", SOFTFAIL),
		BOTH("include:soft.example.com -all", FAIL),
		BOTH("include:neutral.example.com -all", FAIL),
		BOTH("include:bad.example.com -all", TEMPERROR),
		BOTH("include:broken.example.com -all", PERMERROR),
		BOTH("include:no.example.com -all", PERMERROR),
		BOTH("include:gone.example.com -all", PERMERROR),
		BOTH("include -all", PERMERROR),
		BOTH("include: -all", PERMERROR),
		BOTH("include:pass.example.com/24 -all", PERMERROR),
		BOTH("include:%{l} -all", PERMERROR), /* "a" is no name */
		BOTH("include:PASS.example.com. -all", PASS),
	};

	RECORDS(cases);
}

TEST(exists)
{
	static const struct record_case cases[] = {
		BOTH("exists:mail.example.com -all", PASS),
		BOTH("exists:only4.example.com -all", PASS),
		BOTH("exists:only6.example.com -all", FAIL),
		BOTH("exists:gone.example.com -all", FAIL),
		BOTH("exists:bad.example.com -all", TEMPERROR),
		BOTH("exists:", PERMERROR), BOTH("exists", PERMERROR),
		BOTH("exists:mail.example.com/8", PERMERROR),
	};

	RECORDS(cases);
}

TEST(networks)
{
	static const struct record_case cases[] = {
		{ "ip4:1.2.3.4 -all", SPF_PASS, SPF_FAIL },
		{ "IP4:1.2.3.4/32 -all", SPF_PASS, SPF_FAIL },
		{ "ip4:1.1.1.1/0 -all", SPF_PASS, SPF_FAIL },
		{ "ip4:1.2.3.0/24 -all", SPF_PASS, SPF_FAIL },
		{ "ip4:1.2.3.0/30 -all", SPF_FAIL, SPF_FAIL },
		BOTH("ip4:1.2.3.4/33", PERMERROR),
		BOTH("ip4:1.2.3.4/032", PERMERROR),
		BOTH("ip4:1.2.3.4/", PERMERROR),
		BOTH("ip4:1.2.3.4//32", PERMERROR),
		BOTH("ip4", PERMERROR), BOTH("ip4:", PERMERROR),
		BOTH("ip4/24", PERMERROR),
		BOTH("ip4:1.2.3.4:8080", PERMERROR),
		BOTH("ip4:1.2.3", PERMERROR), BOTH("ip4:1.2.3.", PERMERROR),
		BOTH("ip4:1.2.3.256", PERMERROR),
		BOTH("ip4:1.2.03.4", PERMERROR),
		BOTH("ip4:0x1.2.3.4", PERMERROR),
		BOTH("ip4:2001:db8::1", PERMERROR),
		{ "ip6:2001:db8::1 -all", SPF_FAIL, SPF_PASS },
		{ "ip6:2001:DB8:0:0:0:0:0:1 -all", SPF_FAIL, SPF_PASS },
		{ "ip6:2001:db8::/32 -all", SPF_FAIL, SPF_PASS },
		{ "ip6:2001:db8:8000::/33 -all", SPF_FAIL, SPF_FAIL },
		{ "ip6:::1/0 -all", SPF_FAIL, SPF_PASS },
		{ "ip6:::1.2.3.4 -all", SPF_FAIL, SPF_FAIL },
		BOTH("ip6", PERMERROR), BOTH("ip6:", PERMERROR),
		BOTH("ip6:::1/129", PERMERROR),
		BOTH("ip6:::1//33", PERMERROR),
		BOTH("ip6:::1/-1", PERMERROR),
		BOTH("ip6:1.2.3.4", PERMERROR),
		BOTH("ip6:CAFE:BABE:: 8000", PERMERROR),
		BOTH("ip6:fe80::1%eth0", PERMERROR),
	};
	static const struct spf_case mapped[] = {
		{ "a@t.example.com", "::FFFF:1.2.3.4", HELO, SPF_FAIL, NULL },
	};

	RECORDS(cases);
	/* A mapped client is an IPv4 client; ip6 does not match one. */
	RUN("t.example.com TXT v=spf1 -ip4:1.2.3.4 ip6:::FFFF:1.2.3.4\n",
	    mapped);
}

/* --- modifiers, section 6 --- */

TEST(redirect)
{
	static const struct record_case cases[] = {
		BOTH("redirect=fail.example.com", FAIL),
		BOTH("redirect=pass.example.com", PASS),
		{ "redirect=fail.example.com ip4:1.2.3.4", SPF_PASS, SPF_FAIL },
		BOTH("redirect=no.example.com", PERMERROR),
		BOTH("redirect=gone.example.com", PERMERROR),
		BOTH("redirect=bad.example.com", TEMPERROR),
		BOTH("redirect=broken.example.com", PERMERROR),
		BOTH("redirect=", PERMERROR), BOTH("redirect=com", PERMERROR),
		BOTH("redirect=%{l}", PERMERROR),
		BOTH("redirect=fail.example.com/24", PERMERROR),
		BOTH("redirect=pass.example.com redirect=fail.example.com",
		    PERMERROR),
		BOTH("REDIRECT=pass.example.com", PASS),
		BOTH("include:neutral.example.com redirect=fail.example.com",
		    FAIL),
	};

	RECORDS(cases);
}

TEST(explanations)
{
	static const char zone[] =
	    "exp.example.com TXT Not from here, %{i}.\n"
	    "two.example.com TXT one\n"
	    "two.example.com TXT two\n"
	    "bin.example.com TXT \\xef\\xbb\\xbfexplanation\n"
	    "bad.example.com TXT %{q} is bad\n"
	    "odd.example.com TXT ends in %\n"
	    "err.example.com TXT SERVFAIL\n"
	    "parts.example.com TXT Go| away\n"
	    "e1.example.com TXT v=spf1 exp=exp.example.com -all\n"
	    "e2.example.com TXT v=spf1 -all exp=two.example.com\n"
	    "e3.example.com TXT v=spf1 -all exp=bin.example.com\n"
	    "e4.example.com TXT v=spf1 -all exp=bad.example.com\n"
	    "e5.example.com TXT v=spf1 -all exp=odd.example.com\n"
	    "e6.example.com TXT v=spf1 -all exp=err.example.com\n"
	    "e7.example.com TXT v=spf1 -all exp=gone.example.com\n"
	    "e8.example.com TXT v=spf1 -all exp=parts.example.com\n"
	    "e9.example.com TXT v=spf1 -all exp=\n"
	    "e10.example.com TXT v=spf1 -all exp=%e\n"
	    "e11.example.com TXT v=spf1 -all exp=exp.example.com "
	    "exp=exp.example.com\n"
	    "e12.example.com TXT v=spf1 ~all exp=exp.example.com\n"
	    "e13.example.com TXT v=spf1 redirect=e1.example.com "
	    "exp=parts.example.com\n"
	    "e14.example.com TXT v=spf1 redirect=e15.example.com "
	    "exp=parts.example.com\n"
	    "e15.example.com TXT v=spf1 -all\n"
	    "e16.example.com TXT v=spf1 include:e1.example.com -all "
	    "exp=parts.example.com\n"
	    "e17.example.com TXT v=spf1 include:e1.example.com -all\n"
	    "e18.example.com TXT v=spf1 -include:all.example.com "
	    "exp=parts.example.com\n"
	    "all.example.com TXT v=spf1 +all exp=exp.example.com\n"
	    "e19.example.com TXT v=spf1 -all exp=%{c}.example.com\n"
	    "e20.example.com TXT v=spf1 -all exp=%{l}\n";
	static const struct spf_case cases[] = {
		{ "a@e1.example.com", IP4, HELO, SPF_FAIL,
		    "Not from here, 1.2.3.4." },
		{ "a@e2.example.com", IP4, HELO, SPF_FAIL, "" },
		{ "a@e3.example.com", IP4, HELO, SPF_FAIL, "" },
		{ "a@e4.example.com", IP4, HELO, SPF_FAIL, "" },
		{ "a@e5.example.com", IP4, HELO, SPF_FAIL, "" },
		{ "a@e6.example.com", IP4, HELO, SPF_FAIL, "" },
		{ "a@e7.example.com", IP4, HELO, SPF_FAIL, "" },
		{ "a@e8.example.com", IP4, HELO, SPF_FAIL, "Go away" },
		{ "a@e9.example.com", IP4, HELO, SPF_PERMERROR, "" },
		{ "a@e10.example.com", IP4, HELO, SPF_PERMERROR, "" },
		{ "a@e11.example.com", IP4, HELO, SPF_PERMERROR, "" },
		{ "a@e12.example.com", IP4, HELO, SPF_SOFTFAIL, "" },
		/* redirect brings its own explanation, or none */
		{ "a@e13.example.com", IP4, HELO, SPF_FAIL,
		    "Not from here, 1.2.3.4." },
		{ "a@e14.example.com", IP4, HELO, SPF_FAIL, "" },
		/* include never does */
		{ "a@e16.example.com", IP4, HELO, SPF_FAIL, "Go away" },
		{ "a@e17.example.com", IP4, HELO, SPF_FAIL, "" },
		{ "a@e18.example.com", IP4, HELO, SPF_FAIL, "Go away" },
		{ "a@e19.example.com", IP4, HELO, SPF_PERMERROR, "" },
		{ "a@e20.example.com", IP4, HELO, SPF_FAIL, "" },
	};

	RUN(zone, cases);
}

TESTS(T(what_is_no_domain_is_not_checked), T(addresses_are_of_one_family),
    T(one_record_is_selected), T(records_are_checked_as_a_whole), T(all), T(a),
    T(mx), T(ptr), T(include), T(exists), T(networks), T(redirect),
    T(explanations))
