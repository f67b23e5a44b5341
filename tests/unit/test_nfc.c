/* Normalization Form C. */
#include "check.h"
#include "mail/nfc.h"

TEST(text_has_one_spelling)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {
		{ "", "" },
		{ "plain & simple", "plain & simple" },
		{ "\xc3\xa4", "\xc3\xa4" },
		{ "a\xcc\x88", "\xc3\xa4" },          /* a, diaeresis */
		{ "\xe2\x84\xab", "\xc3\x85" },       /* angstrom sign */
		{ "A\xcc\x8a", "\xc3\x85" },
		/* Marks in any order: s, dot below, dot above. */
		{ "s\xcc\xa3\xcc\x87", "\xe1\xb9\xa9" },
		{ "s\xcc\x87\xcc\xa3", "\xe1\xb9\xa9" },
		/* Equal classes block each other. */
		{ "a\xcc\x81\xcc\x88", "\xc3\xa1\xcc\x88" },
		/* A mark with nothing before it. */
		{ "\xcc\x88" "a", "\xcc\x88" "a" },
		/* Hangul from its parts, in two steps and in one. */
		{ "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81" },
		{ "\xea\xb0\x80\xe1\x86\xa8", "\xea\xb0\x81" },
		/* Excluded from composition: U+0958. */
		{ "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc" },
		/* Two starters that join: U+09CB. */
		{ "\xe0\xa7\x87\xe0\xa6\xbe", "\xe0\xa7\x8b" },
		/* A decomposition of a decomposition: U+1EA5. */
		{ "\xc3\xa2\xcc\x81", "\xe1\xba\xa5" },
		{ "\xf0\xaf\xa0\x80", "\xe4\xb8\xbd" }, /* U+2F800 */
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf b = BUF_INIT(200), again = BUF_INIT(200);

		nfc_put(&b, slice_str(cases[i].in));
		CHECK_SLICE(buf_slice(&b), cases[i].want);
		nfc_put(&again, buf_slice(&b));
		CHECK(slice_eq(buf_slice(&b), buf_slice(&again)));
		buf_release(&b);
		buf_release(&again);
	}
}

TEST(a_heap_of_marks_is_cut_and_costs_little)
{
	struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);

	buf_adds(&in, "a");
	for (int i = 0; i < 100000; i++)
		buf_adds(&in, i % 2 == 0 ? "\xcc\x81" : "\xcc\xa3");
	nfc_put(&out, buf_slice(&in));
	CHECK(buf_ok(&out));
	CHECK(out.n <= in.n && out.n > in.n - 8);
	buf_release(&in);
	buf_release(&out);
}

TESTS(T(text_has_one_spelling), T(a_heap_of_marks_is_cut_and_costs_little))
