/* Queue ids and Message-IDs. See msgid.h. */
#include "mail/msgid.h"

#include "core/now.h"
#include "core/rand.h"

#define RANDOM_PART 16

void
msgid_queue_id(char out[QUEUE_ID_LEN + 1])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static uint64_t last;
	uint64_t v = (uint64_t)now_wall_us();

	/* Two in one microsecond, or a clock that was set back. */
	if (v <= last)
		v = last + 1;
	last = v;
	for (size_t i = QUEUE_ID_LEN; i > 0; i--) {
		out[i - 1] = digits[v % 36];
		v /= 36;
	}
	out[QUEUE_ID_LEN] = 0;
}

bool
msgid_queue_id_valid(struct slice id)
{
	if (id.n != QUEUE_ID_LEN)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!ascii_is_digit(id.p[i]) &&
		    !(id.p[i] >= 'A' && id.p[i] <= 'Z'))
			return false;
	return true;
}

void
msgid_make(struct buf *out, struct slice id, struct slice host)
{
	time_t now = (time_t)now_wall();
	struct tm tm;

	gmtime_r(&now, &tm);
	buf_addf(out, "<%04d%02d%02d%02d%02d%02d.", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (id.n > 0)
		buf_add_slice(out, id);
	else
		rand_text(out, RANDOM_PART);
	buf_addc(out, '@');
	buf_add_slice(out, host);
	buf_addc(out, '>');
}

/* Reads a quoted string or a comment behind its opening byte; false at the
 * end of the text. out may be NULL. */
static bool
take_quoted(struct slice *in, char open, char close, struct buf *out)
{
	size_t depth = 1;

	for (size_t i = 0; i < in->n; i++) {
		char c = in->p[i];

		if (c == close && --depth == 0) {
			*in = slice_from(*in, i + 1);
			return true;
		}
		if (c == open)
			depth++;
		if (c == '\\' && ++i < in->n)
			c = in->p[i];
		if (out != NULL && c != '\r' && c != '\n')
			buf_addc(out, c);
	}
	*in = slice_from(*in, in->n);
	return false;
}

/* Reads behind "<" to ">"; another "<" starts over. */
static bool
take_id(struct slice *in, struct buf *id)
{
	while (in->n > 0) {
		char c = in->p[0];

		*in = slice_from(*in, 1);
		if (c == '>')
			return true;
		if (c == '<')
			buf_clear(id);
		else if (c == '"' && !take_quoted(in, '"', '"', id))
			return false;
		else if (c == '(' && !take_quoted(in, '(', ')', NULL))
			return false;
		else if (strchr("\"( \t\r\n", c) == NULL)
			buf_addc(id, c);
	}
	return false;
}

bool
msgid_next(struct slice *in, struct buf *id)
{
	ssize_t open;

	while ((open = slice_find(*in, '<')) >= 0) {
		ssize_t at;

		*in = slice_from(*in, (size_t)open + 1);
		buf_clear(id);
		if (!take_id(in, id))
			return false;
		at = slice_rfind(buf_slice(id), '@');
		if (buf_ok(id) && at > 0 && (size_t)at + 1 < id->n)
			return true;
	}
	return false;
}
