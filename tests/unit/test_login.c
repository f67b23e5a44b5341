// part: services/login
#include "check.h"

#include "services/login/parse.h"

struct sample {
	const char *in;
	enum login_parse result;
	const char *verb;
	size_t count;
	const char *first;
	const char *second;
};

TEST(login_parse_reads_atoms_strings_and_literals)
{
	static const struct sample samples[] = {
		{ "a LOGIN u@x.test pw\r\n", LOGIN_PARSE_OK, "LOGIN", 2,
		    "u@x.test", "pw" },
		{ "a LOGIN u@x.test*m 10%\r\n", LOGIN_PARSE_OK, "LOGIN", 2,
		    "u@x.test*m", "10%" },
		{ "a LOGIN \"u\" \"p\\\"w\\\\\"\r\n", LOGIN_PARSE_OK, "LOGIN", 2,
		    "u", "p\"w\\" },
		{ "a LOGIN {1+}\r\nu {3+}\r\np w\r\n", LOGIN_PARSE_OK, "LOGIN",
		    2, "u", "p w" },
		{ "a LOGIN u \"\"\r\n", LOGIN_PARSE_OK, "LOGIN", 2, "u", "" },
		{ "a NOOP\r\n", LOGIN_PARSE_OK, "NOOP", 0, NULL, NULL },
		{ "a ID (\"name\" \"x\")\r\n", LOGIN_PARSE_OK, "ID", 0, NULL,
		    NULL },
		{ "a ID (\"name\" {13+}\r\nb STARTTLS)\r\n NIL)\r\n",
		    LOGIN_PARSE_OK, "ID", 0, NULL, NULL },
		{ "a ID ()\r\n", LOGIN_PARSE_OK, "ID", 0, NULL, NULL },
	};

	for (size_t i = 0; i < LEN(samples); i++) {
		const struct sample *t = &samples[i];
		char scratch[512];
		struct login_line line;

		CHECK(login_parse(slice_str(t->in), scratch, &line) ==
		    t->result, "%s", t->in);
		CHECK_SLICE(line.verb, t->verb);
		CHECK(line.count == t->count, "%s: %zu", t->in, line.count);
		CHECK(line.used == strlen(t->in), "%s: %zu", t->in, line.used);
		if (t->first != NULL)
			CHECK_SLICE(line.args[0], t->first);
		if (t->second != NULL)
			CHECK_SLICE(line.args[1], t->second);
	}
}

TEST(login_parse_waits_for_what_is_missing)
{
	char scratch[512];
	struct login_line line;

	CHECK(login_parse(S("a LOGIN"), scratch, &line) == LOGIN_PARSE_MORE);
	CHECK(login_parse(S("a LOGIN {4}\r\n"), scratch, &line) ==
	    LOGIN_PARSE_LITERAL);
	CHECK(login_parse(S("a ID (\"x\" {4}\r\n"), scratch, &line) ==
	    LOGIN_PARSE_LITERAL);
	CHECK(login_parse(S("a LOGIN {4+}\r\n"), scratch, &line) ==
	    LOGIN_PARSE_MORE);
	CHECK(login_parse(S("a LOGIN {4}\r\nus"), scratch, &line) ==
	    LOGIN_PARSE_MORE);
	CHECK(login_parse(S("a LOGIN {4}\r\nuser"), scratch, &line) ==
	    LOGIN_PARSE_MORE);
	CHECK(login_parse(S("a LOGIN {4}\r\nuser {2}\r\n"), scratch, &line) ==
	    LOGIN_PARSE_LITERAL);
}

TEST(login_parse_refuses_and_skips_malformed_lines)
{
	static const char *const bad[] = { "\r\n", "a\r\n", " a NOOP\r\n",
		"a NOOP\n", "a LOGIN \"u\r\n", "a LOGIN {2000}\r\n",
		"a LOGIN {x}\r\n", "a LOGIN  u p\r\n", "+ NOOP\r\n",
		"a LOGIN u p q r s\r\n", "a ID (\"x\"\r\n", "a ID (x) y(\r\n" };

	for (size_t i = 0; i < LEN(bad); i++) {
		char scratch[512];
		struct login_line line;

		CHECK(login_parse(slice_str(bad[i]), scratch, &line) ==
		    LOGIN_PARSE_BAD, "%s", bad[i]);
		CHECK(line.used == strlen(bad[i]), "%s: %zu", bad[i],
		    line.used);
	}
}

TESTS(T(login_parse_reads_atoms_strings_and_literals),
    T(login_parse_waits_for_what_is_missing),
    T(login_parse_refuses_and_skips_malformed_lines))
