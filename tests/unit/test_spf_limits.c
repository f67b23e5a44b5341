#include "msgauth/spf.h"

#include "check.h"

#include "spf_zone.h"

static struct spf
check_zone(const char *zone, const char *from, const char *ip)
{
	struct spf_check check = {
		.helo = S("mail.example.com"),
		.sender = slice_str(from),
		.receiver = S("mx.test"),
		.tell = true,
	};
	struct spf s;

	CHECK(spf_ip_parse(&check.ip, slice_str(ip)) == 0);
	zone_run(zone, &s, &check, SPF_MAILFROM);
	return s;
}

static void
expect(const char *zone, const char *from, const char *ip,
    enum spf_result result)
{
	struct spf s = check_zone(zone, from, ip);

	CHECK(s.result == result, "%s: %s: %.*s", from,
	    spf_result_name(s.result), SLICE_ARG(s.why));
	CHECK(s.asked <= 120, "%zu questions", s.asked);
	spf_release(&s);
}

TEST(loops_end)
{
	static const char zone[] =
	    "r.example.com TXT v=spf1 redirect=r.example.com\n"
	    "i.example.com TXT v=spf1 include:i.example.com -all\n"
	    "a.example.com TXT v=spf1 redirect=b.example.com\n"
	    "b.example.com TXT v=spf1 redirect=a.example.com\n"
	    "x.example.com TXT v=spf1 include:y.example.com -all\n"
	    "y.example.com TXT v=spf1 redirect=x.example.com\n"
	    "w.example.com TXT v=spf1 include:%{d1r}.w.example.com -all\n"
	    "m.example.com TXT v=spf1 include:a.%{d} -all\n";

	expect(zone, "u@r.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@i.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@a.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@x.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@m.example.com", "1.2.3.4", SPF_PERMERROR);
}

/* n terms before "-all", of a form with the number in it. */
static void
terms(struct buf *b, const char *form, int n)
{
	buf_adds(b, "t.example.com TXT v=spf1");
	for (int i = 0; i < n; i++) {
		buf_addc(b, ' ');
		for (const char *p = form; *p != '\0'; p++)
			if (*p == '#')
				buf_addf(b, "%d", i);
			else
				buf_addc(b, *p);
	}
	buf_adds(b, " -all\n");
}

TEST(ten_terms_may_ask)
{
	static const struct {
		const char *form;
		int n;
		enum spf_result result;
	} cases[] = {
		{ "a:h.example.com", 10, SPF_FAIL },
		{ "a:h.example.com", 11, SPF_PERMERROR },
		{ "mx:m.example.com", 10, SPF_FAIL },
		{ "mx:m.example.com", 11, SPF_PERMERROR },
		{ "include:f.example.com", 10, SPF_FAIL },
		{ "include:f.example.com", 11, SPF_PERMERROR },
		{ "exists:v6.example.com exists:h.%{d2}.gone", 1, SPF_FAIL },
		{ "ptr:other.test", 10, SPF_FAIL },
		{ "ptr:other.test", 11, SPF_PERMERROR },
		/* Names that are none are not asked for, but they count. */
		{ "a:x..example.com", 11, SPF_PERMERROR },
		/* Those that do not ask have no limit. */
		{ "ip4:9.9.9.#", 250, SPF_FAIL },
		{ "x#=y", 1000, SPF_FAIL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf zone = BUF_INIT(1 << 20);

		buf_adds(&zone, "h.example.com A 9.9.9.9\n"
		    "m.example.com MX h.example.com\n"
		    "f.example.com TXT v=spf1 -all\n"
		    "v6.example.com AAAA ::1\n"
		    "4.3.2.1.in-addr.arpa PTR h.example.com\n");
		terms(&zone, cases[i].form, cases[i].n);
		print_message("%s * %d\n", cases[i].form, cases[i].n);
		expect(buf_str(&zone), "u@t.example.com", "1.2.3.4",
		    cases[i].result);
		buf_release(&zone);
	}
}

TEST(terms_count_through_all_records)
{
	static const char zone[] =
	    "ok.example.com TXT v=spf1 include:five.example.com "
	    "include:three.example.com -all\n"
	    "over.example.com TXT v=spf1 include:five.example.com "
	    "include:three.example.com a:h.example.com -all\n"
	    "redirect.example.com TXT v=spf1 include:five.example.com "
	    "include:three.example.com redirect=f.example.com\n"
	    "p.example.com TXT v=spf1 include:five.example.com "
	    "a:h.example.com a:h.example.com exists:%{p}.example.com -all\n"
	    "p2.example.com TXT v=spf1 include:five.example.com "
	    "a:h.example.com a:h.example.com a:h.example.com "
	    "exists:%{p}.example.com -all\n"
	    "exp.example.com TXT v=spf1 include:five.example.com "
	    "include:three.example.com -all exp=x.example.com\n"
	    "x.example.com TXT no, %{p}\n"
	    "f.example.com TXT v=spf1 -all\n"
	    "five.example.com TXT v=spf1 a:h.example.com a:h.example.com "
	    "a:h.example.com a:h.example.com a:h.example.com -all\n"
	    "three.example.com TXT v=spf1 a:h.example.com a:h.example.com "
	    "a:h.example.com -all\n"
	    "h.example.com A 9.9.9.9\n";

	expect(zone, "u@ok.example.com", "1.2.3.4", SPF_FAIL);
	expect(zone, "u@over.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@redirect.example.com", "1.2.3.4", SPF_PERMERROR);
	/* The first "p" costs a lookup of its own. */
	expect(zone, "u@p.example.com", "1.2.3.4", SPF_FAIL);
	expect(zone, "u@p2.example.com", "1.2.3.4", SPF_PERMERROR);
	/* The explanation is beyond the limit. */
	expect(zone, "u@exp.example.com", "1.2.3.4", SPF_FAIL);
}

TEST(ten_mx_and_ten_ptr)
{
	struct buf zone = BUF_INIT(1 << 20);

	buf_adds(&zone, "ten.example.com TXT v=spf1 mx -all\n"
	    "eleven.example.com TXT v=spf1 mx -all\n"
	    "a.example.com TXT v=spf1 a -all\n"
	    "first.example.com TXT v=spf1 ptr:last.test ptr:first.test -all\n"
	    "last.example.com TXT v=spf1 ptr:last.test -all\n");
	for (int i = 0; i < 11; i++) {
		buf_addf(&zone, "h%d.test A 9.9.9.9\n"
		    "a.example.com A 9.9.9.%d\n"
		    "eleven.example.com MX h%d.test\n"
		    "4.3.2.1.in-addr.arpa PTR %s.test\n", i, i, i,
		    i == 10 ? "last" : "first");
		if (i < 10)
			buf_addf(&zone, "ten.example.com MX h%d.test\n", i);
	}
	buf_adds(&zone, "first.test A 1.2.3.4\nlast.test A 1.2.3.4\n"
	    "a.example.com A 1.2.3.4\n");
	expect(buf_str(&zone), "u@ten.example.com", "1.2.3.4", SPF_FAIL);
	expect(buf_str(&zone), "u@ten.example.com", "9.9.9.9", SPF_PASS);
	expect(buf_str(&zone), "u@eleven.example.com", "1.2.3.4",
	    SPF_PERMERROR);
	/* What comes first in the answer must not matter. */
	expect(buf_str(&zone), "u@eleven.example.com", "9.9.9.9",
	    SPF_PERMERROR);
	/* Addresses of one name have no limit. */
	expect(buf_str(&zone), "u@a.example.com", "1.2.3.4", SPF_PASS);
	expect(buf_str(&zone), "u@first.example.com", "1.2.3.4", SPF_PASS);
	expect(buf_str(&zone), "u@last.example.com", "1.2.3.4", SPF_FAIL);
	buf_release(&zone);
}

TEST(more_addresses_than_are_passed_on)
{
	struct buf zone = BUF_INIT(1 << 20);

	buf_adds(&zone, "a.example.com TXT v=spf1 a -all\n"
	    "mx.example.com TXT v=spf1 mx -all\n"
	    "mx.example.com MX a.example.com\n"
	    "e.example.com TXT v=spf1 exists:a.example.com -all\n");
	for (int i = 0; i < 300; i++)
		buf_addf(&zone, "a.example.com A 9.9.%d.%d\n", i / 200, i % 200);
	expect(buf_str(&zone), "u@a.example.com", "9.9.0.7", SPF_PASS);
	expect(buf_str(&zone), "u@a.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(buf_str(&zone), "u@mx.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(buf_str(&zone), "u@e.example.com", "1.2.3.4", SPF_PASS);
	buf_release(&zone);
}

TEST(two_empty_answers)
{
	static const char zone[] =
	    "two.example.com TXT v=spf1 a:x1.test mx:x2.test ?all\n"
	    "three.example.com TXT v=spf1 a:x1.test mx:x2.test exists:x3.test "
	    "?all\n"
	    "empty.example.com TXT v=spf1 a:e.test mx:e.test exists:e.test "
	    "?all\n"
	    "e.test EMPTY\n"
	    "mx.example.com TXT v=spf1 mx:m.test mx:m.test ?all\n"
	    "mx3.example.com TXT v=spf1 mx:m.test mx:m.test mx:m.test ?all\n"
	    "m.test MX a.m.test\nm.test MX b.m.test\nm.test MX c.m.test\n"
	    "ptr.example.com TXT v=spf1 ptr a:x1.test a:x2.test ?all\n"
	    "ptrs.example.com TXT v=spf1 ptr:x1.test ptr:x2.test ptr ?all\n"
	    "p.example.com TXT v=spf1 ptr:x1.test ptr a:%{p}.test ?all\n"
	    "nested.example.com TXT v=spf1 include:two.example.com "
	    "exists:x3.test ?all\n";

	expect(zone, "u@two.example.com", "1.2.3.4", SPF_NEUTRAL);
	expect(zone, "u@three.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@empty.example.com", "1.2.3.4", SPF_PERMERROR);
	/* It is terms that count, not the hosts of one. */
	expect(zone, "u@mx.example.com", "1.2.3.4", SPF_NEUTRAL);
	expect(zone, "u@mx3.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@ptr.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@ptrs.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@p.example.com", "1.2.3.4", SPF_PERMERROR);
	expect(zone, "u@nested.example.com", "1.2.3.4", SPF_PERMERROR);
}

TEST(large_records_are_bounded)
{
	struct buf zone = BUF_INIT(1 << 21);

	/* 500 strings. */
	buf_adds(&zone, "s.example.com TXT v=spf1");
	for (int i = 0; i < 500; i++)
		buf_addf(&zone, "| ip4:9.9.%d.%d ", i / 250, i % 250);
	buf_adds(&zone, "| -all\n");
	/* 60 KB of one term; three of them are too much for one check. */
	for (int i = 0; i < 3; i++) {
		buf_addf(&zone, "b%d.example.com TXT v=spf1 x=", i);
		for (int k = 0; k < 60000; k++)
			buf_addc(&zone, 'y');
		if (i < 2)
			buf_addf(&zone, " include:b%d.example.com", i + 1);
		buf_adds(&zone, " -all\n");
	}
	expect(buf_str(&zone), "u@s.example.com", "1.2.3.4", SPF_FAIL);
	expect(buf_str(&zone), "u@s.example.com", "9.9.1.249", SPF_PASS);
	expect(buf_str(&zone), "u@b1.example.com", "1.2.3.4", SPF_FAIL);
	expect(buf_str(&zone), "u@b0.example.com", "1.2.3.4", SPF_PERMERROR);
	buf_release(&zone);
}

TEST(explanations_are_bounded)
{
	struct buf zone = BUF_INIT(1 << 20);
	struct spf s;

	buf_adds(&zone, "t.example.com TXT v=spf1 -all exp=e.example.com\n"
	    "e.example.com TXT ");
	for (int i = 0; i < 10000; i++)
		buf_adds(&zone, "%{s}");
	buf_adds(&zone, "\n");
	s = check_zone(buf_str(&zone), "u@t.example.com", "1.2.3.4");
	CHECK(s.result == SPF_FAIL && s.explanation.n == 0);
	spf_release(&s);
	buf_release(&zone);
}

TEST(time_is_up)
{
	static const char zone[] = "t.example.com TXT v=spf1 -all exp=x.test\n";
	struct spf_check check = { .sender = S("u@t.example.com") };
	struct spf_zone z = { .text = zone };
	struct wire_dns_answer a;
	struct dns_question q;
	struct spf s;

	CHECK(spf_ip_parse(&check.ip, S("1.2.3.4")) == 0);
	spf_init(&s, &check, SPF_MAILFROM);
	CHECK(spf_step(&s, &q) == MSGAUTH_ASK);
	spf_give_up(&s);
	CHECK(spf_step(&s, &q) == MSGAUTH_DONE && s.result == SPF_TEMPERROR);
	spf_release(&s);
	/* The verdict stands when only its explanation is missing. */
	spf_init(&s, &check, SPF_MAILFROM);
	CHECK(spf_step(&s, &q) == MSGAUTH_ASK);
	zone_answer(&z, &q, &a);
	spf_answer(&s, &a);
	CHECK(spf_step(&s, &q) == MSGAUTH_ASK);
	CHECK_SLICE(q.name, "x.test");
	spf_give_up(&s);
	CHECK(spf_step(&s, &q) == MSGAUTH_DONE && s.result == SPF_FAIL);
	spf_release(&s);
	/* No answer at all, and one nobody asked for. */
	spf_init(&s, &check, SPF_MAILFROM);
	CHECK(spf_step(&s, &q) == MSGAUTH_ASK);
	spf_answer(&s, NULL);
	spf_answer(&s, NULL);
	CHECK(spf_step(&s, &q) == MSGAUTH_DONE && s.result == SPF_TEMPERROR);
	spf_release(&s);
	arena_release(&z.arena);
}

TEST(the_rule_that_decided_is_named)
{
	static const char zone[] =
	    "a.test.com TXT v=spf1 ip4:9.9.9.9 include:b.test.com -all\n"
	    "b.test.com TXT v=spf1 ip4:1.2.3.0/24 -all\n"
	    "c.test.com TXT v=spf1 include:d.test.com -all\n"
	    "d.test.com TXT v=spf1 ip4:1.2.3.4/99\n"
	    "e.test.com TXT v=spf1 redirect=a.test.com\n"
	    "f.test.com TXT v=spf1 include:g.test.com\n";
	static const struct {
		const char *from, *ip, *rule, *domain, *inner, *inner_domain;
		size_t asked;
	} cases[] = {
		{ "u@a.test.com", "1.2.3.4", "include:b.test.com", "a.test.com",
		    "ip4:1.2.3.0/24", "b.test.com", 2 },
		{ "u@a.test.com", "4.4.4.4", "-all", "a.test.com", "", "", 2 },
		{ "u@c.test.com", "4.4.4.4", "ip4:1.2.3.4/99", "d.test.com", "",
		    "", 2 },
		{ "u@e.test.com", "9.9.9.9", "ip4:9.9.9.9", "a.test.com", "", "",
		    2 },
		{ "u@f.test.com", "9.9.9.9", "include:g.test.com", "f.test.com",
		    "", "", 2 },
		{ "u@b.test.com", "9.9.9.9", "-all", "b.test.com", "", "", 1 },
		{ "u@h.test.com", "9.9.9.9", "", "", "", "", 1 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct spf s = check_zone(zone, cases[i].from, cases[i].ip);

		CHECK_SLICE(s.rule, cases[i].rule);
		CHECK_SLICE(s.rule_domain, cases[i].domain);
		CHECK_SLICE(s.inner, cases[i].inner);
		CHECK_SLICE(s.inner_domain, cases[i].inner_domain);
		CHECK(s.asked == cases[i].asked, "%zu", s.asked);
		CHECK(s.lookups[0].type == DNS_TXT);
		spf_release(&s);
	}
}

TESTS(T(loops_end), T(ten_terms_may_ask), T(terms_count_through_all_records),
    T(ten_mx_and_ten_ptr), T(more_addresses_than_are_passed_on),
    T(two_empty_answers), T(large_records_are_bounded),
    T(explanations_are_bounded), T(time_is_up),
    T(the_rule_that_decided_is_named))
