/* Character sets to UTF-8. See charset.h. */
#include "mail/charset.h"

#include <iconv.h>

#define REPLACEMENT 0xfffd
#define MAX_NAME 40
#define MAX_CARRY 16 /* an unfinished sequence of any charset */

enum kind {
	KIND_UTF8,    /* and US-ASCII */
	KIND_WESTERN, /* windows-1252, which also reads ISO-8859-1 */
	KIND_LATIN9,  /* ISO-8859-15 */
	KIND_GUESS,   /* unknown: UTF-8, else windows-1252 */
	KIND_ICONV,
};

struct charset {
	enum kind kind;
	iconv_t iconv;
	char carry[MAX_CARRY];
	size_t n;
};

void
utf8_put(struct buf *out, uint32_t c)
{
	char t[4];
	size_t n = 0;

	if (c < 0x80) {
		t[n++] = (char)c;
	} else if (c < 0x800) {
		t[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		t[n++] = (char)(0xe0 | c >> 12);
		t[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		t[n++] = (char)(0xf0 | c >> 18);
		t[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		t[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		t[n++] = (char)(0x80 | (c & 0x3f));
	buf_add(out, t, n);
}

/* Length that a sequence with this first byte has, or 1 for a wrong one. */
static size_t
sequence_length(unsigned char c)
{
	return c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
}

/* As utf8_take, but -1 and nothing taken when the front is malformed. */
static int
take_valid(struct slice *s, uint32_t *out)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)s->p[0];
	size_t n = sequence_length(first);
	uint32_t c = first;

	if (first >= 0x80) {
		if (n == 1 || n > s->n)
			return -1;
		c = first & (0x7fU >> n);
		for (size_t i = 1; i < n; i++) {
			unsigned char next = (unsigned char)s->p[i];

			if ((next & 0xc0) != 0x80)
				return -1;
			c = c << 6 | (next & 0x3f);
		}
		if (c < least[n] || c > 0x10ffff ||
		    (c >= 0xd800 && c < 0xe000))
			return -1;
	}
	*s = slice_from(*s, n);
	*out = c;
	return 0;
}

uint32_t
utf8_take(struct slice *s)
{
	uint32_t c;

	if (take_valid(s, &c) == 0)
		return c;
	*s = slice_from(*s, 1);
	return REPLACEMENT;
}

/* Code point of a byte of windows-1252 (as ISO-8859-1 is read by everyone). */
static uint32_t
western(unsigned char c)
{
	static const uint16_t high[32] = { 0x20ac, 0xfffd, 0x201a, 0x0192,
		0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
		0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c,
		0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
		0x0153, 0xfffd, 0x017e, 0x0178 };

	return c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c;
}

static uint32_t
latin9(unsigned char c)
{
	switch (c) {
	case 0xa4: return 0x20ac;
	case 0xa6: return 0x160;
	case 0xa8: return 0x161;
	case 0xb4: return 0x17d;
	case 0xb8: return 0x17e;
	case 0xbc: return 0x152;
	case 0xbd: return 0x153;
	case 0xbe: return 0x178;
	}
	return c;
}

/* Length of the run of ASCII at the start. */
static size_t
ascii_run(struct slice s)
{
	size_t n = 0;

	while (n < s.n && (unsigned char)s.p[n] < 0x80)
		n++;
	return n;
}

/* True if s is the beginning of a sequence whose end is still to come. */
static bool
is_unfinished(struct slice s)
{
	if (s.n >= sequence_length((unsigned char)s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Converts what it can; without final an unfinished rest stays in *in. */
static void
from_utf8(struct slice *in, bool guess, bool final, struct buf *out)
{
	while (in->n > 0) {
		size_t n = ascii_run(*in);
		uint32_t c;

		buf_add(out, in->p, n);
		*in = slice_from(*in, n);
		if (in->n == 0)
			return;
		if (take_valid(in, &c) == -1) {
			if (!final && is_unfinished(*in))
				return;
			c = guess ? western((unsigned char)in->p[0]) :
			    REPLACEMENT;
			*in = slice_from(*in, 1);
		}
		utf8_put(out, c);
	}
}

static void
from_single(struct slice *in, uint32_t (*map)(unsigned char), struct buf *out)
{
	while (in->n > 0) {
		size_t n = ascii_run(*in);

		buf_add(out, in->p, n);
		*in = slice_from(*in, n);
		if (in->n > 0) {
			utf8_put(out, map((unsigned char)in->p[0]));
			*in = slice_from(*in, 1);
		}
	}
}

static void
from_iconv(iconv_t iconv_handle, struct slice *in, bool final, struct buf *out)
{
	char chunk[2048];

	while (in->n > 0) {
		char *from = (char *)(uintptr_t)in->p, *to = chunk;
		size_t left = in->n, room = sizeof(chunk), r;
		int err;

		r = iconv(iconv_handle, &from, &left, &to, &room);
		err = errno;
		buf_add(out, chunk, (size_t)(to - chunk));
		*in = slice_of(from, left);
		if (r != (size_t)-1 || (err == E2BIG && to != chunk))
			continue;
		if (err == EINVAL && !final)
			return;
		/* Malformed: one byte goes, so there is always progress. */
		utf8_put(out, REPLACEMENT);
		*in = slice_from(*in, 1);
	}
}

static void
convert(struct charset *c, struct slice *in, bool final, struct buf *out)
{
	switch (c->kind) {
	case KIND_UTF8:
		from_utf8(in, false, final, out);
		break;
	case KIND_GUESS:
		from_utf8(in, true, final, out);
		break;
	case KIND_WESTERN:
		from_single(in, western, out);
		break;
	case KIND_LATIN9:
		from_single(in, latin9, out);
		break;
	case KIND_ICONV:
		from_iconv(c->iconv, in, final, out);
		break;
	}
}

static const struct {
	const char *name;
	enum kind kind;
} builtin[] = {
	{ "", KIND_UTF8 },
	{ "us-ascii", KIND_UTF8 },
	{ "ascii", KIND_UTF8 },
	{ "ansi_x3.4-1968", KIND_UTF8 },
	{ "utf-8", KIND_UTF8 },
	{ "utf8", KIND_UTF8 },
	{ "iso-8859-1", KIND_WESTERN },
	{ "iso8859-1", KIND_WESTERN },
	{ "iso_8859-1", KIND_WESTERN },
	{ "latin1", KIND_WESTERN },
	{ "windows-1252", KIND_WESTERN },
	{ "cp1252", KIND_WESTERN },
	{ "iso-8859-15", KIND_LATIN9 },
	{ "latin-9", KIND_LATIN9 },
};

/*
 * The families that mail uses. A sender cannot make us load any other of
 * iconv's modules, nor use its "//" options.
 */
static const char *const families[] = { "iso-8859-", "iso8859-", "iso_8859-",
	"iso-2022-", "iso-10646", "windows-", "cp1", "cp8", "cp9", "koi8-",
	"euc-", "gb", "big5", "shift_jis", "shift-jis", "sjis", "utf-16",
	"utf-32", "utf-7", "ucs-", "tis-620", "macintosh", "ibm", "viscii",
	"ks_c_5601", "johab", "latin", "cp4", "cp7", "uhc", "tcvn", "armscii",
	"georgian", "rk1048", "hp-roman8" };

/* Names that iconv does not know, or that senders use for a larger set. */
static const struct {
	const char *name;
	const char *iconv;
} aliases[] = {
	{ "gb2312", "gb18030" },
	{ "x-gbk", "gbk" },
	{ "ks_c_5601-1987", "uhc" },
	{ "x-windows-949", "uhc" },
	{ "x-sjis", "cp932" },
	{ "windows-31j", "cp932" },
	{ "x-euc-jp", "euc-jp" },
	{ "x-mac-roman", "macintosh" },
	{ "iso-8859-8-i", "iso-8859-8" },
	{ "iso-8859-8-e", "iso-8859-8" },
	{ "unicode-1-1-utf-7", "utf-7" },
	{ "unicode-1-1-utf-8", "utf-8" },
	{ "windows-874", "cp874" },
};

static bool
iconv_name(struct slice name, char text[MAX_NAME + 1])
{
	bool known = false;

	if (name.n > MAX_NAME)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!ascii_is_alnum(name.p[i]) && name.p[i] != '-' &&
		    name.p[i] != '_')
			return false;
		text[i] = ascii_lower(name.p[i]);
	}
	text[name.n] = 0;
	for (size_t i = 0; i < LEN(families) && !known; i++)
		known = slice_istarts(name, slice_str(families[i]));
	return known;
}

/* Kind of a charset and, for iconv's, its handle. */
static enum kind
lookup(struct slice name, iconv_t *handle)
{
	char text[MAX_NAME + 1];

	name = slice_trim(name);
	for (size_t i = 0; i < LEN(builtin); i++)
		if (slice_ieq(name, slice_str(builtin[i].name)))
			return builtin[i].kind;
	for (size_t i = 0; i < LEN(aliases); i++)
		if (slice_ieq(name, slice_str(aliases[i].name)))
			name = slice_str(aliases[i].iconv);
	if (!iconv_name(name, text))
		return KIND_GUESS;
	*handle = iconv_open("UTF-8", text);
	return *handle != (iconv_t)-1 ? KIND_ICONV : KIND_GUESS;
}

struct charset *
charset_open(struct slice name)
{
	struct charset *c = mem_zero(sizeof(*c));

	c->kind = lookup(name, &c->iconv);
	return c;
}

bool
charset_known(struct slice name)
{
	struct charset *c = charset_open(name);
	bool known = c->kind != KIND_GUESS;

	charset_close(c);
	return known;
}

/* Converts the carried bytes, keeping what is still unfinished. */
static void
convert_carry(struct charset *c, bool final, struct buf *out)
{
	struct slice s = slice_of(c->carry, c->n);

	convert(c, &s, final, out);
	memmove(c->carry, s.p, s.n);
	c->n = s.n;
}

void
charset_feed(struct charset *c, struct slice in, struct buf *out)
{
	while (c->n > 0 && in.n > 0) {
		c->carry[c->n++] = in.p[0];
		in = slice_from(in, 1);
		convert_carry(c, c->n == MAX_CARRY, out);
	}
	if (in.n == 0)
		return;
	convert(c, &in, false, out);
	if (in.n >= MAX_CARRY)
		convert(c, &in, true, out);
	memcpy(c->carry, in.p, in.n);
	c->n = in.n;
}

void
charset_end(struct charset *c, struct buf *out)
{
	char chunk[64], *to = chunk;
	size_t room = sizeof(chunk);

	convert_carry(c, true, out);
	if (c->kind != KIND_ICONV)
		return;
	/* Composing charsets hold a character back until it is asked for. */
	iconv(c->iconv, NULL, NULL, &to, &room);
	buf_add(out, chunk, (size_t)(to - chunk));
}

void
charset_close(struct charset *c)
{
	if (c->kind == KIND_ICONV)
		iconv_close(c->iconv);
	mem_free(c);
}

int
charset_to_utf8(struct buf *out, struct slice name, struct slice in)
{
	struct charset *c = charset_open(name);
	int result = c->kind == KIND_GUESS ? -1 : 0;

	charset_feed(c, in, out);
	charset_end(c, out);
	charset_close(c);
	return result;
}

void
utf8_sanitize(struct buf *out, struct slice text)
{
	from_utf8(&text, false, true, out);
}
