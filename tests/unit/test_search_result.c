// part: services/imap
/* RETURN options and ESEARCH data (RFC 4731, 5182, 5267, 9394). */
#include "check.h"
#include "services/imap/search_result.h"

static struct arena arena;

static uint32_t
itself(void *arg UNUSED, uint32_t uid)
{
	return uid;
}

static struct search_return
return_of(const char *text)
{
	struct parser p = parser_of(slice_str(text), &arena);
	struct search_return ret;

	CHECK(search_return_parse(&p, &ret) == 0, "%s: %s", text, p.why);
	CHECK_SLICE(slice_from(p.in, p.at), "ALL");
	return ret;
}

static const uint32_t sorted[] = { 3, 4, 5, 9, 12, 13 };
static const uint32_t mixed[] = { 9, 5, 4, 3, 12, 13 };

static void
fill(struct search_result *r, const uint32_t *uids)
{
	search_result_init(r, true, false);
	for (size_t i = 0; i < LEN(sorted); i++)
		search_result_add(r, uids[i], uids[i] == 5 ? 1000 :
		    100 + uids[i], 50);
}

TEST(options_are_answered)
{
	static const struct {
		const char *options;
		const uint32_t *uids;
		const char *data;
		const char *saved;
	} cases[] = {
		{ "RETURN () ALL", sorted, " ALL 3:5,9,12:13 MODSEQ 1000",
		    "3:5,9,12:13" },
		{ "RETURN (ALL) ALL", mixed, " ALL 9,5,4,3,12:13 MODSEQ 1000",
		    "3:5,9,12:13" },
		{ "return (min max count) ALL", sorted,
		    " MIN 3 MAX 13 COUNT 6 MODSEQ 1000", "3:5,9,12:13" },
		{ "RETURN (MIN MAX SAVE) ALL", sorted,
		    " MIN 3 MAX 13 MODSEQ 113", "3,13" },
		{ "RETURN (MIN SAVE) ALL", mixed, " MIN 9 MODSEQ 109", "9" },
		{ "RETURN (MAX) ALL", sorted, " MAX 13 MODSEQ 113", "13" },
		{ "RETURN (PARTIAL 1:2) ALL", sorted,
		    " PARTIAL (1:2 3:4) MODSEQ 104", "3:4" },
		{ "RETURN (PARTIAL 3:2) ALL", sorted,
		    " PARTIAL (3:2 4:5) MODSEQ 1000", "4:5" },
		{ "RETURN (PARTIAL 5:99) ALL", sorted,
		    " PARTIAL (5:99 12:13) MODSEQ 113", "12:13" },
		{ "RETURN (PARTIAL 7:9) ALL", sorted,
		    " PARTIAL (7:9 NIL) MODSEQ 0", "" },
		{ "RETURN (PARTIAL -1:-2) ALL", sorted,
		    " PARTIAL (-1:-2 12:13) MODSEQ 113", "12:13" },
		{ "RETURN (PARTIAL -6:-9) ALL", sorted,
		    " PARTIAL (-6:-9 3) MODSEQ 103", "3" },
		{ "RETURN (PARTIAL -7:-7) ALL", sorted,
		    " PARTIAL (-7:-7 NIL) MODSEQ 0", "" },
		{ "RETURN (PARTIAL 1:3) ALL", mixed,
		    " PARTIAL (1:3 9,5,4) MODSEQ 1000", "4:5,9" },
		{ "RETURN (PARTIAL 1:2 COUNT CONTEXT) ALL", sorted,
		    " PARTIAL (1:2 3:4) COUNT 6 MODSEQ 1000", "3:5,9,12:13" },
		{ "RETURN (MAX PARTIAL 1:2) ALL", sorted,
		    " MAX 13 PARTIAL (1:2 3:4) MODSEQ 113", "3:4,13" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct search_return ret = return_of(cases[i].options);
		struct buf out = BUF_INIT(1000);
		struct store_set saved = STORE_SET_INIT;
		struct search_result r;

		fill(&r, cases[i].uids);
		CHECK(search_return_tells(&ret));
		search_result_write(&r, &ret, itself, NULL, &out);
		CHECK(slice_eq(buf_slice(&out), slice_str(cases[i].data)),
		    "%s gives \"%s\"", cases[i].options, buf_str(&out));
		buf_clear(&out);
		search_result_save(&r, &ret, &saved);
		store_set_format(&saved, &out);
		CHECK(slice_eq(buf_slice(&out), slice_str(cases[i].saved)),
		    "%s saves \"%s\"", cases[i].options, buf_str(&out));
		store_set_release(&saved);
		search_result_release(&r);
		buf_release(&out);
	}
}

TEST(nothing_found_is_told_too)
{
	struct search_return ret =
	    return_of("RETURN (MIN MAX COUNT PARTIAL 1:9) ALL");
	struct search_result r;
	struct buf out = BUF_INIT(1000);

	search_result_init(&r, true, false);
	search_result_write(&r, &ret, itself, NULL, &out);
	CHECK_SLICE(buf_slice(&out), " PARTIAL (1:9 NIL) COUNT 0");
	ret = return_of("RETURN (SAVE UPDATE) ALL");
	CHECK(!search_return_tells(&ret));
	CHECK((ret.options & SEARCH_UPDATE) != 0);
	ret = return_of("ALL");
	CHECK(ret.options == 0);
	search_result_release(&r);
	buf_release(&out);
}

TEST(malformed_options_are_refused)
{
	static const char *const bad[] = { "RETURN", "RETURN ALL",
		"RETURN (ALL", "RETURN (NONE) ALL", "RETURN (MIN  MAX) ALL",
		"RETURN (PARTIAL) ALL", "RETURN (PARTIAL 1) ALL",
		"RETURN (PARTIAL 0:1) ALL", "RETURN (PARTIAL 1:*) ALL",
		"RETURN (PARTIAL -1:2) ALL", "RETURN (PARTIAL 1:-2) ALL",
		"RETURN (PARTIAL 1:2 ALL) ALL", "RETURN (ALL PARTIAL 1:2) ALL",
		"RETURN (PARTIAL 1:2 PARTIAL 1:2) ALL", "RETURN ()" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct parser p = parser_of(slice_str(bad[i]), &arena);
		struct search_return ret;

		CHECK(search_return_parse(&p, &ret) == -1 && p.why != NULL,
		    "%s", bad[i]);
	}
}

TEST(an_empty_set_has_nothing_to_lose)
{
	struct store_set set = STORE_SET_INIT;

	store_set_remove(&set, 1, 9);
	CHECK(set.n == 0);
	store_set_release(&set);
}

TEST(sets_lose_and_share_uids)
{
	static const struct {
		uint32_t first, last;
		const char *want;
	} cases[] = {
		{ 1, 2, "3:5,9,12:13" },
		{ 3, 3, "4:5,9,12:13" },
		{ 4, 4, "3,5,9,12:13" },
		{ 5, 12, "3:4,13" },
		{ 1, 99, "" },
		{ 9, 9, "3:5,12:13" },
		{ 13, UINT32_MAX, "3:5,9,12" },
		{ 6, 8, "3:5,9,12:13" },
		{ 2, 9, "12:13" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct store_set set = STORE_SET_INIT, common = STORE_SET_INIT;
		struct store_set whole = STORE_SET_INIT;
		struct buf out = BUF_INIT(100);

		for (size_t k = 0; k < LEN(sorted); k++) {
			store_set_add(&set, sorted[k], sorted[k]);
			store_set_add(&whole, sorted[k], sorted[k]);
		}
		store_set_remove(&set, cases[i].first, cases[i].last);
		store_set_format(&set, &out);
		CHECK_SLICE(buf_slice(&out), cases[i].want);
		store_set_common(&whole, &set, &common);
		buf_clear(&out);
		store_set_format(&common, &out);
		CHECK_SLICE(buf_slice(&out), cases[i].want);
		store_set_release(&set);
		store_set_release(&whole);
		store_set_release(&common);
		buf_release(&out);
	}
}

TESTS(T(options_are_answered), T(nothing_found_is_told_too),
    T(malformed_options_are_refused), T(an_empty_set_has_nothing_to_lose),
    T(sets_lose_and_share_uids))
