#include "check.h"

#include "mail/crlf.h"

TEST(line_ends_become_crlf_once)
{
	static const struct {
		const char *in;
		const char *want;
		uint64_t lines;
	} cases[] = {
		{ "", "", 0 }, { "a", "a", 0 }, { "a\n", "a\r\n", 1 },
		{ "a\r\n", "a\r\n", 1 }, { "\n\n", "\r\n\r\n", 2 },
		{ "a\rb\r\r\n", "a\rb\r\r\n", 1 }, { "\r\n\n", "\r\n\r\n", 2 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		struct buf b = BUF_INIT(100);
		uint64_t lines;

		crlf_add(&b, in);
		CHECK_SLICE(buf_slice(&b), cases[i].want);
		CHECK(crlf_size(in, &lines) == b.n);
		CHECK(lines == cases[i].lines);
		buf_release(&b);
	}
}

TEST(every_range_is_that_of_the_whole)
{
	struct slice in = S("ab\n\ncd\r\ne\rf\n\r\n\nlast");
	struct buf all = BUF_INIT(100), part = BUF_INIT(100);

	crlf_add(&all, in);
	for (size_t from = 0; from <= all.n + 1; from++)
		for (size_t len = 0; from + len <= all.n + 2; len++) {
			struct slice want = slice_head(slice_from(
			    buf_slice(&all), from), len);

			buf_clear(&part);
			crlf_range(&part, in, from, len, NULL);
			CHECK(slice_eq(buf_slice(&part), want), "%zu+%zu",
			    from, len);
		}
	for (size_t step = 1; step < 7; step++) {
		struct crlf_place place = { 0 };

		buf_clear(&part);
		for (size_t from = 0; from < all.n; from += step)
			crlf_range(&part, in, from, step, &place);
		CHECK(slice_eq(buf_slice(&part), buf_slice(&all)), "%zu",
		    step);
		/* Going back is allowed. */
		buf_clear(&part);
		crlf_range(&part, in, 2, 2, &place);
		CHECK_SLICE(buf_slice(&part), "\r\n");
	}
	buf_release(&all);
	buf_release(&part);
}

TEST(wire_text_is_stripped_in_any_cut)
{
	struct slice in = S("a\r\n\r\nb\rc\r\r\nd\n\r");

	for (size_t cut = 0; cut <= in.n; cut++) {
		struct buf b = BUF_INIT(100);
		bool cr = false;

		crlf_strip(&b, slice_head(in, cut), &cr);
		crlf_strip(&b, slice_from(in, cut), &cr);
		crlf_strip_end(&b, &cr);
		CHECK_SLICE(buf_slice(&b), "a\n\nb\rc\r\nd\n\r");
		buf_release(&b);
	}
}

TESTS(T(line_ends_become_crlf_once), T(every_range_is_that_of_the_whole),
    T(wire_text_is_stripped_in_any_cut))
