/* Dot transparency and line ends of message text. See dotstuff.h. */
#include "services/smtp/dotstuff.h"

#include "core/limits.h"

struct spans {
	struct slice *out;
	size_t count;
};

static void
emit(struct spans *spans, const char *from, const char *to)
{
	if (to > from)
		spans->out[spans->count++] =
		    slice_of(from, (size_t)(to - from));
}

static void
count_line(struct dotstuff *d, size_t n)
{
	d->line += n;
	if (d->line > LIMIT_SMTP_TEXT_LINE)
		d->faults |= DOTSTUFF_LONG_LINE;
}

/* Inside a line: up to its end, or to the end of the input. *bare is set to a
 * LF that has no CR before it. */
static const char *
take_text(struct dotstuff *d, const char *p, const char *end, const char **bare)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));
	const char *stop = lf != NULL ? lf : end;
	size_t n = (size_t)(stop - p);
	bool cr = n > 0 && stop[-1] == '\r';

	if (cr)
		n--;
	if (n > 0 && memchr(p, '\r', n) != NULL)
		d->faults |= DOTSTUFF_BARE_CR;
	count_line(d, n);
	if (lf == NULL) {
		d->state = cr ? DOTSTUFF_CR : DOTSTUFF_TEXT;
		return end;
	}
	if (cr) {
		d->state = DOTSTUFF_START;
		d->line = 0;
	} else {
		*bare = lf;
		d->line = 0;
	}
	return lf + 1;
}

size_t
dotstuff_decode(struct dotstuff *d, struct slice in,
    struct slice out[DOTSTUFF_SPANS], size_t *count)
{
	const char *p = in.p, *end = in.p + in.n;
	const char *from = p; /* decoded, not yet in a span */
	struct spans spans = { out, 0 };

	/* The last span is kept for what is pending at the end. */
	while (p < end && !d->done && spans.count + 3 <= DOTSTUFF_SPANS) {
		switch (d->state) {
		case DOTSTUFF_START:
			d->state = DOTSTUFF_TEXT;
			if (*p != '.' || d->raw)
				break;
			emit(&spans, from, p);
			from = ++p;
			d->state = DOTSTUFF_DOT;
			break;
		case DOTSTUFF_DOT:
			d->state = DOTSTUFF_TEXT;
			if (*p != '\r')
				break;
			from = ++p;
			d->state = DOTSTUFF_DOT_CR;
			break;
		case DOTSTUFF_DOT_CR:
			if (*p == '\n') {
				from = ++p;
				d->done = true;
				break;
			}
			d->faults |= DOTSTUFF_BARE_CR;
			spans.out[spans.count++] = S("\r");
			count_line(d, 1);
			d->state = DOTSTUFF_TEXT;
			break;
		case DOTSTUFF_TEXT: {
			const char *bare = NULL;

			p = take_text(d, p, end, &bare);
			if (bare == NULL)
				break;
			/* Stored as a line end, but the line goes on as far
			 * as dots are concerned. */
			emit(&spans, from, bare);
			spans.out[spans.count++] = S("\r\n");
			from = p;
			d->state = DOTSTUFF_TEXT;
			break;
		}
		case DOTSTUFF_CR:
			if (*p == '\n') {
				p++;
				d->state = DOTSTUFF_START;
				d->line = 0;
				break;
			}
			d->faults |= DOTSTUFF_BARE_CR;
			count_line(d, 1);
			d->state = DOTSTUFF_TEXT;
			break;
		}
	}
	emit(&spans, from, p);
	*count = spans.count;
	if (p > in.p && memchr(in.p, '\0', (size_t)(p - in.p)) != NULL)
		d->faults |= DOTSTUFF_NUL;
	return (size_t)(p - in.p);
}
