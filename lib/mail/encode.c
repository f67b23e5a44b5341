/* Content transfer encodings: RFC 2045 section 6. See encode.h. */
#include "mail/encode.h"

#include "core/base64.h"

#define LINE_MAX_OUT 76 /* RFC 2045 6.7 (5), 6.8 */

enum encoding
encoding_parse(struct slice name)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} table[] = {
		{ "", ENCODING_7BIT },
		{ "7bit", ENCODING_7BIT },
		{ "8bit", ENCODING_8BIT },
		{ "binary", ENCODING_BINARY },
		{ "quoted-printable", ENCODING_QP },
		{ "base64", ENCODING_BASE64 },
	};

	name = slice_trim(name);
	for (size_t i = 0; i < LEN(table); i++)
		if (slice_ieq(name, slice_str(table[i].name)))
			return table[i].encoding;
	return ENCODING_UNKNOWN;
}

void
decoder_init(struct decoder *d, enum encoding encoding)
{
	*d = (struct decoder){ .encoding = encoding };
}

/* The bytes of an unfinished group: of two sextets one, of three two. */
static void
base64_flush(struct decoder *d, struct buf *out)
{
	if (d->count == 2) {
		buf_addc(out, (char)(d->bits >> 4));
	} else if (d->count == 3) {
		buf_addc(out, (char)(d->bits >> 10));
		buf_addc(out, (char)(d->bits >> 2));
	}
	d->bits = 0;
	d->count = 0;
}

/* RFC 2045 6.8: what is outside the alphabet is ignored. */
static void
base64_feed(struct decoder *d, struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		int v = base64_sextet(in.p[i]);
		char three[3];

		if (v < 0) {
			if (in.p[i] == '=')
				base64_flush(d, out);
			continue;
		}
		d->bits = d->bits << 6 | (uint32_t)v;
		if (++d->count < 4)
			continue;
		three[0] = (char)(d->bits >> 16);
		three[1] = (char)(d->bits >> 8);
		three[2] = (char)d->bits;
		buf_add(out, three, sizeof(three));
		d->bits = 0;
		d->count = 0;
	}
}

static bool
is_qp_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
qp_flush(struct decoder *d, struct buf *out)
{
	buf_add(out, d->held, d->n);
	d->n = 0;
}

/*
 * What to do with a byte while "=" is held. True if the byte was used; false
 * if what was held turned out to be plain text.
 */
static bool
qp_escape(struct decoder *d, char c, struct buf *out)
{
	bool hex = d->n > 1 && ascii_hex(d->held[1]) >= 0;

	if (hex && ascii_hex(c) >= 0) {
		buf_addc(out, (char)(ascii_hex(d->held[1]) << 4 |
		    ascii_hex(c)));
		d->n = 0;
		return true;
	}
	/* A soft line break, blanks behind the "=" ignored (6.7 (3), (5)). */
	if (!hex && c == '\n') {
		d->n = 0;
		return true;
	}
	if ((d->n == 1 && ascii_hex(c) >= 0) ||
	    (!hex && is_qp_blank(c) && d->n < sizeof(d->held))) {
		d->held[d->n++] = c;
		return true;
	}
	qp_flush(d, out);
	return false;
}

static void
qp_byte(struct decoder *d, char c, struct buf *out)
{
	if (d->n > 0 && d->held[0] == '=' && qp_escape(d, c, out))
		return;
	if (c == '\n') {
		/* Blanks before a line end were added in transport (3). */
		if (d->n > 0 && d->held[d->n - 1] == '\r')
			buf_addc(out, '\r');
		d->n = 0;
		buf_addc(out, '\n');
		return;
	}
	if (c == '=' || d->n == sizeof(d->held) || !is_qp_blank(c))
		qp_flush(d, out);
	if (c == '=' || is_qp_blank(c))
		d->held[d->n++] = c;
	else
		buf_addc(out, c);
}

static void
qp_feed(struct decoder *d, struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		size_t from = i;

		/* Runs of bytes that mean themselves. */
		while (d->n == 0 && i < in.n && in.p[i] != '=' &&
		    in.p[i] != '\n' && !is_qp_blank(in.p[i]))
			i++;
		buf_add(out, in.p + from, i - from);
		if (i < in.n)
			qp_byte(d, in.p[i], out);
	}
}

void
decoder_feed(struct decoder *d, struct slice in, struct buf *out)
{
	if (d->encoding == ENCODING_BASE64)
		base64_feed(d, in, out);
	else if (d->encoding == ENCODING_QP)
		qp_feed(d, in, out);
	else
		buf_add_slice(out, in);
}

void
decoder_end(struct decoder *d, struct buf *out)
{
	if (d->encoding == ENCODING_BASE64)
		base64_flush(d, out);
	else if (d->n > 1 && d->held[0] == '=' && ascii_hex(d->held[1]) >= 0)
		qp_flush(d, out);
	/* Else a soft break or blanks at the very end: nothing. */
	d->n = 0;
}

void
decode_body(struct buf *out, enum encoding encoding, struct slice in)
{
	struct decoder d;

	decoder_init(&d, encoding);
	decoder_feed(&d, in, out);
	decoder_end(&d, out);
}

/* True if a line ends at i: at an LF, a CRLF, or the end of the text. */
static bool
ends_line(struct slice text, size_t i)
{
	return i >= text.n || text.p[i] == '\n' ||
	    (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n');
}

void
encode_qp(struct buf *out, struct slice text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool plain = c > ' ' && c < 0x7f && c != '=';

		if (ends_line(text, i)) {
			buf_adds(out, "\r\n");
			column = 0;
			i += c == '\r';
			continue;
		}
		if (c == ' ' || c == '\t')
			plain = !ends_line(text, i + 1);
		/* One column stays free for the "=" of a soft break. */
		if (column + (plain ? 1 : 3) > LINE_MAX_OUT - 1 &&
		    !(column + (plain ? 1 : 3) == LINE_MAX_OUT &&
		    ends_line(text, i + 1))) {
			buf_adds(out, "=\r\n");
			column = 0;
		}
		if (plain)
			buf_addc(out, (char)c);
		else
			buf_addf(out, "=%02X", c);
		column += plain ? 1 : 3;
	}
}

void
encode_base64_lines(struct buf *out, struct slice data)
{
	while (data.n > 0) {
		base64_encode(out, slice_head(data, LINE_MAX_OUT / 4 * 3));
		buf_adds(out, "\r\n");
		data = slice_from(data, LINE_MAX_OUT / 4 * 3);
	}
}
