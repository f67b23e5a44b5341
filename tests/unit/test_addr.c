#include "check.h"

#include "mail/addr.h"

#define ALL (ADDR_UTF8 | ADDR_NULL | ADDR_POSTMASTER)
#define L64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TEST(path_is_accepted_and_formatted)
{
	static const struct {
		const char *in;
		unsigned flags;
		const char *want;
		const char *rest;
	} cases[] = {
		{ "<a@b.test>", 0, "<a@b.test>", "" },
		{ "<A.b@B.Test> SIZE=1", 0, "<A.b@B.Test>", " SIZE=1" },
		{ "<>", ADDR_NULL, "<>", "" },
		{ "<> BODY=7BIT", ADDR_NULL, "<>", " BODY=7BIT" },
		{ "<Postmaster>", ADDR_POSTMASTER, "<Postmaster>", "" },
		{ "<@x.test,@y.test:a@b.test>", 0, "<a@b.test>", "" },
		{ "<\"john\"@b.test>", 0, "<john@b.test>", "" },
		{ "<\"jo\\hn\"@b.test>", 0, "<john@b.test>", "" },
		{ "<\"a b\"@b.test>", 0, "<\"a b\"@b.test>", "" },
		{ "<\"a\\\"b>\"@b.test>", 0, "<\"a\\\"b>\"@b.test>", "" },
		{ "<a@[192.0.2.1]>", 0, "<a@[192.0.2.1]>", "" },
		{ "<a@[IPv6:2001:db8::1]>", 0, "<a@[IPv6:2001:db8::1]>", "" },
		{ "<a%b@c.test>", 0, "<a%b@c.test>", "" },
		{ "<a+b@c_d.test>", 0, "<a+b@c_d.test>", "" },
		{ "<gr\xc3\xbc@b\xc3\xbc.test>", ADDR_UTF8,
			"<gr\xc3\xbc@b\xc3\xbc.test>", "" },
		{ "<" L64 "@b.test>", 0, "<" L64 "@b.test>", "" },
		{ "<a@" L63 ".test>", 0, "<a@" L63 ".test>", "" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		struct buf b = BUF_INIT(1000);
		const char *why = "";
		struct addr a;

		CHECK(addr_parse_path(&in, cases[i].flags, &a, &why) == 0,
		    "%s: %s", cases[i].in, why);
		addr_format_path(&b, &a);
		CHECK_SLICE(buf_slice(&b), cases[i].want);
		CHECK_SLICE(in, cases[i].rest);
		buf_release(&b);
	}
}

TEST(path_is_refused)
{
	static const struct {
		const char *in;
		unsigned flags;
	} cases[] = {
		{ "", ALL }, { "a@b.test", ALL }, { "<a@b.test", ALL },
		{ "<>", 0 }, { "<postmaster>", 0 }, { "<someone>", ALL },
		{ "<a b@c.test>", ALL }, { "<a@b c.test>", ALL },
		{ "<a@b.test>x", ALL }, { "<@b.test>", ALL },
		{ "<a@>", ALL }, { "<a@.test>", ALL }, { "<a@b..test>", ALL },
		{ "<a@b.test.>", ALL }, { "<.a@b.test>", ALL },
		{ "<a.@b.test>", ALL }, { "<a..b@b.test>", ALL },
		{ "<a@-b.test>", ALL }, { "<a@b-.test>", ALL },
		{ "<\"a@b.test>", ALL }, { "<\"a\x01\"@b.test>", ALL },
		{ "<\"\"@b.test>", ALL }, { "<a\r\n@b.test>", ALL },
		{ "<a@[192.0.2.256]>", ALL }, { "<a@[2001:db8::1]>", ALL },
		{ "<a@[IPv6:zz]>", ALL }, { "<a@[]>", ALL },
		{ "<a@[192.0.2.1>", ALL }, { "<@x.test a@b.test>", ALL },
		{ "<@x.test,:a@b.test>", ALL }, { "<a@@b.test>", ALL },
		{ "<a@b@c.test>", ALL },
		{ "<gr\xc3\xbc@b.test>", 0 }, { "<a@b\xc3\xbc.test>", 0 },
		{ "<gr\xc3@b.test>", ALL }, { "<a\xc2\x85@b.test>", ALL },
		{ "<a" L64 "@b.test>", ALL }, { "<a@a" L63 ".test>", ALL },
		{ "<a@" L63 "." L63 "." L63 "." L63 ">", 0 },
		{ "<@a" L63 ".test:a@b.test>", ALL },
	};

	/* Four labels of 63 are 255 octets: just legal; a fifth is not. */
	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		const char *why = NULL;
		struct addr a;
		int r = addr_parse_path(&in, cases[i].flags, &a, &why);

		if (strstr(cases[i].in, L63 "." L63) != NULL) {
			CHECK(r == 0, "%s", cases[i].in);
			continue;
		}
		CHECK(r == -1 && why != NULL, "%s", cases[i].in);
	}
	{
		struct slice in = S("<a@" L63 "." L63 "." L63 "." L63 ".b>");
		struct addr a;

		CHECK(addr_parse_path(&in, ALL, &a, NULL) == -1);
		in = slice_of("<a\0b@c.test>", 12);
		CHECK(addr_parse_path(&in, ALL, &a, NULL) == -1);
		in = slice_of("<a@c\0.test>", 11);
		CHECK(addr_parse_path(&in, ALL, &a, NULL) == -1);
	}
}

TEST(bare_address_is_the_whole_slice)
{
	struct addr a;

	CHECK(addr_parse(S("a@b.test"), 0, &a, NULL) == 0);
	CHECK_SLICE(a.local, "a");
	CHECK_SLICE(a.domain, "b.test");
	CHECK(addr_parse(S("a@b.test "), 0, &a, NULL) == -1);
	CHECK(addr_parse(S("<a@b.test>"), 0, &a, NULL) == -1);
	CHECK(addr_parse(S("a"), 0, &a, NULL) == -1);
	CHECK(addr_parse(S(""), 0, &a, NULL) == -1);
	CHECK(addr_parse(S(""), ADDR_NULL, &a, NULL) == 0 && addr_is_null(&a));
}

TEST(normal_form_is_one_for_equal_addresses)
{
	struct addr a, b;
	struct buf out = BUF_INIT(100);

	CHECK(addr_parse(S("\"John.Doe\"@Example.TEST"), 0, &a, NULL) == 0);
	CHECK(addr_parse(S("john.doe@example.test"), 0, &b, NULL) == 0);
	addr_normalize(&out, &a);
	CHECK_SLICE(buf_slice(&out), "john.doe@example.test");
	CHECK(addr_ieq(&a, &b));
	buf_release(&out);
}

TEST(detail_is_split_at_the_first_delimiter)
{
	struct slice base, detail;

	CHECK(addr_detail(S("user+a+b"), '+', &base, &detail));
	CHECK_SLICE(base, "user");
	CHECK_SLICE(detail, "a+b");
	CHECK(!addr_detail(S("+user"), '+', &base, &detail));
	CHECK_SLICE(base, "+user");
	CHECK(!addr_detail(S("user+x"), 0, &base, &detail));
	CHECK_SLICE(base, "user+x");
	CHECK(addr_detail(S("user+"), '+', &base, &detail) && detail.n == 0);
	CHECK_SLICE(addr_domain_of(S("\"a@b\"@c.test")), "c.test");
}

TESTS(T(path_is_accepted_and_formatted), T(path_is_refused),
    T(bare_address_is_the_whole_slice),
    T(normal_form_is_one_for_equal_addresses),
    T(detail_is_split_at_the_first_delimiter))
