#include "core/slice.h"

static bool
ibytes_eq(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

bool
slice_ieq(struct slice a, struct slice b)
{
	return a.n == b.n && ibytes_eq(a.p, b.p, a.n);
}

int
slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && slice_eq(slice_head(s, prefix.n), prefix);
}

bool
slice_istarts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && slice_ieq(slice_head(s, prefix.n), prefix);
}

bool
slice_ends(struct slice s, struct slice suffix)
{
	return s.n >= suffix.n &&
	    slice_eq(slice_from(s, s.n - suffix.n), suffix);
}

bool
slice_iends(struct slice s, struct slice suffix)
{
	return s.n >= suffix.n &&
	    slice_ieq(slice_from(s, s.n - suffix.n), suffix);
}

ssize_t
slice_find(struct slice s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? at - s.p : -1;
}

ssize_t
slice_rfind(struct slice s, char c)
{
	const char *at = s.n > 0 ? memrchr(s.p, c, s.n) : NULL;

	return at != NULL ? at - s.p : -1;
}

ssize_t
slice_ifind(struct slice s, struct slice needle)
{
	if (needle.n == 0)
		return 0;
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (ibytes_eq(s.p + i, needle.p, needle.n))
			return (ssize_t)i;
	return -1;
}

struct slice
slice_from(struct slice s, size_t index)
{
	if (index > s.n)
		index = s.n;
	return slice_of(s.p != NULL ? s.p + index : NULL, s.n - index);
}

struct slice
slice_head(struct slice s, size_t n)
{
	return slice_of(s.p, n < s.n ? n : s.n);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice
slice_trim(struct slice s)
{
	while (s.n > 0 && (is_blank(s.p[0]) || s.p[0] == '\r' || s.p[0] == '\n'))
		s = slice_from(s, 1);
	while (s.n > 0 && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' ||
	    s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

bool
slice_split(struct slice *s, char sep, struct slice *head)
{
	ssize_t at;

	if (s->n == 0)
		return false;
	at = slice_find(*s, sep);
	if (at < 0) {
		*head = *s;
		*s = slice_from(*s, s->n);
		return true;
	}
	*head = slice_head(*s, (size_t)at);
	*s = slice_from(*s, (size_t)at + 1);
	return true;
}

bool
slice_word(struct slice *s, struct slice *word)
{
	size_t n = 0;

	while (s->n > 0 && is_blank(s->p[0]))
		*s = slice_from(*s, 1);
	if (s->n == 0)
		return false;
	while (n < s->n && !is_blank(s->p[n]))
		n++;
	*word = slice_head(*s, n);
	*s = slice_from(*s, n);
	return true;
}

bool
slice_line(struct slice *s, struct slice *line)
{
	if (!slice_split(s, '\n', line))
		return false;
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

char *
slice_dup(struct slice s)
{
	char *p = mem_alloc(s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

int
ascii_hex(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
slice_is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Length of the UTF-8 sequence at s, 0 if it is malformed. RFC 3629 section 4. */
static size_t
utf8_sequence(struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		n = 2;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4;
	else
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	if (c == 0xed)
		high = 0x9f;
	if (c == 0xf0)
		low = 0x90;
	if (c == 0xf4)
		high = 0x8f;
	if (s.n < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		unsigned char t = (unsigned char)s.p[i];

		if (t < low || t > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

bool
slice_is_utf8(struct slice s)
{
	while (s.n > 0) {
		size_t n = utf8_sequence(s);

		if (n == 0)
			return false;
		s = slice_from(s, n);
	}
	return true;
}
