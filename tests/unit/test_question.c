#include "dns/question.h"

#include "check.h"

TEST(question_has_one_spelling)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "Example.TEST", "example.test" },
		{ "example.test.", "example.test" },
		{ "_25._tcp.mx.example.test", "_25._tcp.mx.example.test" },
		{ "user+tag=x._spf.example.test", "user+tag=x._spf.example.test" },
		{ "a", "a" },
		{ "a b.test", "a\\032b.test" },
	};
	struct question q;

	for (size_t i = 0; i < LEN(rows); i++) {
		CHECK(question_set(&q, slice_str(rows[i].in), DNS_A, NULL) == 0,
		    "%s", rows[i].in);
		CHECK_SLICE(slice_of(q.name, q.n), rows[i].want);
	}
}

TEST(question_refuses_names_that_cannot_exist)
{
	static const char *const bad[] = { "", ".", "..", ".a", "a..b", "a\\b",
		"a\tb", "a\xc3\xa9.test",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b" };
	struct question q;
	const char *why;
	char name[300];

	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(question_set(&q, slice_str(bad[i]), DNS_A, &why) == -1,
		    "%s", bad[i]);
	CHECK(question_set(&q, S("a\0b"), DNS_A, &why) == -1);
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 10 == 9 ? '.' : 'a';
	CHECK(question_set(&q, slice_of(name, 253), DNS_A, &why) == 0);
	name[253] = '.';
	CHECK(question_set(&q, slice_of(name, 254), DNS_A, &why) == 0,
	    "254 with the trailing dot");
	CHECK(question_set(&q, slice_of(name, 255), DNS_A, &why) == -1);
}

TEST(question_answers_reserved_names_itself)
{
	static const struct {
		const char *name;
		uint32_t type;
		bool local;
		enum wire_dns_status status;
		size_t length;
	} rows[] = {
		{ "localhost", DNS_A, true, WIRE_DNS_OK, 4 },
		{ "LOCALHOST.", DNS_AAAA, true, WIRE_DNS_OK, 16 },
		{ "db.localhost", DNS_A, true, WIRE_DNS_OK, 4 },
		{ "localhost", DNS_MX, true, WIRE_DNS_NODATA, 0 },
		{ "mx.invalid", DNS_A, true, WIRE_DNS_NXDOMAIN, 0 },
		{ "x.onion", DNS_MX, true, WIRE_DNS_NXDOMAIN, 0 },
		{ "notlocalhost", DNS_A, false, 0, 0 },
		{ "localhost.example", DNS_A, false, 0, 0 },
	};

	for (size_t i = 0; i < LEN(rows); i++) {
		struct wire_dns_answer a;
		struct question q;

		CHECK(question_set(&q, slice_str(rows[i].name), rows[i].type,
		    NULL) == 0);
		CHECK(question_local(&q, &a) == rows[i].local, "%s",
		    rows[i].name);
		if (!rows[i].local)
			continue;
		CHECK(a.status == rows[i].status, "%s", rows[i].name);
		CHECK(a.count == (rows[i].length > 0), "%s", rows[i].name);
		if (a.count > 0)
			CHECK(a.rdata[0].n == rows[i].length);
	}
}

TEST(question_key_tells_types_apart)
{
	char ka[QUESTION_NAME + 5], kb[QUESTION_NAME + 5];
	struct question a, b;

	CHECK(question_set(&a, S("x.test"), DNS_A, NULL) == 0);
	CHECK(question_set(&b, S("X.test."), DNS_A, NULL) == 0);
	CHECK(slice_eq(question_key(&a, ka), question_key(&b, kb)));
	b.type = DNS_AAAA;
	CHECK(!slice_eq(question_key(&a, ka), question_key(&b, kb)));
}

TESTS(T(question_has_one_spelling),
    T(question_refuses_names_that_cannot_exist),
    T(question_answers_reserved_names_itself),
    T(question_key_tells_types_apart))
