/* Binary parts made base64 on their way in. See unbinary.h. */
#include "mail/unbinary.h"

#include "core/base64.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/mime_field.h"

#define GROUP 57 /* bytes of a line of 76 (RFC 2045 6.8) */
#define LINE_START (LIMIT_MIME_BOUNDARY * 2)

void
unbinary_init(struct unbinary *u)
{
	*u = (struct unbinary){ 0 };
	buf_init(&u->head, LIMIT_HEADER_BYTES + LINE_START);
	buf_init(&u->group, GROUP);
}

void
unbinary_release(struct unbinary *u)
{
	buf_release(&u->head);
	buf_release(&u->group);
}

/* ---- bodies --------------------------------------------------------------- */

static void
put_group(struct unbinary *u, struct buf *out)
{
	if (u->group.n == 0)
		return;
	if (u->encoded)
		buf_adds(out, "\r\n");
	base64_encode(out, buf_slice(&u->group));
	buf_clear(&u->group);
	u->encoded = true;
}

static void
put_body(struct unbinary *u, struct slice s, struct buf *out)
{
	if (u->state != UNBINARY_ENCODE) {
		buf_add_slice(out, s);
		return;
	}
	while (s.n > 0) {
		struct slice part = slice_head(s, GROUP - u->group.n);

		buf_add_slice(&u->group, part);
		s = slice_from(s, part.n);
		if (u->group.n == GROUP)
			put_group(u, out);
	}
}

static void
put_eol(struct unbinary *u, struct buf *out)
{
	put_body(u, slice_of(u->eol, u->n_eol), out);
	u->n_eol = 0;
}

/* A piece of a body's line; its line end is held back. */
static void
put_line(struct unbinary *u, struct slice line, struct buf *out)
{
	size_t n = line.n;

	/* The other half of a line end that came in two pieces. */
	if (u->n_eol == 1 && u->eol[0] == '\r' && slice_eq(line, S("\n"))) {
		u->eol[u->n_eol++] = '\n';
		return;
	}
	put_eol(u, out);
	if (n > 0 && line.p[n - 1] == '\n')
		n--;
	if (n > 0 && line.p[n - 1] == '\r')
		n--;
	put_body(u, slice_head(line, n), out);
	u->n_eol = line.n - n;
	memcpy(u->eol, line.p + n, u->n_eol);
}

/* True if the line is a boundary of an open multipart (RFC 2046 5.1.1). */
static bool
find_boundary(struct unbinary *u, struct slice line, size_t *which,
    bool *closes)
{
	struct mime_boundary found = { 0 };

	if (!slice_starts(line, S("--")))
		return false;
	for (size_t i = u->n_open; i > 0; i--)
		mime_boundary_try(&found, line,
		    slice_of(u->open[i - 1].boundary, u->open[i - 1].n), i);
	if (found.which == 0)
		return false;
	*which = found.which - 1;
	*closes = found.closes;
	return true;
}

/* The body before a boundary line is over; its line end is the boundary's. */
static void
take_boundary(struct unbinary *u, struct slice line, size_t which,
    bool closes, struct buf *out)
{
	put_group(u, out);
	u->encoded = false;
	u->state = UNBINARY_TEXT;
	put_eol(u, out);
	buf_add_slice(out, line);
	u->n_open = closes ? which : which + 1;
	if (closes)
		return; /* an epilogue */
	u->state = UNBINARY_HEADER;
	u->digest = u->open[which].digest;
}

/* ---- headers -------------------------------------------------------------- */

/* Copies the header with another transfer encoding. */
static void
put_header(const struct unbinary *u, const char *encoding, struct buf *out)
{
	struct slice head = buf_slice(&u->head);
	struct header_iter it = header_begin(head);
	struct header_field field;
	size_t from = 0;

	while (header_next(&it, &field)) {
		if (!header_is(&field, S("Content-Transfer-Encoding")))
			continue;
		buf_add_slice(out, slice_head(slice_from(head, from),
		    field.start - from));
		buf_addf(out, "Content-Transfer-Encoding: %s\r\n", encoding);
		from = field.end;
	}
	buf_add_slice(out, slice_from(head, from));
}

static void
open_multipart(struct unbinary *u, const struct mime_part *part)
{
	struct slice boundary = slice_trim(mime_param_raw(&part->params,
	    S("boundary")));

	if (boundary.n == 0 || boundary.n > LIMIT_MIME_BOUNDARY ||
	    u->n_open == LIMIT_MIME_DEPTH)
		return;
	memcpy(u->open[u->n_open].boundary, boundary.p, boundary.n);
	u->open[u->n_open].n = boundary.n;
	u->open[u->n_open].digest = slice_ieq(part->subtype, S("digest"));
	u->n_open++;
}

/* What follows the header, and in which encoding it is going to be. */
static void
take_header(struct unbinary *u, struct buf *out)
{
	struct arena arena = ARENA_INIT;
	struct mime_part part = { 0 };
	bool binary, multipart, message;

	mime_fields_parse(&arena, buf_slice(&u->head), &part);
	binary = encoding_parse(part.encoding) == ENCODING_BINARY;
	multipart = slice_ieq(part.type, S("multipart"));
	message = part.type.p == NULL ? u->digest :
	    slice_ieq(part.type, S("message"));
	if (!binary)
		buf_add_slice(out, buf_slice(&u->head));
	else
		put_header(u, multipart || message ? "8bit" : "base64", out);
	u->state = binary && !multipart && !message ? UNBINARY_ENCODE :
	    UNBINARY_TEXT;
	if (multipart)
		open_multipart(u, &part);
	/* The message inside begins with a header; others of "message" too,
	 * or they are text. */
	if (message && (part.type.p == NULL ||
	    slice_ieq(part.subtype, S("rfc822")) ||
	    slice_ieq(part.subtype, S("global"))))
		u->state = UNBINARY_HEADER;
	u->digest = false;
	arena_release(&arena);
	buf_clear(&u->head);
}

/* ---- lines ---------------------------------------------------------------- */

/* A line of a header, whose bytes are at the end of head. */
static void
header_line(struct unbinary *u, size_t start, struct buf *out)
{
	struct slice line = slice_from(buf_slice(&u->head), start);
	size_t which;
	bool closes;

	if (slice_eq(line, S("\r\n")) || slice_eq(line, S("\n"))) {
		take_header(u, out);
	} else if (find_boundary(u, line, &which, &closes)) {
		/* A part without a body. */
		buf_add_slice(out, slice_head(buf_slice(&u->head), start));
		take_boundary(u, line, which, closes, out);
		buf_clear(&u->head);
	} else if (u->head.n > LIMIT_HEADER_BYTES) {
		buf_add_slice(out, buf_slice(&u->head));
		buf_clear(&u->head);
		u->state = UNBINARY_TEXT;
	}
}

/* A line of a body, as far as it is in head. */
static void
body_line(struct unbinary *u, struct buf *out)
{
	struct slice line = buf_slice(&u->head);
	size_t which;
	bool closes;

	if (find_boundary(u, line, &which, &closes))
		take_boundary(u, line, which, closes, out);
	else
		put_line(u, line, out);
	buf_clear(&u->head);
}

/* Start of the last line in head. */
static size_t
line_start(const struct unbinary *u)
{
	struct slice text = buf_slice(&u->head);
	ssize_t lf = slice_rfind(slice_head(text, text.n - 1), '\n');

	return u->state == UNBINARY_HEADER && lf != -1 ? (size_t)lf + 1 : 0;
}

void
unbinary_feed(struct unbinary *u, struct slice in, struct buf *out)
{
	while (in.n > 0) {
		ssize_t lf = slice_find(in, '\n');
		struct slice piece = lf == -1 ? in :
		    slice_head(in, (size_t)lf + 1);

		if (u->mid_line) {
			put_line(u, piece, out);
			u->mid_line = lf == -1;
			in = slice_from(in, piece.n);
			continue;
		}
		if (u->state == UNBINARY_HEADER)
			piece = slice_head(piece, LINE_START);
		else
			piece = slice_head(piece, LINE_START - u->head.n);
		buf_add_slice(&u->head, piece);
		in = slice_from(in, piece.n);
		if (u->state == UNBINARY_HEADER) {
			if (piece.p[piece.n - 1] == '\n' ||
			    u->head.n > LIMIT_HEADER_BYTES)
				header_line(u, line_start(u), out);
		} else if (piece.p[piece.n - 1] == '\n' ||
		    u->head.n == LINE_START) {
			u->mid_line = piece.p[piece.n - 1] != '\n';
			body_line(u, out);
		}
	}
}

void
unbinary_end(struct unbinary *u, struct buf *out)
{
	if (u->head.n > 0 && u->state == UNBINARY_HEADER)
		buf_add_slice(out, buf_slice(&u->head));
	else if (u->head.n > 0)
		body_line(u, out);
	put_eol(u, out);
	put_group(u, out);
	if (u->encoded)
		buf_adds(out, "\r\n");
	buf_clear(&u->head);
}
