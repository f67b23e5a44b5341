#include "store/body.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <zlib.h>
#include <zstd.h>

#include "core/file.h"
#include "core/limits.h"
#include "core/log.h"
#include "store/index.h"

static const struct {
	struct slice magic;
	enum body_kind kind;
} magics[] = {
	{ { "\x1f\x8b", 2 }, BODY_GZIP },
	{ { "\x28\xb5\x2f\xfd", 4 }, BODY_ZSTD },
	{ { "CRYPTED\x03\x07", 9 }, BODY_ENCRYPTED },
	{ { "BZh", 3 }, BODY_UNKNOWN },
	{ { "\xfd" "7zXZ\0", 6 }, BODY_UNKNOWN },
	{ { "Dovecot-LZ4\x0d\x2a\x9b\xc5", 15 }, BODY_UNKNOWN },
};

enum body_kind
body_kind(struct slice head)
{
	for (size_t i = 0; i < LEN(magics); i++)
		if (slice_starts(head, magics[i].magic))
			return magics[i].kind;
	return BODY_PLAIN;
}

/* ---- unpacking ----------------------------------------------------------- */

#define PIECE 65536

static int
unpack_gzip(struct slice text, struct buf *out)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)text.p,
		.avail_in = (unsigned)text.n };
	int rc = Z_OK;

	/* 15 bits of window, 16: with a gzip header. */
	if (text.n > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return -1;
	while (rc == Z_OK) {
		char *room = buf_reserve(out, PIECE);

		if (room == NULL)
			break;
		z.next_out = (unsigned char *)room;
		z.avail_out = PIECE;
		rc = inflate(&z, Z_NO_FLUSH);
		buf_commit(out, PIECE - z.avail_out);
		/* Members may follow each other. */
		if (rc == Z_STREAM_END && z.avail_in > 0)
			rc = inflateReset(&z);
	}
	inflateEnd(&z);
	return rc == Z_STREAM_END ? 0 : -1;
}

static int
unpack_zstd(struct slice text, struct buf *out)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer in = { text.p, text.n, 0 };
	size_t left = 1;

	if (z == NULL)
		return -1;
	while (left != 0 || in.pos < in.size) {
		char *room = buf_reserve(out, PIECE);
		ZSTD_outBuffer o = { room, PIECE, 0 };
		size_t before = in.pos;

		if (room == NULL)
			break;
		left = ZSTD_decompressStream(z, &o, &in);
		if (ZSTD_isError(left))
			break;
		buf_commit(out, o.pos);
		/* Cut off in the middle. */
		if (left != 0 && in.pos == before && o.pos == 0)
			break;
	}
	ZSTD_freeDStream(z);
	return left == 0 && in.pos == in.size && buf_ok(out) ? 0 : -1;
}

int
body_unpack(enum body_kind kind, struct slice text, struct buf *out)
{
	switch (kind) {
	case BODY_GZIP:
		return unpack_gzip(text, out);
	case BODY_ZSTD:
		return unpack_zstd(text, out);
	default:
		return -1;
	}
}

/* ---- opening ------------------------------------------------------------- */

static int
map_fd(int fd, struct store_body *out)
{
	struct stat st;

	*out = (struct store_body){ .fd = fd };
	if (fstat(fd, &st) == -1 ||
	    mapped_open(&out->map, fd, (size_t)st.st_size) == -1)
		return -1;
	out->text = out->map.text;
	return 0;
}

static enum store_err
refuse(const char *path, const char *why)
{
	struct log_line line;

	log_begin(&line, LOG_WARN, "message-unreadable");
	log_str(&line, "path", path);
	log_str(&line, "why", why);
	log_end(&line);
	return STORE_CORRUPT;
}

/* Puts a file in memory with the unpacked text in the place of body's. */
static enum store_err
unpack_body(enum body_kind kind, const char *path, struct store_body *body)
{
	struct buf text = BUF_INIT(LIMIT_BODY_UNPACKED);
	enum store_err err = STORE_OK;
	int fd = -1;

	if (body_unpack(kind, body->text, &text) == -1) {
		err = refuse(path, buf_ok(&text) ? "damaged compression" :
		    "too large when unpacked");
	} else if ((fd = memfd_create("message", MFD_CLOEXEC)) == -1 ||
	    file_write_all(fd, text.p, text.n) == -1) {
		err = store_errno("unpack", path);
	}
	buf_release(&text);
	store_body_close(body);
	if (err == STORE_OK && map_fd(fd, body) == -1)
		err = store_errno("unpack", path);
	if (err != STORE_OK && fd != -1)
		close(fd);
	return err;
}

enum store_err
body_map(int fd, const char *path, struct store_body *out)
{
	enum body_kind kind;
	enum store_err err;

	*out = (struct store_body){ .fd = -1 };
	if (map_fd(fd, out) == -1) {
		err = store_errno("map", path);
		close(fd);
		*out = (struct store_body){ .fd = -1 };
		return err;
	}
	kind = body_kind(out->text);
	if (kind == BODY_PLAIN)
		return STORE_OK;
	if (kind == BODY_GZIP || kind == BODY_ZSTD) {
		err = unpack_body(kind, path, out);
	} else {
		store_body_close(out);
		err = refuse(path, kind == BODY_ENCRYPTED ? "encrypted" :
		    "compressed in a way that is not supported");
	}
	if (err != STORE_OK)
		*out = (struct store_body){ .fd = -1 };
	return err;
}

bool
store_body_close(struct store_body *b)
{
	bool whole = mapped_close(&b->map);
	struct stat st;

	if (!whole && fstat(b->fd, &st) == 0)
		log_error("message-shrank", "inode=%llu size=%llu",
		    (unsigned long long)st.st_ino,
		    (unsigned long long)st.st_size);
	if (b->fd != -1)
		close(b->fd);
	*b = (struct store_body){ .fd = -1 };
	return whole;
}
