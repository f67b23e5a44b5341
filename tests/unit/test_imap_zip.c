// part: services/imap
/* COMPRESS's streams, against zlib as the client. */
#include <zlib.h>

#include "check.h"
#include "services/imap/zip.h"

struct client {
	z_stream out;
	z_stream in;
};

static void
client_start(struct client *c, int window)
{
	*c = (struct client){ 0 };
	assert(deflateInit2(&c->out, 6, Z_DEFLATED, -window, 8,
	    Z_DEFAULT_STRATEGY) == Z_OK);
	assert(inflateInit2(&c->in, -15) == Z_OK);
}

static void
client_end(struct client *c)
{
	deflateEnd(&c->out);
	inflateEnd(&c->in);
}

static void
client_deflate(struct client *c, struct slice s, int flush, struct buf *out)
{
	char *room = buf_reserve(out, s.n + 1000);

	c->out.next_in = (unsigned char *)(uintptr_t)s.p;
	c->out.avail_in = (unsigned)s.n;
	c->out.next_out = (unsigned char *)room;
	c->out.avail_out = (unsigned)s.n + 1000;
	assert(deflate(&c->out, flush) != Z_STREAM_ERROR);
	assert(c->out.avail_in == 0);
	buf_commit(out, s.n + 1000 - c->out.avail_out);
}

static void
client_inflate(struct client *c, struct slice s, struct buf *out)
{
	c->in.next_in = (unsigned char *)(uintptr_t)s.p;
	c->in.avail_in = (unsigned)s.n;
	do {
		char *room = buf_reserve(out, 5000);

		c->in.next_out = (unsigned char *)room;
		c->in.avail_out = 5000;
		assert(inflate(&c->in, Z_SYNC_FLUSH) >= Z_BUF_ERROR);
		buf_commit(out, 5000 - c->in.avail_out);
	} while (c->in.avail_out == 0);
}

/* All of in, in pieces of step bytes. -1 if it is refused. */
static int
inflate_all(struct zip *z, struct slice in, size_t step, struct buf *out)
{
	struct buf piece = BUF_INIT(ZIP_PIECE);
	const char *why = NULL;
	bool more = false;
	ssize_t used = 0;

	while (in.n > 0 || more) {
		buf_clear(&piece);
		used = zip_inflate(z, more ? S("") : slice_head(in, step),
		    &piece, &more, &why);
		if (used == -1)
			break;
		in = slice_from(in, (size_t)used);
		buf_add_slice(out, buf_slice(&piece));
	}
	buf_release(&piece);
	if (used == -1)
		CHECK(why != NULL, "no reason");
	return used == -1 ? -1 : 0;
}

static void
text_make(struct buf *out, size_t n, unsigned seed)
{
	while (out->n < n) {
		seed = seed * 1103515245 + 12345;
		buf_addf(out, "* %u FETCH (UID %u FLAGS (\\Seen))\r\n",
		    seed >> 20, seed >> 16);
	}
}

TEST(answers_are_readable_at_once)
{
	struct zip *z = zip_new();
	struct client c;
	size_t sent = 0, packed = 0;

	client_start(&c, 15);
	for (unsigned i = 0; i < 200; i++) {
		struct buf text = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
		struct buf back = BUF_INIT(1 << 20);

		text_make(&text, i * i, i);
		zip_deflate(z, buf_slice(&text), &out);
		client_inflate(&c, buf_slice(&out), &back);
		CHECK(slice_eq(buf_slice(&text), buf_slice(&back)), "%u", i);
		sent += text.n;
		packed += out.n;
		/* A stream that begins anew is no matter to the client. */
		if (i % 7 == 0)
			zip_sleep(z);
		buf_release(&text);
		buf_release(&out);
		buf_release(&back);
	}
	CHECK(packed * 3 < sent, "%zu of %zu", packed, sent);
	client_end(&c);
	zip_free(z);
}

TEST(commands_survive_any_number_of_sleeps)
{
	static const int flushes[] = { Z_SYNC_FLUSH, Z_PARTIAL_FLUSH,
		Z_FULL_FLUSH, Z_NO_FLUSH };

	for (size_t f = 0; f < LEN(flushes); f++)
		for (size_t step = 1; step < 100000; step = step * 20 + 1) {
			struct zip *z = zip_new();
			struct buf all = BUF_INIT(1 << 22);
			struct buf got = BUF_INIT(1 << 22);
			struct client c;

			client_start(&c, 15);
			for (unsigned i = 0; i < 150; i++) {
				struct buf text = BUF_INIT(1 << 20);
				struct buf wire = BUF_INIT(1 << 20);

				text_make(&text, i * 9, i / 3);
				client_deflate(&c, buf_slice(&text),
				    flushes[f], &wire);
				CHECK(inflate_all(z, buf_slice(&wire), step,
				    &got) == 0, "refused");
				zip_sleep(z);
				zip_sleep(z);
				buf_add_slice(&all, buf_slice(&text));
				buf_release(&text);
				buf_release(&wire);
			}
			got.n = got.n < all.n ? got.n : all.n;
			CHECK(slice_starts(buf_slice(&all), buf_slice(&got)),
			    "flush %d step %zu", flushes[f], step);
			/* What is flushed is there. */
			CHECK(got.n == all.n || flushes[f] == Z_NO_FLUSH,
			    "%zu of %zu", got.n, all.n);
			client_end(&c);
			zip_free(z);
			buf_release(&all);
			buf_release(&got);
		}
}

TEST(a_bomb_comes_out_in_pieces)
{
	struct zip *z = zip_new();
	struct buf zeros = BUF_INIT(64 << 20), wire = BUF_INIT(65 << 20);
	struct buf piece = BUF_INIT(ZIP_PIECE);
	const char *why;
	struct client c;
	size_t total = 0;
	struct slice in;
	bool more = false;

	client_start(&c, 15);
	memset(buf_reserve(&zeros, 32 << 20), 0, 32 << 20);
	buf_commit(&zeros, 32 << 20);
	client_deflate(&c, buf_slice(&zeros), Z_SYNC_FLUSH, &wire);
	CHECK(wire.n < 40000, "%zu", wire.n);
	in = buf_slice(&wire);
	while (in.n > 0 || more) {
		ssize_t used;

		buf_clear(&piece);
		used = zip_inflate(z, in, &piece, &more, &why);
		CHECK(used >= 0 && piece.n <= ZIP_PIECE, "%zd", used);
		in = slice_from(in, (size_t)used);
		total += piece.n;
	}
	CHECK(total == zeros.n, "%zu", total);
	client_end(&c);
	zip_free(z);
	buf_release(&zeros);
	buf_release(&wire);
	buf_release(&piece);
}

TEST(what_is_no_stream_is_refused)
{
	struct buf out = BUF_INIT(1 << 20), wire = BUF_INIT(10000);
	struct zip *z = zip_new();
	struct client c;

	CHECK(inflate_all(z, S("\xff\xff\xff"), 1, &out) == -1, "garbage");
	zip_free(z);
	/* A stream that ends leaves nobody to talk to. */
	z = zip_new();
	client_start(&c, 15);
	client_deflate(&c, S("a NOOP\r\n"), Z_FINISH, &wire);
	CHECK(inflate_all(z, buf_slice(&wire), 100, &out) == -1, "end");
	client_end(&c);
	zip_free(z);
	buf_release(&out);
	buf_release(&wire);
}

/* Inflates in pieces up to the end of the command, and then what belongs to
 * the stream; returns what is left. */
static struct slice
leave_stream(struct slice in, size_t step, bool sleep, struct buf *behind)
{
	struct buf text = BUF_INIT(2 * ZIP_PIECE);
	struct zip *z = zip_new();
	bool more = false, over = false;
	const char *why = NULL;
	ssize_t used;

	while (slice_find(buf_slice(&text), '\n') == -1) {
		used = zip_inflate(z, more ? S("") : slice_head(in, step),
		    &text, &more, &why);
		CHECK(used >= 0, "%s", why);
		in = slice_from(in, (size_t)used);
		if (sleep)
			zip_sleep(z);
	}
	CHECK_SLICE(buf_slice(&text), "b UNAUTHENTICATE\r\n");
	while (!over && in.n > 0) {
		struct slice part = slice_head(in, step);

		used = zip_inflate_rest(z, part, behind, &over, &why);
		CHECK(used >= 0 && (over || (size_t)used == part.n), "%zd %s",
		    used, why != NULL ? why : "");
		in = slice_from(in, (size_t)used);
	}
	buf_release(&text);
	zip_free(z);
	return in;
}

TEST(a_stream_that_ends_leaves_what_follows)
{
	/* How the command is flushed, and what is said behind it. */
	static const struct {
		int flush[3];
		const char *plain;
	} cases[] = {
		{ { Z_FINISH, -1 }, "c NOOP\r\n" },
		{ { Z_SYNC_FLUSH, -1 }, "c NOOP\r\n" },
		{ { Z_FULL_FLUSH, -1 }, "c NOOP\r\n" },
		{ { Z_SYNC_FLUSH, Z_FINISH, -1 }, "c NOOP\r\n" },
		{ { Z_SYNC_FLUSH, Z_FULL_FLUSH, -1 }, "c NOOP\r\n" },
		{ { Z_FINISH, -1 }, "" },
		{ { Z_SYNC_FLUSH, -1 }, "" },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t step = 1; step < 60; step++) {
			struct buf wire = BUF_INIT(10000);
			struct buf behind = BUF_INIT(10000);
			struct slice text = S("b UNAUTHENTICATE\r\n"), left;
			struct client c;

			client_start(&c, 15);
			for (size_t k = 0; cases[i].flush[k] != -1; k++) {
				client_deflate(&c, text, cases[i].flush[k],
				    &wire);
				text = S("");
			}
			buf_adds(&wire, cases[i].plain);
			left = leave_stream(buf_slice(&wire), step,
			    step % 2 == 0, &behind);
			CHECK(slice_eq(left, slice_str(cases[i].plain)) &&
			    behind.n == 0, "%zu %zu: \"%.*s\" %zu", i, step,
			    SLICE_ARG(left), behind.n);
			client_end(&c);
			buf_release(&wire);
			buf_release(&behind);
		}
}

TEST(our_stream_ends_where_a_client_sees_it)
{
	struct buf wire = BUF_INIT(1 << 20), out = BUF_INIT(10000);
	struct zip *z = zip_new();
	struct client c;

	client_start(&c, 15);
	zip_deflate(z, S("* 1 EXISTS\r\n"), &wire);
	zip_deflate_last(z, S("b OK\r\n"), &wire);
	buf_adds(&wire, "plain");
	c.in.next_in = (unsigned char *)wire.p;
	c.in.avail_in = (unsigned)wire.n;
	c.in.next_out = (unsigned char *)buf_reserve(&out, 5000);
	c.in.avail_out = 5000;
	CHECK(inflate(&c.in, Z_SYNC_FLUSH) == Z_STREAM_END, " ");
	CHECK(c.in.avail_in == 5, "%u", c.in.avail_in);
	buf_commit(&out, 5000 - c.in.avail_out);
	CHECK_SLICE(buf_slice(&out), "* 1 EXISTS\r\nb OK\r\n");
	client_end(&c);
	zip_free(z);
	buf_release(&wire);
	buf_release(&out);
}

TESTS(T(answers_are_readable_at_once),
    T(commands_survive_any_number_of_sleeps),
    T(a_bomb_comes_out_in_pieces), T(what_is_no_stream_is_refused),
    T(a_stream_that_ends_leaves_what_follows),
    T(our_stream_ends_where_a_client_sees_it))
