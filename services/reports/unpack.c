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
#define ENTRIES_MAX 100  /* that are looked at */
#define ZIP64 UINT32_MAX /* a number that did not fit */

/* A text on its way out. */
struct text {
	unpack_fn *fn;
	void *arg;
	const char **why;
	size_t total;
	uLong crc;
};

static int
pass(struct text *t, struct slice piece)
{
	t->total += piece.n;
	if (t->total > LIMIT_REPORT_UNPACKED)
		return fail(t->why, "too large when unpacked");
	t->crc = crc32(t->crc, (const unsigned char *)piece.p,
	    (unsigned)piece.n);
	if (piece.n > 0 && t->fn(t->arg, piece) != 0) {
		*t->why = NULL;
		return -1;
	}
	return 0;
}

/* One stream; gzip members behind each other are one text. */
static int
inflate_all(struct slice packed, int window, struct text *t)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)packed.p,
		.avail_in = (unsigned)packed.n };
	unsigned char *out;
	int rc = Z_OK, r = 0;

	if (packed.n > UINT32_MAX || inflateInit2(&z, window) != Z_OK)
		return fail(t->why, "cannot be unpacked");
	out = mem_alloc(PIECE);
	while (rc == Z_OK && r == 0) {
		z.next_out = out;
		z.avail_out = PIECE;
		rc = inflate(&z, Z_NO_FLUSH);
		r = pass(t, slice_of((char *)out, PIECE - z.avail_out));
		if (rc == Z_STREAM_END && window == GZIP_WINDOW &&
		    z.avail_in >= 2 && z.next_in[0] == 0x1f &&
		    z.next_in[1] == 0x8b)
			rc = inflateReset(&z);
	}
	inflateEnd(&z);
	mem_free(out);
	if (r == 0 && rc != Z_STREAM_END)
		return fail(t->why, "damaged archive");
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

/* A file of an archive, as the directory has it. */
struct entry {
	unsigned flags, method;
	uint32_t crc;
	size_t size; /* packed */
	size_t file; /* where it is */
	struct slice name;
	size_t next; /* entry */
};

/* False: there is none at that place. */
static bool
read_entry(struct slice a, size_t at, struct entry *e)
{
	const char *p = a.p + at;
	size_t names;

	if (at > a.n || a.n - at < ENTRY_SIZE || memcmp(p, ENTRY_MAGIC, 4) != 0)
		return false;
	names = (size_t)le16(p + 28) + le16(p + 30) + le16(p + 32);
	if (a.n - at - ENTRY_SIZE < names)
		return false;
	*e = (struct entry){ le16(p + 8), le16(p + 10), le32(p + 16),
		le32(p + 20), le32(p + 42),
		slice_of(p + ENTRY_SIZE, le16(p + 28)),
		at + ENTRY_SIZE + names };
	return true;
}

/* The file that is called .xml, else the first. */
static bool
choose_entry(struct slice a, size_t at, struct entry *chosen)
{
	struct entry e;

	if (!read_entry(a, at, chosen))
		return false;
	e = *chosen;
	for (int i = 0; i < ENTRIES_MAX; i++) {
		if (slice_iends(e.name, S(".xml"))) {
			*chosen = e;
			break;
		}
		if (!read_entry(a, e.next, &e))
			break;
	}
	return true;
}

/* Its sizes are taken from the directory: in front of the file itself they
 * may be missing. */
static int
unpack_zip(struct slice a, struct text *t)
{
	ssize_t end = find_end(a);
	struct entry e;
	size_t at;
	int r;

	if (end == -1 || le32(a.p + end + 16) == ZIP64)
		return fail(t->why, end == -1 ? "damaged archive" :
		    "archive of an unknown kind");
	if (!choose_entry(a, le32(a.p + end + 16), &e))
		return fail(t->why, "damaged archive");
	if ((e.flags & FLAG_ENCRYPTED) != 0)
		return fail(t->why, "encrypted archive");
	if (e.method != METHOD_STORED && e.method != METHOD_DEFLATED)
		return fail(t->why, "archive of an unknown method");
	if (e.file > a.n || a.n - e.file < FILE_SIZE ||
	    memcmp(a.p + e.file, FILE_MAGIC, 4) != 0)
		return fail(t->why, "damaged archive");
	at = e.file + FILE_SIZE + le16(a.p + e.file + 26) +
	    le16(a.p + e.file + 28);
	/* Zip64 has its sizes elsewhere; a deflated text ends by itself. */
	if (e.size == ZIP64 && e.method == METHOD_DEFLATED && at < a.n)
		e.size = a.n - at;
	if (at > a.n || a.n - at < e.size)
		return fail(t->why, "damaged archive");
	a = slice_of(a.p + at, e.size);
	r = e.method == METHOD_STORED ? pass(t, a) :
	    inflate_all(a, RAW_WINDOW, t);
	if (r == 0 && t->crc != e.crc)
		return fail(t->why, "damaged archive");
	return r;
}

bool
unpack_knows(struct slice packed)
{
	return slice_starts(packed, S("\x1f\x8b")) ||
	    slice_starts(packed, S("PK")) ||
	    slice_starts(slice_trim(packed), S("<")) ||
	    slice_starts(packed, S("\xef\xbb\xbf<"));
}

int
unpack(struct slice packed, unpack_fn *fn, void *arg, const char **why)
{
	struct text t = { .fn = fn, .arg = arg, .why = why };

	if (slice_starts(packed, S("\x1f\x8b")))
		return inflate_all(packed, GZIP_WINDOW, &t);
	if (slice_starts(packed, S("PK")))
		return unpack_zip(packed, &t);
	if (unpack_knows(packed))
		return pass(&t, packed);
	return fail(why, "neither gzip nor zip nor XML");
}
