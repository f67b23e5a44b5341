#include "services/relay/body.h"

#define PIECE 16384

void
body_init(struct body *b, int fd, uint64_t size, const struct wire_edit *edit)
{
	*b = (struct body){ .fd = fd, .size = size, .edit = edit,
		.line_start = true };
}

uint64_t
body_size(const struct body *b)
{
	uint64_t size = b->size + b->edit->prefix.n;

	for (uint32_t i = 0; i < b->edit->count; i++) {
		const struct wire_cut *c = &b->edit->cuts[i];

		if (c->start < b->size)
			size -= (c->end < b->size ? c->end : b->size) - c->start;
	}
	return size;
}

/*
 * Reads the next bytes that are not cut away: how many, 0 at the end, -1 with
 * errno.
 */
static ssize_t
read_piece(struct body *b, char *p, size_t n)
{
	const struct wire_edit *e = b->edit;
	uint64_t end = b->size;
	ssize_t r;

	while (b->cut < e->count && e->cuts[b->cut].start <= b->at) {
		if (e->cuts[b->cut].end > b->at)
			b->at = e->cuts[b->cut].end;
		b->cut++;
	}
	if (b->cut < e->count && e->cuts[b->cut].start < end)
		end = e->cuts[b->cut].start;
	if (b->at >= end)
		return 0;
	if (n > end - b->at)
		n = (size_t)(end - b->at);
	do {
		r = pread(b->fd, p, n, (off_t)b->at);
	} while (r == -1 && errno == EINTR);
	if (r == 0) {
		/* Shorter than announced: half a message must not go out. */
		errno = EIO;
		return -1;
	}
	if (r > 0)
		b->at += (uint64_t)r;
	return r;
}

static void
end_line(struct body *b, struct buf *out)
{
	buf_add(out, "\r\n", 2);
	b->line_start = true;
	b->cr = false;
}

/* Text without CR and LF. */
static void
add_text(struct body *b, struct buf *out, struct slice s)
{
	if (s.n == 0)
		return;
	if (b->line_start && s.p[0] == '.')
		buf_addc(out, '.');
	buf_add_slice(out, s);
	b->line_start = false;
}

/*
 * A CR is held back until the next byte shows what it is. A CR or an LF alone
 * becomes a line end: passed on as it is, two servers could see two different
 * messages in it.
 */
static void
add_stuffed(struct body *b, struct buf *out, struct slice in)
{
	while (in.n > 0) {
		const char *lf, *cr;
		size_t n;

		if (b->cr) {
			end_line(b, out);
			if (in.p[0] == '\n')
				in = slice_from(in, 1);
			continue;
		}
		if (in.p[0] == '\n') {
			end_line(b, out);
			in = slice_from(in, 1);
			continue;
		}
		if (in.p[0] == '\r') {
			b->cr = true;
			in = slice_from(in, 1);
			continue;
		}
		lf = memchr(in.p, '\n', in.n);
		n = lf != NULL ? (size_t)(lf - in.p) : in.n;
		cr = memchr(in.p, '\r', n);
		if (cr != NULL)
			n = (size_t)(cr - in.p);
		add_text(b, out, slice_head(in, n));
		in = slice_from(in, n);
	}
}

int
body_next(struct body *b, struct buf *out)
{
	char piece[PIECE];
	ssize_t r;

	if (b->ended)
		return 0;
	if (!b->started) {
		b->started = true;
		add_stuffed(b, out, b->edit->prefix);
	}
	r = read_piece(b, piece, sizeof(piece));
	if (r == -1)
		return -1;
	if (r > 0) {
		add_stuffed(b, out, slice_of(piece, (size_t)r));
		return 1;
	}
	/* The "." must stand on a line of its own. */
	if (b->cr || !b->line_start)
		end_line(b, out);
	b->ended = true;
	return 0;
}

/* Index of the first byte of the text: behind the first empty line. *newlines
 * counts the line ends in a row, across pieces. */
static size_t
header_end(struct slice s, unsigned *newlines)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n') {
			if (++*newlines == 2)
				return i + 1;
		} else if (s.p[i] != '\r') {
			*newlines = 0;
		}
	}
	return s.n;
}

int
body_scan(const struct body *b)
{
	struct body scan;
	char piece[PIECE];
	unsigned newlines = 1; /* a message may start with its empty line */
	int found = 0;

	body_init(&scan, b->fd, b->size, b->edit);
	if (!slice_is_ascii(b->edit->prefix))
		found |= BODY_8BIT_HEADER;
	while (!(found & BODY_8BIT_TEXT)) {
		ssize_t r = read_piece(&scan, piece, sizeof(piece));
		struct slice s, head = { 0 };

		if (r == -1)
			return -1;
		if (r == 0)
			break;
		s = slice_of(piece, (size_t)r);
		if (newlines < 2) {
			head = slice_head(s, header_end(s, &newlines));
			s = slice_from(s, head.n);
		}
		if (!slice_is_ascii(head))
			found |= BODY_8BIT_HEADER;
		if (!slice_is_ascii(s))
			found |= BODY_8BIT_TEXT;
	}
	return found;
}
