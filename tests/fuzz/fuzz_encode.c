/* Transfer encodings, encoded words, charsets, folding, line ends. */
#include "mail/charset.h"
#include "mail/crlf.h"
#include "mail/encode.h"
#include "mail/fold.h"
#include "mail/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Any cut of the input gives the same as no cut. */
static void
check_pieces(enum encoding encoding, struct slice in, size_t cut)
{
	struct buf whole = BUF_INIT(1 << 22), parts = BUF_INIT(1 << 22);
	struct decoder d;

	decode_body(&whole, encoding, in);
	decoder_init(&d, encoding);
	decoder_feed(&d, slice_head(in, cut), &parts);
	decoder_feed(&d, slice_from(in, cut), &parts);
	decoder_end(&d, &parts);
	assert(slice_eq(buf_slice(&whole), buf_slice(&parts)));
	buf_release(&whole);
	buf_release(&parts);
}

static void
check_charset(const char *name, struct slice in, size_t cut)
{
	struct buf whole = BUF_INIT(1 << 22), parts = BUF_INIT(1 << 22);
	struct charset *c = charset_open(slice_str(name));

	charset_feed(c, in, &whole);
	charset_end(c, &whole);
	charset_feed(c, slice_head(in, cut), &parts);
	charset_feed(c, slice_from(in, cut), &parts);
	charset_end(c, &parts);
	assert(slice_eq(buf_slice(&whole), buf_slice(&parts)));
	assert(slice_is_utf8(buf_slice(&whole)));
	charset_close(c);
	buf_release(&whole);
	buf_release(&parts);
}

static void
check_line_ends(struct slice in, size_t cut)
{
	struct buf whole = BUF_INIT(1 << 22), parts = BUF_INIT(1 << 22);
	struct crlf_place place = { 0 };
	bool cr = false;

	crlf_add(&whole, in);
	assert(crlf_size(in, NULL) == whole.n);
	crlf_range(&parts, in, 0, cut, &place);
	crlf_range(&parts, in, cut, UINT64_MAX, &place);
	assert(slice_eq(buf_slice(&whole), buf_slice(&parts)));
	buf_clear(&parts);
	crlf_strip(&parts, slice_head(in, cut), &cr);
	crlf_strip(&parts, slice_from(in, cut), &cr);
	crlf_strip_end(&parts, &cr);
	buf_release(&whole);
	buf_release(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n);
	struct buf out = BUF_INIT(1 << 22), back = BUF_INIT(1 << 22);
	size_t cut = n > 0 ? p[0] % n : 0;

	check_pieces(ENCODING_QP, in, cut);
	check_pieces(ENCODING_BASE64, in, cut);
	check_charset("utf-8", in, cut);
	check_charset("windows-1252", in, cut);
	check_charset("iso-8859-15", in, cut);
	check_charset("x-unknown", in, cut);
	check_charset("iso-2022-jp", in, cut);
	check_charset("gb18030", in, cut);
	check_line_ends(in, cut);
	word_decode(&out, in);
	assert(slice_is_utf8(buf_slice(&out)));
	text_fold(&back, buf_slice(&out));
	buf_clear(&out);
	buf_clear(&back);
	word_encode(&out, in);
	word_decode(&back, buf_slice(&out));
	if (slice_is_utf8(in) && memchr(in.p, '\r', n) == NULL)
		assert(out.n >= n);
	buf_clear(&out);
	encode_qp(&out, in);
	buf_release(&out);
	buf_release(&back);
	return 0;
}
