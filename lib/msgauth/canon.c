/* Canonicalization. See canon.h. */
#include "msgauth/canon.h"

void
canon_body_init(struct canon_body *c, bool relaxed,
    void (*sink)(void *arg, struct slice bytes), void *arg)
{
	c->sink = sink;
	c->arg = arg;
	c->relaxed = relaxed;
	c->cr = c->blank = c->any = false;
	c->ends = 0;
	c->n = 0;
}

static void
flush(struct canon_body *c)
{
	if (c->n > 0)
		c->sink(c->arg, slice_of(c->out, c->n));
	c->n = 0;
}

static void
put(struct canon_body *c, const char *p, size_t n)
{
	if (n > sizeof(c->out) - c->n)
		flush(c);
	if (n > sizeof(c->out)) {
		c->sink(c->arg, slice_of(p, n));
		return;
	}
	memcpy(c->out + c->n, p, n);
	c->n += n;
}

/* Text that is no line end and, when relaxed, holds no blank. */
static void
put_text(struct canon_body *c, const char *p, size_t n)
{
	for (; c->ends > 0; c->ends--)
		put(c, "\r\n", 2);
	if (c->blank)
		put(c, " ", 1);
	c->blank = false;
	c->any = true;
	put(c, p, n);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The bytes of eight that are c, as their high bits; a byte above such a one
 * may be taken for one, too. */
static uint64_t
bytes_that_are(uint64_t eight, char c)
{
	uint64_t x = eight ^ 0x0101010101010101u * (unsigned char)c;

	return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}

/* Has the line no blanks that relaxing changes? It may say no once too often:
 * that costs time only. */
static bool
is_relaxed(struct slice line)
{
	uint64_t here, next, found = 0;
	size_t i;

	for (i = 0; i + sizeof(here) < line.n; i += sizeof(here)) {
		memcpy(&here, line.p + i, sizeof(here));
		memcpy(&next, line.p + i + 1, sizeof(next));
		found |= bytes_that_are(here, '\t') |
		    (bytes_that_are(here, ' ') & bytes_that_are(next, ' '));
	}
	for (; i < line.n; i++)
		if (line.p[i] == '\t' || (line.p[i] == ' ' &&
		    (i + 1 == line.n || is_blank(line.p[i + 1]))))
			return false;
	return found == 0;
}

/* Length of the lines that are canonical already; the last one's end, which
 * may be one to hold back, is not of it. */
static size_t
canonical_lines(const struct canon_body *c, struct slice s)
{
	size_t taken = 0, at = 0;

	while (at < s.n) {
		const char *cr = memchr(s.p + at, '\r', s.n - at);
		size_t end = cr != NULL ? (size_t)(cr - s.p) : s.n;

		if (end == at || (c->relaxed &&
		    !is_relaxed(slice_of(s.p + at, end - at))))
			break;
		taken = end;
		if (s.n - end < 2 || s.p[end + 1] != '\n')
			break;
		at = end + 2;
	}
	return taken;
}

/* Length of what can be taken as it is from the start of a line that must be
 * relaxed; not 0, if it does not start with a blank or CR. */
static size_t
relaxed_run(struct slice s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '\r' && s.p[n] != '\t' &&
	    (s.p[n] != ' ' || (n + 1 < s.n && !is_blank(s.p[n + 1]) &&
	    s.p[n + 1] != '\r')))
		n++;
	return n;
}

static size_t
run(const struct canon_body *c, struct slice s)
{
	size_t n = canonical_lines(c, s);

	return n > 0 ? n : relaxed_run(s);
}

void
canon_body_feed(struct canon_body *c, struct slice in)
{
	while (in.n > 0) {
		size_t n = 1;

		if (c->cr) {
			c->cr = false;
			if (in.p[0] == '\n') {
				c->blank = false;
				c->ends++;
				in = slice_from(in, 1);
				continue;
			}
			put_text(c, "\r", 1);
		}
		if (in.p[0] == '\r') {
			c->cr = true;
		} else if (c->relaxed && is_blank(in.p[0])) {
			c->blank = true;
		} else {
			n = run(c, in);
			put_text(c, in.p, n);
		}
		in = slice_from(in, n);
	}
}

void
canon_body_end(struct canon_body *c)
{
	if (c->cr)
		put_text(c, "\r", 1);
	/*
	 * RFC 6376 3.4.3: empty lines at the end are one line end, and there
	 * is one even if the body is empty. 3.4.4: not when relaxed.
	 */
	if (c->any || !c->relaxed)
		put(c, "\r\n", 2);
	flush(c);
}

/* RFC 6376 3.4.2. A CR that is not part of a line end is data. */
static void
relax_field(struct buf *out, struct slice raw)
{
	ssize_t colon = slice_find(raw, ':');
	size_t at = colon >= 0 ? (size_t)colon : raw.n, start;
	struct slice name = slice_trim(slice_head(raw, at));
	bool blank = false;

	for (size_t i = 0; i < name.n; i++)
		buf_addc(out, ascii_lower(name.p[i]));
	buf_addc(out, ':');
	start = out->n;
	for (size_t i = at + 1; i < raw.n; i++) {
		char c = raw.p[i];

		if (is_blank(c)) {
			blank = true;
		} else if (c != '\n' && (c != '\r' || i + 1 == raw.n ||
		    raw.p[i + 1] != '\n')) {
			if (blank && out->n > start)
				buf_addc(out, ' ');
			blank = false;
			buf_addc(out, c);
		}
	}
}

void
canon_field(struct buf *out, bool relaxed, struct slice raw)
{
	if (relaxed)
		relax_field(out, raw);
	else
		buf_add_slice(out, raw);
}
