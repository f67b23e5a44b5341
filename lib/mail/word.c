/* Encoded words (RFC 2047) and extended parameters (RFC 2231). See word.h. */
#include "mail/word.h"

#include "core/limits.h"
#include "core/num.h"
#include "mail/charset.h"
#include "mail/encode.h"

#define WORD_MAX 75    /* RFC 2047 section 2 */
#define CHARSET_MAX 64 /* longer names are not charsets */

struct encoded {
	struct slice charset;
	char encoding; /* 'q' or 'b' */
	struct slice text;
	size_t n; /* length of the whole word */
};

/*
 * Recognises an encoded word at the start of s. Blanks in its text are against
 * the rule but common. Looks no further than the next "?" where that decides,
 * so that a row of "=?" costs linear time.
 */
static bool
recognise(struct slice s, struct encoded *w)
{
	size_t i = 2, from;
	ssize_t star;

	if (s.n < 8 || s.p[0] != '=' || s.p[1] != '?')
		return false;
	while (i < s.n && i - 2 <= CHARSET_MAX && (unsigned char)s.p[i] > ' ' &&
	    s.p[i] != '?')
		i++;
	if (i == 2 || i + 3 > s.n || s.p[i] != '?' || s.p[i + 2] != '?')
		return false;
	w->charset = slice_of(s.p + 2, i - 2);
	/* RFC 2231 section 5: a language may follow. */
	star = slice_find(w->charset, '*');
	if (star > 0)
		w->charset.n = (size_t)star;
	w->encoding = ascii_lower(s.p[i + 1]);
	if (w->encoding != 'q' && w->encoding != 'b')
		return false;
	from = i += 3;
	while (i < s.n && s.p[i] != '?')
		i++;
	if (i + 1 >= s.n || s.p[i + 1] != '=')
		return false;
	w->text = slice_of(s.p + from, i - from);
	w->n = i + 2;
	return true;
}

/* mark and two hex digits are a byte; space is one. */
static void
decode_hex(struct buf *out, struct slice in, char mark, char space)
{
	for (size_t i = 0; i < in.n; i++) {
		int hi = -1, lo = -1;

		if (in.p[i] == mark && i + 2 < in.n) {
			hi = ascii_hex(in.p[i + 1]);
			lo = ascii_hex(in.p[i + 2]);
		}
		if (hi >= 0 && lo >= 0) {
			buf_addc(out, (char)(hi << 4 | lo));
			i += 2;
		} else {
			buf_addc(out, in.p[i] == space ? ' ' : in.p[i]);
		}
	}
}

/* The charset of the words just decoded: a character may span two words. */
struct run {
	struct slice name;
	struct charset *charset;
};

static void
run_end(struct run *r, struct buf *out)
{
	if (r->charset == NULL)
		return;
	charset_end(r->charset, out);
	charset_close(r->charset);
	r->charset = NULL;
}

static void
put_word(struct buf *out, struct run *r, const struct encoded *w)
{
	struct buf raw = BUF_INIT(LIMIT_HEADER_BYTES);

	if (r->charset == NULL || !slice_ieq(r->name, w->charset)) {
		run_end(r, out);
		r->name = w->charset;
		r->charset = charset_open(w->charset);
	}
	if (w->encoding == 'q')
		/* RFC 2047 4.2 */
		decode_hex(&raw, w->text, '=', '_');
	else
		decode_body(&raw, ENCODING_BASE64, w->text);
	charset_feed(r->charset, buf_slice(&raw), out);
	buf_release(&raw);
}

/* Decoding may have produced control bytes; none may reach a reader. */
static void
blank_controls(struct buf *out, size_t from)
{
	for (size_t i = from; i < out->n; i++)
		if ((unsigned char)out->p[i] < ' ' || out->p[i] == 0x7f)
			out->p[i] = ' ';
}

static void
put_plain(struct buf *out, struct slice text)
{
	size_t from = 0;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\r' || text.p[i] == '\n') {
			utf8_sanitize(out, slice_of(text.p + from, i - from));
			from = i + 1;
		}
	utf8_sanitize(out, slice_from(text, from));
}

static bool
is_white(struct slice s)
{
	return slice_trim(s).n == 0;
}

void
word_decode(struct buf *out, struct slice value)
{
	size_t before = out->n, from = 0, i = 0;
	struct run run = { 0 };
	struct encoded w;

	while (i < value.n) {
		const char *at = memchr(value.p + i, '=', value.n - i);
		struct slice gap;

		if (at == NULL)
			break;
		i = (size_t)(at - value.p);
		if (!recognise(slice_from(value, i), &w)) {
			i++;
			continue;
		}
		/* RFC 2047 6.2: white space between two words is not shown. */
		gap = slice_of(value.p + from, i - from);
		if (run.charset == NULL || !is_white(gap)) {
			run_end(&run, out);
			put_plain(out, gap);
		}
		put_word(out, &run, &w);
		i += w.n;
		from = i;
	}
	run_end(&run, out);
	put_plain(out, slice_from(value, from));
	blank_controls(out, before);
}

static bool
needs_encoding(struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < ' ' || c > '~' ||
		    (c == '=' && i + 1 < text.n && text.p[i + 1] == '?'))
			return true;
	}
	return false;
}

/* RFC 2047 5 (3): what may stand for itself in a word within a phrase. */
static void
put_q(struct buf *out, struct slice c)
{
	for (size_t i = 0; i < c.n; i++) {
		if (ascii_is_alnum(c.p[i]) || (c.p[i] != 0 &&
		    strchr("!*+-/", c.p[i]) != NULL))
			buf_addc(out, c.p[i]);
		else if (c.p[i] == ' ')
			buf_addc(out, '_');
		else
			buf_addf(out, "=%02X", (unsigned char)c.p[i]);
	}
}

void
word_encode(struct buf *out, struct slice text)
{
	static const char open[] = "=?utf-8?q?";
	struct buf one = BUF_INIT(16), q = BUF_INIT(16);
	size_t column = 0;

	if (!needs_encoding(text)) {
		buf_add_slice(out, text);
		return;
	}
	while (text.n > 0) {
		buf_clear(&one);
		buf_clear(&q);
		/* RFC 2047 section 5: no character is cut in two. */
		utf8_put(&one, utf8_take(&text));
		put_q(&q, buf_slice(&one));
		if (column + q.n + 2 > WORD_MAX) {
			buf_adds(out, "?=\r\n ");
			column = 0;
		}
		if (column == 0) {
			buf_adds(out, open);
			column = sizeof(open) - 1;
		}
		buf_add_slice(out, buf_slice(&q));
		column += q.n;
	}
	buf_adds(out, "?=");
	buf_release(&one);
	buf_release(&q);
}

/* Cuts "charset'language'" off the first extended segment. */
static struct slice
take_charset(struct slice *value)
{
	struct slice charset = { 0 };
	ssize_t first = slice_find(*value, '\''), second;

	if (first < 0)
		return charset;
	second = slice_find(slice_from(*value, (size_t)first + 1), '\'');
	if (second < 0)
		return charset;
	charset = slice_head(*value, (size_t)first);
	*value = slice_from(*value, (size_t)(first + second) + 2);
	return charset;
}

/*
 * True if a parameter's name is name with the suffix of segment number n
 * ("*", "*3", "*3*"); number -1 asks for the one without numbers, "name*".
 */
static bool
is_segment(struct slice have, struct slice name, int number, bool *extended)
{
	uint32_t v;

	if (!slice_istarts(have, name) || have.n == name.n ||
	    have.p[name.n] != '*')
		return false;
	have = slice_from(have, name.n + 1);
	*extended = true;
	if (number < 0 || have.n == 0)
		return number < 0 && have.n == 0;
	*extended = have.p[have.n - 1] == '*';
	if (*extended)
		have.n--;
	return num_u32(have, &v) == 0 && v == (uint32_t)number;
}

static const struct word_param *
find_segment(const struct word_param *params, size_t n, struct slice name,
    int number, bool *extended)
{
	for (size_t i = 0; i < n; i++)
		if (is_segment(params[i].name, name, number, extended))
			return &params[i];
	return NULL;
}

bool
word_param(struct buf *out, const struct word_param *params, size_t n,
    struct slice name)
{
	struct buf raw = BUF_INIT(LIMIT_HEADER_BYTES);
	struct slice charset = { 0 };
	const struct word_param *p;
	bool extended, found = false;
	size_t before = out->n;
	int number = -1;

	p = find_segment(params, n, name, number, &extended);
	if (p == NULL) {
		number = 0;
		p = find_segment(params, n, name, number, &extended);
	}
	for (; p != NULL; p = number < 0 ? NULL :
	    find_segment(params, n, name, ++number, &extended)) {
		struct slice value = p->value;

		if (extended && number <= 0)
			charset = take_charset(&value);
		if (extended)
			/* RFC 2231 section 4 */
			decode_hex(&raw, value, '%', ' ');
		else
			buf_add_slice(&raw, value);
		found = true;
	}
	if (found)
		charset_to_utf8(out, charset, buf_slice(&raw));
	buf_release(&raw);
	blank_controls(out, before);
	for (size_t i = 0; i < n && !found; i++)
		if (slice_ieq(params[i].name, name)) {
			word_decode(out, params[i].value);
			found = true;
		}
	return found;
}
