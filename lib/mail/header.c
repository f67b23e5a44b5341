/* Header sections, field by field. See header.h. */
#include "mail/header.h"

#include "core/limits.h"
#include "mail/crlf.h"

#define FOLD_AT 78   /* RFC 5322 2.1.1 */
#define WORD_CUT 900 /* a longer word is broken, lines end at 998 */

/* Offset behind the line that starts at "at". */
static size_t
line_end(struct slice msg, size_t at)
{
	const char *lf = memchr(msg.p + at, '\n', msg.n - at);

	return lf != NULL ? (size_t)(lf - msg.p) + 1 : msg.n;
}

/* True if an empty line (LF, CRLF) starts at "at". */
static bool
is_empty_line(struct slice msg, size_t at)
{
	return msg.p[at] == '\n' ||
	    (msg.p[at] == '\r' && at + 1 < msg.n && msg.p[at + 1] == '\n');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct header_iter
header_begin(struct slice msg)
{
	return (struct header_iter){ .msg = slice_head(msg,
	    LIMIT_HEADER_BYTES) };
}

bool
header_next(struct header_iter *it, struct header_field *field)
{
	struct slice msg = it->msg, line;
	size_t start = it->at, end, colon;
	ssize_t found;

	if (start >= msg.n || is_empty_line(msg, start) ||
	    it->fields++ >= LIMIT_HEADER_FIELDS)
		return false;
	end = line_end(msg, start);
	line = slice_of(msg.p + start, end - start);
	while (end < msg.n && is_blank(msg.p[end]))
		end = line_end(msg, end);
	it->at = end;

	/* RFC 5322 4.5 allows blanks before the colon, no control in a name. */
	found = slice_find(line, ':');
	colon = found < 0 ? 0 : (size_t)found;
	field->name = slice_trim(slice_head(line, colon));
	for (size_t i = 0; i < field->name.n; i++)
		if ((unsigned char)field->name.p[i] <= ' ')
			field->name.n = 0;
	if (is_blank(line.p[0]))
		field->name.n = 0;
	field->start = start;
	field->end = end;
	field->value = slice_of(msg.p + start, end - start);
	if (field->name.n > 0)
		field->value = slice_from(field->value, colon + 1);
	if (field->value.n > 0 && field->value.p[field->value.n - 1] == '\n')
		field->value.n--;
	if (field->value.n > 0 && field->value.p[field->value.n - 1] == '\r')
		field->value.n--;
	return true;
}

bool
header_is(const struct header_field *field, struct slice name)
{
	return field->name.n > 0 && slice_ieq(field->name, name);
}

bool
header_find_nth(struct slice msg, struct slice name, size_t nth,
    struct header_field *field)
{
	struct header_iter it = header_begin(msg);

	while (header_next(&it, field))
		if (header_is(field, name) && nth-- == 0)
			return true;
	return false;
}

bool
header_find(struct slice msg, struct slice name, struct slice *value)
{
	struct header_field field;

	if (!header_find_nth(msg, name, 0, &field))
		return false;
	*value = slice_trim(field.value);
	return true;
}

size_t
header_size(struct slice msg)
{
	size_t at = 0;

	while (at < msg.n && !is_empty_line(msg, at))
		at = line_end(msg, at);
	return at < msg.n ? line_end(msg, at) : msg.n;
}

/*
 * RFC 5322 2.2.3: unfolding removes a CRLF that is followed by white space and
 * nothing else. A CR that is not part of a line end is data.
 */
void
header_unfold(struct buf *out, struct slice value)
{
	size_t from = 0;

	value = slice_trim(value);
	for (size_t i = 0; i < value.n; i++) {
		size_t stop = i;

		if (value.p[i] != '\n')
			continue;
		if (stop > from && value.p[stop - 1] == '\r')
			stop--;
		buf_add(out, value.p + from, stop - from);
		from = i + 1;
	}
	buf_add_slice(out, slice_from(value, from));
}

void
header_select(struct buf *out, struct slice msg, const struct slice *names,
    size_t n, bool except)
{
	struct header_iter it = header_begin(msg);
	struct header_field field;

	while (header_next(&it, &field)) {
		bool named = false;

		for (size_t i = 0; i < n && !named; i++)
			named = header_is(&field, names[i]);
		/* What is no field, an mbox "From " line, is among others. */
		if (named == except)
			continue;
		crlf_add(out, slice_of(msg.p + field.start,
		    field.end - field.start));
		if (msg.p[field.end - 1] != '\n')
			buf_adds(out, "\r\n");
	}
	if (it.at < msg.n)
		buf_adds(out, "\r\n");
}

void
header_write(struct buf *out, const char *name, struct slice text)
{
	size_t column = strlen(name) + 1, i = 0;

	buf_adds(out, name);
	buf_addc(out, ':');
	text = slice_trim(text);
	while (i < text.n) {
		size_t end = i;

		/* A word with the blanks before it. */
		while (end < text.n && (unsigned char)text.p[end] <= ' ')
			end++;
		while (end < text.n && end - i < WORD_CUT &&
		    (unsigned char)text.p[end] > ' ')
			end++;
		if (i > 0 && column + (end - i) > FOLD_AT) {
			buf_adds(out, "\r\n");
			column = 0;
		}
		if (i == 0 || (column == 0 && (unsigned char)text.p[i] > ' '))
			buf_addc(out, ' ');
		column += end - i + (i == 0);
		for (; i < end; i++) {
			unsigned char c = (unsigned char)text.p[i];

			buf_addc(out, c < ' ' || c == 0x7f ? ' ' : (char)c);
		}
	}
	buf_adds(out, "\r\n");
}
