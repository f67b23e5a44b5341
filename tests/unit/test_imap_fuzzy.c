// part: services/imap
/* FUZZY texts (RFC 6203). */
#include "check.h"
#include "mail/fold.h"
#include "services/imap/fuzzy.h"

static struct arena arena;

static unsigned
score(const char *needle, const char *text)
{
	struct buf n = BUF_INIT(100000), t = BUF_INIT(100000);
	struct fuzzy f;
	unsigned s;

	text_fold_blanks(&n, slice_str(needle));
	text_fold_blanks(&t, slice_str(text));
	fuzzy_make(&arena, buf_slice(&n), &f);
	CHECK(f.n <= LIMIT_IMAP_FUZZY_WORDS);
	s = fuzzy_score(&f, buf_slice(&t));
	CHECK(s <= 100, "%s: %u", needle, s);
	buf_release(&n);
	buf_release(&t);
	return s;
}

TEST(words_are_found_in_any_order)
{
	static const struct {
		const char *needle;
		const char *text;
		bool found;
	} cases[] = {
		{ "imap break", "IMAP breaks", true },
		{ "imap break", "break of IMAP", true },
		{ "imap break", "unbreakable imaps", true },
		{ "imap break", "imap", false },
		{ "imap, break.", "break imap", true },
		{ "e.mail@x", "mail x e", true },
		{ "", "", true },
		{ "", "a", true },
		{ "a", "", false },
		{ "???", "what???", true },
		{ "???", "what", false },
		/* diacritics do not count, on either side */
		{ "cafe", "caf\xc3\xa9", true },
		{ "caf\xc3\xa9", "CAFE", true },
		{ "lodz", "\xc5\x81\xc3\xb3" "d\xc5\xba", true },
		{ "strasse", "Stra\xc3\x9f" "e", true },
		{ "smorrebrod", "Sm\xc3\xb8rrebr\xc3\xb8" "d", true },
		{ "\xd0\xbc\xd0\xbe\xd0\xb8", "\xd0\x9c\xd0\x9e\xd0\x99", true },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK((score(cases[i].needle, cases[i].text) > 0) ==
		    cases[i].found, "%s in %s", cases[i].needle,
		    cases[i].text);
}

TEST(better_matches_have_higher_scores)
{
	static const char *const texts[] = { "the imap break", "break imap",
		"breaking imap", "unbreakable ximapx" };

	CHECK(score("imap break", texts[0]) == 100);
	for (size_t i = 1; i < LEN(texts); i++)
		CHECK(score("imap break", texts[i]) <
		    score("imap break", texts[i - 1]), "%s", texts[i]);
	/* the best of its places counts */
	CHECK(score("a", "xax xa a") == score("a", "a"));
}

TEST(many_words_are_bounded)
{
	struct buf many = BUF_INIT(100000);

	for (unsigned i = 0; i < 10000; i++)
		buf_addf(&many, "w%u ", i);
	CHECK(score(buf_str(&many), "w1 w2") == 0);
	CHECK(score(buf_str(&many), buf_str(&many)) == 100);
	buf_release(&many);
}

TESTS(T(words_are_found_in_any_order), T(better_matches_have_higher_scores),
    T(many_words_are_bounded))
