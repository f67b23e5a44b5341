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

/* Length of what can be taken as it is. */
static size_t
run(const struct canon_body *c, struct slice s)
{
	const char *cr;
	size_t n = 0;

	if (!c->relaxed) {
		cr = memchr(s.p, '\r', s.n);
		return cr != NULL ? (size_t)(cr - s.p) : s.n;
	}
	while (n < s.n && s.p[n] != '\r' && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	return n;
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
		} else if (c->relaxed &&
		    (in.p[0] == ' ' || in.p[0] == '\t')) {
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

		if (c == ' ' || c == '\t') {
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
