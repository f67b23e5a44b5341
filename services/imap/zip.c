#include "services/imap/zip.h"

#include <zlib.h>

#define LEVEL 2   /* text shrinks to a third or less; base64 does not */
#define WINDOW 13 /* 8 KB of history */
#define MEMORY 7
#define CHUNK 16384
#define HISTORY 32768 /* of DEFLATE's largest window */
#define PACKED (HISTORY + 64) /* more than compressBound says */

/* zlib's "raw" streams: no header, no checksum (RFC 4978 section 4). */
#define RAW(bits) (-(bits))

struct zip {
	z_stream out;
	z_stream in;
	bool out_awake;
	bool in_awake;
	bool held;     /* inflate has bytes that found no room */
	bool ended;    /* the client has ended its stream */
	bool empty;    /* nothing came out of this block yet */
	bool flushed;  /* behind an empty block: where a flush ends */
	/* Where the input stream was left while asleep. */
	struct buf history; /* compressed */
	uLong history_n;    /* bytes when not */
	int bits;           /* of last that are still to be used */
	unsigned char last; /* byte of input */
};

struct zip *
zip_new(void)
{
	struct zip *z = mem_zero(sizeof(*z));

	buf_init(&z->history, PACKED);
	return z;
}

static void
out_end(struct zip *z)
{
	if (z->out_awake)
		deflateEnd(&z->out);
	z->out_awake = false;
}

static void
in_end(struct zip *z)
{
	if (z->in_awake)
		inflateEnd(&z->in);
	z->in_awake = false;
}

void
zip_free(struct zip *z)
{
	if (z == NULL)
		return;
	out_end(z);
	in_end(z);
	buf_release(&z->history);
	mem_free(z);
}

/* ---- out ------------------------------------------------------------------ */

static void
out_wake(struct zip *z)
{
	if (z->out_awake)
		return;
	z->out = (z_stream){ 0 };
	if (deflateInit2(&z->out, LEVEL, Z_DEFLATED, RAW(WINDOW), MEMORY,
	    Z_DEFAULT_STRATEGY) != Z_OK)
		panic("deflateInit2 failed");
	z->out_awake = true;
}

static void
deflate_all(struct zip *z, struct slice text, int end, struct buf *out)
{
	if (text.n == 0)
		return;
	out_wake(z);
	while (text.n > 0 && buf_ok(out)) {
		struct slice part = slice_head(text, CHUNK);
		int flush = part.n == text.n ? end : Z_NO_FLUSH;

		z->out.next_in = (unsigned char *)(uintptr_t)part.p;
		z->out.avail_in = (unsigned)part.n;
		do {
			char *room = buf_reserve(out, CHUNK);

			if (room == NULL)
				return;
			z->out.next_out = (unsigned char *)room;
			z->out.avail_out = CHUNK;
			deflate(&z->out, flush);
			buf_commit(out, CHUNK - z->out.avail_out);
		} while (z->out.avail_out == 0);
		text = slice_from(text, part.n);
	}
}

void
zip_deflate(struct zip *z, struct slice text, struct buf *out)
{
	deflate_all(z, text, Z_SYNC_FLUSH, out);
}

void
zip_deflate_last(struct zip *z, struct slice text, struct buf *out)
{
	deflate_all(z, text, Z_FINISH, out);
	out_end(z);
}

/* ---- in ------------------------------------------------------------------- */

/* What inflate says in data_type at the begin of a block that is not the last
 * one; the number of bits that are left of an octet is added. */
#define AT_BLOCK 128
#define LAST_BLOCK 64

static bool
is_at_block(const struct zip *z)
{
	return !z->in_awake ||
	    (z->in.data_type & (AT_BLOCK | LAST_BLOCK)) == AT_BLOCK;
}

/* Opens the stream again where it was left. */
static void
in_wake(struct zip *z)
{
	unsigned char history[HISTORY];
	uLongf n = z->history_n;

	if (z->in_awake)
		return;
	z->in = (z_stream){ 0 };
	if (inflateInit2(&z->in, RAW(15)) != Z_OK)
		panic("inflateInit2 failed");
	z->in_awake = true;
	if (n > 0) {
		if (uncompress(history, &n, (const Bytef *)z->history.p,
		    z->history.n) != Z_OK ||
		    inflateSetDictionary(&z->in, history, (uInt)n) != Z_OK)
			panic("the history of a stream is lost");
		buf_release(&z->history);
		z->history_n = 0;
	}
	if (z->bits > 0)
		inflatePrime(&z->in, z->bits, z->last >> (8 - z->bits));
	z->bits = 0;
}

ssize_t
zip_inflate(struct zip *z, struct slice in, struct buf *out, bool *more,
    const char **why)
{
	char *room = buf_reserve(out, ZIP_PIECE);
	bool at_block;
	size_t used;
	int r;

	*more = false;
	if (z->ended)
		return fail(why, "Compressed stream ended");
	if (in.n > UINT32_MAX || room == NULL || (in.n == 0 && !z->held))
		return 0;
	at_block = !z->held && is_at_block(z);
	in_wake(z);
	z->in.next_in = (unsigned char *)(uintptr_t)in.p;
	z->in.avail_in = (unsigned)in.n;
	z->in.next_out = (unsigned char *)room;
	z->in.avail_out = ZIP_PIECE;
	/* Block by block: behind the one of a command compression may end. */
	r = inflate(&z->in, Z_BLOCK);
	used = in.n - z->in.avail_in;
	buf_commit(out, ZIP_PIECE - z->in.avail_out);
	/* Z_BUF_ERROR: no progress was possible, which is no error. */
	if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
		return fail(why, "Not a compressed stream");
	if (used > 0) {
		z->last = (unsigned char)in.p[used - 1];
		z->empty = (z->empty || at_block) &&
		    z->in.avail_out == ZIP_PIECE;
		z->flushed = z->empty && z->in.data_type == AT_BLOCK;
	}
	z->ended = r == Z_STREAM_END || (z->in.data_type &
	    (AT_BLOCK | LAST_BLOCK)) == (AT_BLOCK | LAST_BLOCK);
	z->held = !z->ended && z->in.avail_out == 0;
	*more = z->held || z->ended;
	return (ssize_t)used;
}

/*
 * A flush is an empty block that ends with an octet. What follows it is plain,
 * unless it begins as another one does, with 0, or as the empty last block
 * with which zlib ends a stream that was flushed, with 3: no command can.
 */
ssize_t
zip_inflate_rest(struct zip *z, struct slice in, struct buf *out, bool *over,
    const char **why)
{
	struct buf piece = BUF_INIT(ZIP_PIECE);
	size_t used = 0;
	bool more = z->held;

	*over = false;
	while (!z->ended && (used < in.n || more) && buf_ok(out)) {
		ssize_t r;

		if (z->flushed && !more && in.p[used] != 0 && in.p[used] != 3)
			break;
		r = zip_inflate(z, more ? S("") : slice_from(in, used),
		    &piece, &more, why);
		if (r == -1) {
			buf_release(&piece);
			return -1;
		}
		used += (size_t)r;
		buf_add_slice(out, buf_slice(&piece));
		buf_clear(&piece);
	}
	*over = z->ended || used < in.n;
	buf_release(&piece);
	return (ssize_t)used;
}

/*
 * The input can be left where a block begins, which is where a client's flush
 * takes it: what is known then is its history and up to seven bits.
 */
static void
in_sleep(struct zip *z)
{
	unsigned char history[HISTORY], packed[PACKED];
	uLongf size = sizeof(packed);
	uInt n = 0;
	int bits = z->in.data_type & 63;

	if (!z->in_awake || z->held || z->ended || !is_at_block(z) || bits > 7)
		return;
	if (inflateGetDictionary(&z->in, history, &n) != Z_OK)
		return;
	if (n > 0 && compress(packed, &size, history, n) != Z_OK)
		panic("compress failed");
	if (n > 0)
		buf_add(&z->history, packed, size);
	z->history_n = n;
	z->bits = bits;
	in_end(z);
}

void
zip_sleep(struct zip *z)
{
	out_end(z);
	in_sleep(z);
}
