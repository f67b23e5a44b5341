// part: services/smtp
#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/limits.h"
#include "services/smtp/body.h"

struct sample {
	const char *in;
	const char *out;
	unsigned faults;
	const char *rest; /* what is left behind the end; NULL: no end */
};

static const struct sample samples[] = {
	{ ".\r\n", "", 0, "" },
	{ "a\r\n.\r\n", "a\r\n", 0, "" },
	{ "a\r\n.\r\nQUIT\r\n", "a\r\n", 0, "QUIT\r\n" },
	{ "..\r\n.\r\n", ".\r\n", 0, "" },
	{ "a\r\n..b\r\n...c\r\n.\r\n", "a\r\n.b\r\n..c\r\n", 0, "" },
	{ ".a\r\n.\r\n", "a\r\n", 0, "" },
	{ "a.\r\nb\r\n.\r\n", "a.\r\nb\r\n", 0, "" },
	{ "\r\n\r\n.\r\n", "\r\n\r\n", 0, "" },
	{ "no end\r\n", "no end\r\n", 0, NULL },
	{ "no end\r\n.", "no end\r\n", 0, NULL },
	{ "no end\r\n.\r", "no end\r\n", 0, NULL },
	/* What smuggling is made of: none of these ends the message. */
	{ "a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0, "" },
	{ "a\r\n.\nb\r\n.\r\n", "a\r\n\r\nb\r\n", 0, "" },
	{ "a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0, "" },
	{ "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", DOTSTUFF_BARE_CR, "" },
	{ "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", DOTSTUFF_BARE_CR, "" },
	{ "a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n", DOTSTUFF_BARE_CR, "" },
	{ "a\r\r\n.\r\n", "a\r\r\n", DOTSTUFF_BARE_CR, "" },
	{ "a\r\r.\r\nb\r\n.\r\n", "a\r\r.\r\nb\r\n", DOTSTUFF_BARE_CR, "" },
	{ "\n.\r\n\r\n.\r\n", "\r\n.\r\n\r\n", 0, "" },
	{ "a\nb\n\n.\r\n\nc\r\n.\r\n", "a\r\nb\r\n\r\n.\r\n\r\nc\r\n", 0, "" },
};

/* Feeds in in pieces of n bytes, each in memory of its own size. */
static size_t
decode(struct dotstuff *d, struct slice in, size_t n, struct buf *out)
{
	size_t at = 0;

	while (at < in.n && !d->done) {
		size_t piece = in.n - at < n ? in.n - at : n, used = 0;
		char *copy = mem_dup(in.p + at, piece);

		while (used < piece && !d->done) {
			struct slice spans[DOTSTUFF_SPANS];
			size_t count = 0;

			used += dotstuff_decode(d, slice_of(copy + used,
			    piece - used), spans, &count);
			for (size_t i = 0; i < count; i++)
				buf_add_slice(out, spans[i]);
		}
		at += used;
		mem_free(copy);
	}
	return at;
}

TEST(dotstuff_decodes_the_same_in_pieces_of_any_size)
{
	for (size_t i = 0; i < LEN(samples); i++) {
		const struct sample *t = &samples[i];
		struct slice in = slice_str(t->in);

		for (size_t n = 1; n <= in.n; n++) {
			struct buf out = BUF_INIT(1000);
			struct dotstuff d;
			size_t used;

			dotstuff_init(&d, false);
			used = decode(&d, in, n, &out);
			CHECK(d.done == (t->rest != NULL), "%zu/%zu", i, n);
			CHECK(d.faults == t->faults, "%zu/%zu: %u", i, n,
			    d.faults);
			CHECK_SLICE(buf_slice(&out), t->out);
			if (t->rest != NULL)
				CHECK_SLICE(slice_from(in, used), t->rest);
			buf_release(&out);
		}
	}
}

/* The slowest correct decoder, to compare with. */
static void
model(struct slice in, struct buf *out, bool *done, size_t *used)
{
	bool start = true;
	size_t i = 0;

	*done = false;
	while (i < in.n && !*done) {
		struct slice rest = slice_from(in, i);

		if (start && slice_starts(rest, S(".\r\n"))) {
			*done = true;
			i += 3;
			break;
		}
		if (start && rest.p[0] == '.') {
			i++;
			start = false;
			continue;
		}
		/* A LF of its own is stored as a line end. */
		if (rest.p[0] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
			buf_addc(out, '\r');
		buf_addc(out, rest.p[0]);
		i++;
		start = out->n >= 2 && i >= 2 && in.p[i - 2] == '\r' &&
		    in.p[i - 1] == '\n';
	}
	*used = i;
}

/* Every text of seven characters over this alphabet, cut at every place. */
TEST(dotstuff_agrees_with_a_simple_model_on_every_short_text)
{
	static const char alphabet[] = "\r\n.a";

	for (unsigned code = 0; code < 1u << 14; code++) {
		char text[7 + 5];
		struct slice in = slice_of(text, sizeof(text));
		struct buf want = BUF_INIT(100);
		size_t used;
		bool done;

		for (size_t i = 0; i < 7; i++)
			text[i] = alphabet[code >> (2 * i) & 3];
		memcpy(text + 7, "\r\n.\r\n", 5);
		model(in, &want, &done, &used);
		for (size_t cut = 1; cut <= in.n; cut += 2) {
			struct buf got = BUF_INIT(100);
			struct dotstuff d;
			size_t n;

			dotstuff_init(&d, false);
			n = decode(&d, in, cut, &got);
			CHECK(d.done == done && (!done || n == used),
			    "code=%x cut=%zu", code, cut);
			/* Without an end a CR behind a dot is held back. */
			if (done)
				CHECK(slice_eq(buf_slice(&got),
				    buf_slice(&want)), "code=%x cut=%zu", code,
				    cut);
			buf_release(&got);
		}
		buf_release(&want);
	}
}

TEST(dotstuff_handles_more_dotted_lines_than_one_call_can_return)
{
	struct buf in = BUF_INIT(10000), want = BUF_INIT(10000);
	struct buf got = BUF_INIT(10000);
	struct dotstuff d;

	for (int i = 0; i < 500; i++) {
		buf_adds(&in, "..x\r\n");
		buf_adds(&want, ".x\r\n");
	}
	buf_adds(&in, ".\r\n");
	dotstuff_init(&d, false);
	decode(&d, buf_slice(&in), in.n, &got);
	CHECK(d.done && d.faults == 0);
	CHECK(slice_eq(buf_slice(&got), buf_slice(&want)));
	buf_release(&in);
	buf_release(&want);
	buf_release(&got);
}

TEST(dotstuff_notes_long_lines_and_nul)
{
	struct buf in = BUF_INIT(200000), out = BUF_INIT(200000);
	struct dotstuff d;

	for (size_t i = 0; i < LIMIT_SMTP_TEXT_LINE; i++)
		buf_addc(&in, 'x');
	buf_adds(&in, "\r\n");
	dotstuff_init(&d, false);
	decode(&d, buf_slice(&in), 1000, &out);
	CHECK(d.faults == 0, "%u", d.faults);
	buf_clear(&out);
	decode(&d, S("y"), 1, &out);
	decode(&d, buf_slice(&in), 1000, &out);
	CHECK(d.faults == DOTSTUFF_LONG_LINE, "%u", d.faults);
	dotstuff_init(&d, false);
	buf_clear(&out);
	decode(&d, slice_of("a\0b\r\n.\r\n", 8), 3, &out);
	CHECK(d.done && d.faults == DOTSTUFF_NUL, "%u", d.faults);
	buf_release(&in);
	buf_release(&out);
}

static void
check_body(struct slice in, bool raw, uint64_t limit, const char *fault,
    const char *content)
{
	int fd = memfd_create("body", MFD_CLOEXEC);
	struct buf got = BUF_INIT(1000);
	struct body b;

	assert(fd != -1);
	body_init(&b, limit, raw);
	CHECK(body_take(&b, fd, in) == in.n);
	if (raw)
		body_finish(&b, fd);
	CHECK(b.text.done);
	if (fault == NULL) {
		CHECK(body_fault(&b) == NULL, "%s", body_fault(&b));
		CHECK(lseek(fd, 0, SEEK_SET) == 0 &&
		    file_read_fd(fd, &got) == 0);
		CHECK_SLICE(buf_slice(&got), content);
		CHECK(b.size == got.n);
	} else {
		CHECK(body_fault(&b) != NULL);
		CHECK(slice_starts(slice_str(body_fault(&b)),
		    slice_str(fault)), "%s", body_fault(&b));
	}
	buf_release(&got);
	close(fd);
}

TEST(body_writes_what_was_meant_or_says_why_not)
{
	check_body(S("a\r\n..b\r\n.\r\n"), false, 0, NULL, "a\r\n.b\r\n");
	check_body(S("12345678\r\n.\r\n"), false, 10, NULL, "12345678\r\n");
	check_body(S("123456789\r\n.\r\n"), false, 10, "552 5.3.4", NULL);
	check_body(S("a\nb\r\n.\r\n"), false, 0, NULL, "a\r\nb\r\n");
	check_body(S("a\rb\r\n.\r\n"), false, 0, "550 5.6.0", NULL);
	check_body(slice_of("\0\r\n.\r\n", 6), false, 0, "550 5.6.0", NULL);
	/* Chunks: dots are text, a missing last CRLF is added. */
	check_body(S("a\r\n..b\r\n.\r\n"), true, 0, NULL, "a\r\n..b\r\n.\r\n");
	check_body(S("a\r\nb"), true, 0, NULL, "a\r\nb\r\n");
	check_body(S("a\nb\n"), true, 0, NULL, "a\r\nb\r\n");
	check_body(S("a\r\nb\r"), true, 0, "550 5.6.0", NULL);
}

TEST(body_tells_a_full_disk_from_a_broken_one)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct body b;

	body_init(&b, 0, false);
	body_take(&b, full, S("a\r\n.\r\n"));
	CHECK_SLICE(slice_str(body_fault(&b)),
	    "452 4.3.1 Insufficient system storage");
	close(full);
	body_init(&b, 0, false);
	body_take(&b, full, S("a\r\n.\r\n"));
	CHECK(slice_starts(slice_str(body_fault(&b)), S("451 4.3.0")));
}

TESTS(T(dotstuff_decodes_the_same_in_pieces_of_any_size),
    T(dotstuff_agrees_with_a_simple_model_on_every_short_text),
    T(dotstuff_handles_more_dotted_lines_than_one_call_can_return),
    T(dotstuff_notes_long_lines_and_nul),
    T(body_writes_what_was_meant_or_says_why_not),
    T(body_tells_a_full_disk_from_a_broken_one))
