// part: services/imap
/*
 * What a client sends as DEFLATE: any cut, and any sleep in between, gives the
 * same bytes; what we send comes back.
 */
#include "services/imap/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MOST (1 << 20)

/* 0, or -1 if it was refused; out has what came before that. */
static int
inflate_all(struct slice in, size_t step, bool sleep, struct buf *out)
{
	struct zip *z = zip_new();
	struct buf piece = BUF_INIT(ZIP_PIECE);
	const char *why = NULL;
	bool more = false;
	ssize_t used = 0;

	while ((in.n > 0 || more) && out->n < MOST) {
		buf_clear(&piece);
		used = zip_inflate(z, more ? S("") : slice_head(in, step),
		    &piece, &more, &why);
		if (used == -1)
			break;
		assert(piece.n <= ZIP_PIECE);
		in = slice_from(in, (size_t)used);
		buf_add_slice(out, buf_slice(&piece));
		if (sleep)
			zip_sleep(z);
	}
	assert(used != -1 || why != NULL);
	buf_release(&piece);
	zip_free(z);
	return used == -1 ? -1 : 0;
}

/* Behind a command anything may follow: it is divided into what belongs to the
 * stream and the rest, the same in any cut, or refused. */
static ssize_t
leave(struct slice in, size_t step, struct buf *out)
{
	struct zip *z = zip_new();
	const char *why = NULL;
	size_t used = 0;
	bool over = false;
	ssize_t r = 0;

	while (!over && used < in.n && buf_ok(out)) {
		struct slice part = slice_head(slice_from(in, used), step);

		r = zip_inflate_rest(z, part, out, &over, &why);
		if (r == -1)
			break;
		assert(over || (size_t)r == part.n || !buf_ok(out));
		used += (size_t)r;
	}
	zip_free(z);
	return r == -1 ? -1 : (ssize_t)used;
}

static void
check_leave(struct slice in, size_t step)
{
	struct buf a = BUF_INIT(MOST), b = BUF_INIT(MOST);
	ssize_t r = leave(in, in.n, &a), s = leave(in, step, &b);

	if (buf_ok(&a) && buf_ok(&b)) {
		assert(r == s);
		assert(r == -1 || slice_eq(buf_slice(&a), buf_slice(&b)));
	}
	buf_release(&a);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n);
	struct buf whole = BUF_INIT(MOST * 2), parts = BUF_INIT(MOST * 2);
	struct buf packed = BUF_INIT(MOST), back = BUF_INIT(MOST);
	struct zip *z = zip_new();
	int a = inflate_all(in, n, false, &whole);
	int b = inflate_all(in, n > 0 ? 1 + p[n / 2] % n : 1, true, &parts);

	if (whole.n < MOST) {
		assert(a == b);
		assert(a == -1 || slice_eq(buf_slice(&whole),
		    buf_slice(&parts)));
	}
	check_leave(in, n > 0 ? 1 + p[n / 2] % n : 1);
	zip_deflate(z, slice_head(in, n / 2), &packed);
	zip_sleep(z);
	zip_deflate(z, slice_from(in, n / 2), &packed);
	assert(inflate_all(buf_slice(&packed), 100, true, &back) == 0);
	assert(slice_eq(in, buf_slice(&back)));
	zip_free(z);
	buf_release(&whole);
	buf_release(&parts);
	buf_release(&packed);
	buf_release(&back);
	return 0;
}
