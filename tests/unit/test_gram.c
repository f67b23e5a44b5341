/* Signatures never rule out what is there, and rule out most of what is not. */
#include "check.h"
#include "mail/fold.h"
#include "mail/gram.h"

static bool
may(const char *text, const char *needle)
{
	struct buf folded = BUF_INIT(1 << 16), looked = BUF_INIT(1 << 12);
	struct buf signature = BUF_INIT(GRAM_SET_BYTES);
	static struct gram_set set;
	struct gram_needle n;
	bool yes;

	text_fold_blanks(&folded, slice_str(text));
	text_fold_blanks(&looked, slice_str(needle));
	gram_set_clear(&set);
	gram_set_add(&set, buf_slice(&folded));
	gram_signature(&signature, &set);
	CHECK(signature.n > 0);
	gram_needle_make(&n, buf_slice(&looked));
	yes = gram_may_contain(buf_slice(&signature), &n);
	buf_release(&folded);
	buf_release(&looked);
	buf_release(&signature);
	return yes;
}

TEST(a_text_is_ruled_out_by_what_it_lacks)
{
	static const struct {
		const char *text;
		const char *needle;
		bool may;
	} cases[] = {
		{ "", "abc", false },
		{ "abc", "", true },
		{ "abc", "ab", true },   /* no gram: anywhere */
		{ "xyz", "ab", true },
		{ "abc", "abc", true },
		{ "ABC", "abc", true },
		{ "abc", "abd", false },
		{ "one abc two", "abc", true },
		{ "one abc two", "e abc t", true },
		{ "one abc two", "x y z", true }, /* blanks end grams */
		{ "one abc two", "abcd", false },
		{ "gr\xc3\xbc\xc3\x9f" "e", "GR\xc3\x9c\xc3\x9f" "E", true },
		{ "gr\xc3\xbc\xc3\x9f" "e", "gr\xc3\xb6\xc3\x9f" "e", false },
		/* Two ideographs are a gram, also beside a letter. */
		{ "\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac", true },
		{ "\xe6\x9d\xb1\xe4\xba\xac", "\xe4\xba\xac\xe6\x9d\xb1", false },
		{ "a\xe6\x9d\xb1" "b", "a\xe6\x9d\xb1", true },
		{ "a\xe6\x9d\xb1" "b", "c\xe6\x9d\xb1", false },
		{ "\xe6\x9d\xb1", "\xe4\xba\xac", true }, /* one is no gram */
		{ "ab\xe6\x9d\xb1", "ab\xe6\x9d\xb1", true },
		{ "\xd0\xbc\xd0\xb8\xd1\x80", "\xd0\x9c\xd0\x98\xd0\xa0", true },
		{ "\xd0\xbc\xd0\xb8\xd1\x80", "\xd0\xbc\xd0\xb8\xd1\x84", false },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK(may(cases[i].text, cases[i].needle) == cases[i].may,
		    "%zu: '%s' in '%s'", i, cases[i].needle, cases[i].text);
}

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Letters of several widths, blanks, and bytes that are no UTF-8. */
static void
random_text(struct buf *out, uint32_t *seed, size_t letters)
{
	static const char *const some[] = { "a", "b", "c", "D", " ", "\n", "-",
		"\xc3\xa4", "\xd0\xbc", "\xe6\x9d\xb1", "\xe4\xba\xac",
		"\xed\x95\x9c", "\xf0\x9f\x98\x80", "\xff", "\xe6\x9d", "" };

	for (size_t i = 0; i < letters; i++)
		buf_adds(out, some[next(seed) % LEN(some)]);
}

TEST(every_part_of_a_text_may_be_in_it)
{
	static struct gram_set set;
	uint32_t seed = 1;

	for (int round = 0; round < 200; round++) {
		struct buf raw = BUF_INIT(1 << 16), text = BUF_INIT(1 << 16);
		struct buf signature = BUF_INIT(GRAM_SET_BYTES);

		random_text(&raw, &seed, next(&seed) % 400);
		text_fold(&text, buf_slice(&raw));
		gram_set_clear(&set);
		gram_set_add(&set, buf_slice(&text));
		gram_signature(&signature, &set);
		for (size_t i = 0; i < text.n; i++) {
			struct slice part = slice_from(buf_slice(&text), i);
			struct gram_needle n;

			/* Needles are whole characters. */
			if (((unsigned char)part.p[0] & 0xc0) == 0x80)
				continue;
			part = slice_head(part, 1 + next(&seed) % part.n);
			while (part.p + part.n < text.p + text.n &&
			    ((unsigned char)part.p[part.n] & 0xc0) == 0x80)
				part.n++;
			gram_needle_make(&n, part);
			CHECK(gram_may_contain(buf_slice(&signature), &n),
			    "'%.*s' in '%.*s'", SLICE_ARG(part),
			    SLICE_ARG(buf_slice(&text)));
		}
		buf_release(&raw);
		buf_release(&text);
		buf_release(&signature);
	}
}

TEST(words_that_are_not_there_are_mostly_ruled_out)
{
	static struct gram_set set;
	struct buf text = BUF_INIT(1 << 16);
	struct buf signature = BUF_INIT(GRAM_SET_BYTES);
	uint32_t seed = 7;
	unsigned wrong = 0;

	for (int i = 0; i < 4000; i++)
		buf_addc(&text, "ETAOINSHRDLU  "[next(&seed) % 14]);
	gram_set_clear(&set);
	gram_set_add(&set, buf_slice(&text));
	gram_signature(&signature, &set);
	CHECK(signature.n < 1200, "%zu", signature.n);
	for (int i = 0; i < 10000; i++) {
		struct gram_needle n;
		char word[6];

		for (size_t k = 0; k < sizeof(word); k++)
			word[k] = (char)('A' + next(&seed) % 26);
		gram_needle_make(&n, slice_of(word, sizeof(word)));
		CHECK(n.n == 4);
		wrong += gram_may_contain(buf_slice(&signature), &n);
	}
	CHECK(wrong < 100, "%u of 10000", wrong);
	buf_release(&text);
	buf_release(&signature);
}

TEST(the_signature_of_any_text_is_small)
{
	static struct gram_set set;
	struct buf signature = BUF_INIT(GRAM_SET_BYTES);
	struct gram_needle n;

	gram_set_clear(&set);
	gram_signature(&signature, &set);
	CHECK(signature.n == 8);
	memset(set.bits, 0xff, sizeof(set.bits));
	buf_clear(&signature);
	gram_signature(&signature, &set);
	CHECK(buf_ok(&signature) && signature.n == GRAM_SET_BYTES);
	/* None at all rules nothing out. */
	gram_needle_make(&n, S("ABC"));
	CHECK(gram_may_contain(slice_of(NULL, 0), &n));
	buf_release(&signature);
}

TESTS(T(a_text_is_ruled_out_by_what_it_lacks),
    T(every_part_of_a_text_may_be_in_it),
    T(words_that_are_not_there_are_mostly_ruled_out),
    T(the_signature_of_any_text_is_small))
