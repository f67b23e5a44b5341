#include "check.h"

#include "mail/mutf7.h"

TEST(names_go_both_ways)
{
	static const struct {
		const char *mutf7;
		const char *utf8;
	} cases[] = {
		{ "", "" }, { "INBOX", "INBOX" }, { "a&-b", "a&b" },
		{ "&-", "&" }, { "~/A b", "~/A b" },
		/* RFC 3501 5.1.3 */
		{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
			"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
			"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
		{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
		{ "&AOk-&-", "\xc3\xa9&" },
		{ "&2D3cjg-", "\xf0\x9f\x92\x8e" },
		{ "&AAk-", "\t" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf b = BUF_INIT(200);
		const char *why = "";

		CHECK(mutf7_decode(&b, slice_str(cases[i].mutf7), &why) == 0,
		    "%s: %s", cases[i].mutf7, why);
		CHECK_SLICE(buf_slice(&b), cases[i].utf8);
		buf_clear(&b);
		CHECK(mutf7_encode(&b, slice_str(cases[i].utf8)) == 0);
		CHECK_SLICE(buf_slice(&b), cases[i].mutf7);
		buf_release(&b);
	}
}

TEST(other_spellings_are_refused)
{
	static const char *const bad[] = { "&", "a&", "&AOk", "&AOk&-", "&AOl-",
		"&AO-", "&A-", "&AOkA-", "&AGE-", "&AOk-&AOk-", "&2D0-",
		"&3I7YPQ-", "&2D3YPQ-", "&AAA-", "&A/k-", "&A=k-", "caf\xc3\xa9",
		"a\tb", "a\x7f", "&AO k-" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct buf b = BUF_INIT(200);
		const char *why = NULL;

		CHECK(mutf7_decode(&b, slice_str(bad[i]), &why) == -1 &&
		    why != NULL, "%s gave %s", bad[i], buf_str(&b));
		buf_release(&b);
	}
	{
		struct buf b = BUF_INIT(200);

		CHECK(mutf7_encode(&b, S("a\xff")) == -1);
		CHECK(mutf7_decode(&b, slice_of("a\0b", 3), NULL) == -1);
		buf_release(&b);
	}
}

TESTS(T(names_go_both_ways), T(other_spellings_are_refused))
