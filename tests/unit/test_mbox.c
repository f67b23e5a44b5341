// part: setup
/* mbox files: messages apart, flags, quoting, From lines. */
#include "check.h"
#include "core/limits.h"
#include "setup/mbox.h"
#include "store/store.h"

/* Writes what it is told as text. */
static void
on_begin(void *ctx, uint64_t offset, int64_t date)
{
	buf_addf(ctx, "[%llu %lld|", (unsigned long long)offset,
	    (long long)date);
}

static void
on_data(void *ctx, struct slice piece)
{
	buf_add_slice(ctx, piece);
}

static void
on_end(void *ctx, unsigned flags, struct slice keywords)
{
	buf_addf(ctx, "|%02x %.*s]", flags, SLICE_ARG(keywords));
}

static void
on_odd(void *ctx, uint64_t offset, const char *what UNUSED)
{
	buf_addf(ctx, "{odd %llu}", (unsigned long long)offset);
}

static const struct mbox_ops ops = { on_begin, on_data, on_end, on_odd };

/* Feeds text in pieces of step bytes. */
static int
parse(struct slice text, size_t step, struct buf *out)
{
	struct mbox_reader r;
	int ok = 0;

	mbox_init(&r, &ops, out);
	while (text.n > 0 && ok == 0) {
		struct slice piece = slice_head(text, step);

		ok = mbox_feed(&r, piece);
		text = slice_from(text, piece.n);
	}
	ok = mbox_end(&r) == -1 ? -1 : ok;
	mbox_release(&r);
	return ok;
}

#define FROM "From a@b Thu Jan  1 00:00:00 1970\n"

TEST(messages_are_told_apart)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: no mbox */
	} cases[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ FROM "A: b\n\nx\n", "[0 0|A: b\n\nx\n|00 ]" },
		{ FROM "A: b\n\nx\n\n", "[0 0|A: b\n\nx\n|00 ]" },
		{ FROM "A: b\n\nx\n\n\n", "[0 0|A: b\n\nx\n\n|00 ]" },
		{ FROM "A: b\n\nx", "[0 0|A: b\n\nx|00 ]" },
		{ FROM "A: b\n\nx\n\n" FROM "C: d\n\ny\n\n",
		    "[0 0|A: b\n\nx\n|00 ][43 0|C: d\n\ny\n|00 ]" },
		{ FROM "\nx\n" FROM "y\n", "[0 0|\nx\n" FROM "y\n|00 ]" },
		{ FROM "\nx\n\nFrom y\n", "[0 0|\nx\n{odd 38}\nFrom y\n|00 ]" },
		{ FROM "\n>From y\n>>From z\n> From\n",
		    "[0 0|\nFrom y\n>From z\n> From\n|00 ]" },
		{ FROM "A: b\r\n\r\nx\r\n\r\n", "[0 0|A: b\r\n\r\nx\r\n|00 ]" },
		{ FROM "Status: RO\nX-Status: AFTD\nX-Keywords: a b\n"
		    "X-Keywords: c\nA: b\n\nStatus: R\n",
		    "[0 0|A: b\n\nStatus: R\n|1f a b c]" },
		{ FROM "status: O\n R\nA: b\n c\n\n", "[0 0|A: b\n c\n\n|00 ]" },
		{ FROM "X-Status: R\nStatus: A\n\n", "[0 0|\n|00 ]" },
		{ "Subject: x\n\n" FROM, NULL },
		{ "From a\n\nx\n", NULL },
		{ "\n x", NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t step = 1; step < 100; step += 7) {
			struct buf out = BUF_INIT(10000);
			int r = parse(slice_str(cases[i].text), step, &out);

			CHECK(r == (cases[i].want == NULL ? -1 : 0), "%zu", i);
			if (r == 0)
				CHECK_SLICE(buf_slice(&out), cases[i].want);
			buf_release(&out);
		}
}

TEST(long_lines_pass_whole)
{
	struct buf text = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);

	buf_adds(&text, FROM "A: b\n\n");
	for (int i = 0; i < 200000; i++)
		buf_addc(&text, 'x');
	buf_adds(&text, "\nFrom y\n");
	CHECK(parse(buf_slice(&text), 9999, &out) == 0);
	CHECK(out.n == 5 + 6 + 200000 + 8 + 5, "%zu", out.n);
	buf_release(&text);
	buf_release(&out);
}

TEST(from_lines_have_a_date)
{
	static const struct {
		const char *line;
		int64_t date; /* -1: none */
	} cases[] = {
		{ "From a@b Thu Jan  1 00:00:01 1970", 1 },
		{ "From a@b  Fri Jul 14 02:40:00 2017", 1500000000 },
		{ "From - Fri Jul 14 02:40 2017", 1500000000 },
		{ "From \"a b\"@c Fri Jul 14 04:40:00 2017 +0200", 1500000000 },
		{ "From a Fri Jul 14 02:40:00 GMT 2017", 1500000000 },
		{ "From Fri Fri Jul 14 02:40:00 2017", 1500000000 },
		{ "From Fri Jul 14 02:40:00 2017", 1500000000 },
		{ "From a@b", -1 },
		{ "From a Fri Jul 32 02:40:00 2017", -1 },
		{ "From a Fri Jul 14 24:40:00 2017", -1 },
		{ "From a Fri Jul 14 02 2017", -1 },
		{ "From a Fri Jul 14 02:40:00", -1 },
		{ "From a Fri Jul 14 02:40:00 99999", -1 },
		{ "from a Fri Jul 14 02:40:00 2017", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		int64_t date = -1;
		int r = mbox_from_parse(slice_str(cases[i].line), &date);

		CHECK(r == (cases[i].date == -1 ? -1 : 0), "%s", cases[i].line);
		CHECK(r == -1 || date == cases[i].date, "%s: %lld",
		    cases[i].line, (long long)date);
	}
}

static void
no_flush(void *ctx UNUSED, struct buf *out UNUSED)
{
}

TEST(what_is_written_can_be_read_again)
{
	static const char *const keywords[] = { "work", "$Forwarded" };
	static const char *const texts[] = {
		"A: b\n\nx\n",
		"A: b\n\nFrom x\n>From y\n\n" FROM "\n",
		"Return-Path: <s@t.test>\nA: b\n\n\n\n",
		"\nno header\n",
	};
	struct buf file = BUF_INIT(100000), out = BUF_INIT(100000);

	for (size_t i = 0; i < LEN(texts); i++) {
		struct buf want = BUF_INIT(10000);

		buf_clear(&file);
		buf_clear(&out);
		for (int k = 0; k < 2; k++) {
			struct slice text = slice_str(texts[i]);

			buf_addf(&want, "[%zu 1500000000|%s|%s]", file.n,
			    texts[i], k == 0 ? "00 " : "15 work $Forwarded");
			mbox_head(&file, text, 1500000000, k == 0 ? 0 :
			    STORE_SEEN | STORE_FLAGGED | STORE_DRAFT, keywords,
			    k == 0 ? 0 : 2);
			mbox_body(&file, text, no_flush, NULL);
		}
		CHECK(parse(buf_slice(&file), 13, &out) == 0);
		CHECK_SLICE(buf_slice(&out), buf_str(&want));
		buf_release(&want);
	}
	buf_clear(&file);
	mbox_head(&file, S("Return-Path: <s@t.test>\n"), 0, 0, NULL, 0);
	CHECK_SLICE(buf_slice(&file), "From s@t.test Thu Jan  1 00:00:00 1970\n"
	    "Status: O\n");
	buf_clear(&file);
	mbox_body(&file, S("Status: RO\n x\nA: b\nX-Keywords: k\n\nStatus: R"),
	    no_flush, NULL);
	CHECK_SLICE(buf_slice(&file), "A: b\n\nStatus: R\n\n");
	buf_release(&file);
	buf_release(&out);
}

TESTS(T(messages_are_told_apart), T(long_lines_pass_whole),
    T(from_lines_have_a_date), T(what_is_written_can_be_read_again))
