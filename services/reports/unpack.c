#include "services/reports/unpack.h"

#include <zlib.h>

#include "core/limits.h"

#define PIECE 65536
#define GZIP_WINDOW (15 + 16) /* zlib: with a gzip header */
#define RAW_WINDOW (-15)      /* zlib: no header at all */

/* Zip (PKWARE's APPNOTE, sections 4.3.7, 4.3.12, 4.3.16). */
#define END_MAGIC "PK\5\6"
#define ENTRY_MAGIC "PK\1\2"
#define FILE_MAGIC "PK\3\4"
#define END_SIZE 22
#define ENTRY_SIZE 46
#define FILE_SIZE 30
#define COMMENT_MAX 65535
enum { METHOD_STORED = 0, METHOD_DEFLATED = 8 };
#define FLAG_ENCRYPTED 1

static int
pass(struct slice text, size_t *total, unpack_fn *fn, void *arg,
    const char **why)
{
	*total += text.n;
	if (*total > LIMIT_REPORT_UNPACKED)
		return fail(why, "too large when unpacked");
	if (text.n > 0 && fn(arg, text) != 0) {
		*why = NULL;
		return -1;
	}
	return 0;
}

/* One stream; gzip members behind each other are one text. */
static int
inflate_all(struct slice packed, int window, unpack_fn *fn, void *arg,
    const char **why)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)packed.p,
		.avail_in = (unsigned)packed.n };
	unsigned char *out;
	size_t total = 0;
	int rc = Z_OK, r = 0;

	if (packed.n > UINT32_MAX || inflateInit2(&z, window) != Z_OK)
		return fail(why, "cannot be unpacked");
	out = mem_alloc(PIECE);
	while (rc == Z_OK && r == 0) {
		z.next_out = out;
		z.avail_out = PIECE;
		rc = inflate(&z, Z_NO_FLUSH);
		r = pass(slice_of((char *)out, PIECE - z.avail_out), &total,
		    fn, arg, why);
		if (rc == Z_STREAM_END && window == GZIP_WINDOW &&
		    z.avail_in >= 2 && z.next_in[0] == 0x1f &&
		    z.next_in[1] == 0x8b)
			rc = inflateReset(&z);
	}
	inflateEnd(&z);
	mem_free(out);
	if (r == 0 && rc != Z_STREAM_END)
		return fail(why, "damaged archive");
	return r;
}

static uint32_t
le16(const char *p)
{
	return (uint32_t)(unsigned char)p[0] |
	    (uint32_t)(unsigned char)p[1] << 8;
}

static uint32_t
le32(const char *p)
{
	return le16(p) | le16(p + 2) << 16;
}

/* What an archive says at its end; -1 if there is no such record. */
static ssize_t
find_end(struct slice a)
{
	size_t least = a.n > END_SIZE + COMMENT_MAX ?
	    a.n - END_SIZE - COMMENT_MAX : 0;

	if (a.n < END_SIZE)
		return -1;
	for (size_t i = a.n - END_SIZE + 1; i > least; i--)
		if (memcmp(a.p + i - 1, END_MAGIC, 4) == 0)
			return (ssize_t)i - 1;
	return -1;
}

/*
 * The first file of the archive. Its sizes are taken from the directory: in
 * front of the file itself they may be missing.
 */
static int
unpack_zip(struct slice a, unpack_fn *fn, void *arg, const char **why)
{
	ssize_t end = find_end(a);
	size_t entry, file, at, size, total = 0;
	unsigned method;

	if (end == -1)
		return fail(why, "damaged archive");
	entry = le32(a.p + end + 16);
	if (entry > a.n || a.n - entry < ENTRY_SIZE ||
	    memcmp(a.p + entry, ENTRY_MAGIC, 4) != 0)
		return fail(why, "damaged archive");
	if ((le16(a.p + entry + 8) & FLAG_ENCRYPTED) != 0)
		return fail(why, "encrypted archive");
	method = le16(a.p + entry + 10);
	size = le32(a.p + entry + 20);
	file = le32(a.p + entry + 42);
	if (file > a.n || a.n - file < FILE_SIZE ||
	    memcmp(a.p + file, FILE_MAGIC, 4) != 0)
		return fail(why, "damaged archive");
	at = file + FILE_SIZE + le16(a.p + file + 26) + le16(a.p + file + 28);
	if (at > a.n || a.n - at < size)
		return fail(why, "damaged archive");
	a = slice_of(a.p + at, size);
	if (method == METHOD_STORED)
		return pass(a, &total, fn, arg, why);
	if (method == METHOD_DEFLATED)
		return inflate_all(a, RAW_WINDOW, fn, arg, why);
	return fail(why, "archive of an unknown method");
}

int
unpack(struct slice packed, unpack_fn *fn, void *arg, const char **why)
{
	size_t total = 0;

	if (slice_starts(packed, S("\x1f\x8b")))
		return inflate_all(packed, GZIP_WINDOW, fn, arg, why);
	if (slice_starts(packed, S("PK")))
		return unpack_zip(packed, fn, arg, why);
	if (slice_starts(slice_trim(packed), S("<")) ||
	    slice_starts(packed, S("\xef\xbb\xbf<")))
		return pass(packed, &total, fn, arg, why);
	return fail(why, "neither gzip nor zip nor XML");
}
