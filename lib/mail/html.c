/* HTML as text. See html.h; the rules are those of the HTML standard's
 * tokenizer (section 13.2.5), as far as text depends on them. */
#include "mail/html.h"

#include "core/num.h"
#include "mail/charset.h"

#define NAME_MAX_LEN 16 /* of tags and references that mean something */

/* Elements whose content is no text for a reader. */
static const char *const silent[] = { "head", "script", "style", "template",
	"title", "noscript" };

/* Elements that run on within a line; all others end one. */
static const char *const inline_tags[] = { "a", "abbr", "b", "bdi", "bdo",
	"big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark",
	"q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
	"time", "tt", "u", "var", "wbr", "img" };

/* References for U+00A0 to U+00FF, in order. */
static const char latin[96][7] = { "nbsp", "iexcl", "cent", "pound", "curren",
	"yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo", "not", "shy",
	"reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro",
	"para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12",
	"frac34", "iquest", "Agrave", "Aacute", "Acirc", "Atilde", "Auml",
	"Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml",
	"Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve",
	"Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave",
	"Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave",
	"aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil",
	"egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc",
	"iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml",
	"divide", "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute",
	"thorn", "yuml" };

static const struct {
	const char *name;
	uint32_t code;
} references[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
	{ "apos", '\'' }, { "OElig", 0x152 }, { "oelig", 0x153 },
	{ "Scaron", 0x160 }, { "scaron", 0x161 }, { "Yuml", 0x178 },
	{ "circ", 0x2c6 }, { "tilde", 0x2dc }, { "ensp", 0x2002 },
	{ "emsp", 0x2003 }, { "thinsp", 0x2009 }, { "zwnj", 0x200c },
	{ "zwj", 0x200d }, { "lrm", 0x200e }, { "rlm", 0x200f },
	{ "ndash", 0x2013 }, { "mdash", 0x2014 }, { "lsquo", 0x2018 },
	{ "rsquo", 0x2019 }, { "sbquo", 0x201a }, { "ldquo", 0x201c },
	{ "rdquo", 0x201d }, { "bdquo", 0x201e }, { "dagger", 0x2020 },
	{ "bull", 0x2022 }, { "hellip", 0x2026 }, { "permil", 0x2030 },
	{ "prime", 0x2032 }, { "lsaquo", 0x2039 }, { "rsaquo", 0x203a },
	{ "euro", 0x20ac }, { "trade", 0x2122 }, { "larr", 0x2190 },
	{ "uarr", 0x2191 }, { "rarr", 0x2192 }, { "darr", 0x2193 },
	{ "minus", 0x2212 }, { "ne", 0x2260 }, { "le", 0x2264 },
	{ "ge", 0x2265 }, { "check", 0x2713 },
};

static bool
is_one_of(struct slice name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq(name, slice_str(list[i])))
			return true;
	return false;
}

static bool
find_named(struct slice name, uint32_t *code)
{
	for (size_t i = 0; i < LEN(references); i++)
		if (slice_eq(name, slice_str(references[i].name))) {
			*code = references[i].code;
			return true;
		}
	for (size_t i = 0; i < LEN(latin); i++)
		if (slice_eq(name, slice_str(latin[i]))) {
			*code = 0xa0 + (uint32_t)i;
			return true;
		}
	return false;
}

static void
put_code(struct buf *out, uint32_t code)
{
	char c = (char)code;

	/* 13.2.5.80: numbers of the C1 controls mean windows-1252. */
	if (code >= 0x80 && code < 0xa0)
		(void)charset_to_utf8(out, S("windows-1252"), slice_of(&c, 1));
	else if (code == 0 || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		utf8_put(out, 0xfffd);
	else
		utf8_put(out, code);
}

/* "&#1234;" and "&#x4d2;", behind the "#"; 0 if it is none. */
static size_t
take_number(struct slice s, uint32_t *code)
{
	bool hex = s.n > 0 && (s.p[0] == 'x' || s.p[0] == 'X');
	size_t i = hex, from = i;

	for (*code = 0; i < s.n; i++) {
		int digit = ascii_hex(s.p[i]);

		if (digit < 0 || (!hex && digit > 9))
			break;
		if (*code <= 0x10ffff)
			*code = *code * (hex ? 16 : 10) + (uint32_t)digit;
	}
	if (i == from)
		return 0;
	return i < s.n && s.p[i] == ';' ? i + 1 : i;
}

/* Takes the reference at the front of s, or its "&" alone. */
static struct slice
take_reference(struct buf *out, struct slice s)
{
	struct slice rest = slice_from(s, 1);
	uint32_t code;
	size_t n = 0;

	if (rest.n > 0 && rest.p[0] == '#') {
		n = take_number(slice_from(rest, 1), &code);
		if (n > 0) {
			put_code(out, code);
			return slice_from(rest, n + 1);
		}
	}
	while (n < rest.n && n < NAME_MAX_LEN && ascii_is_alnum(rest.p[n]))
		n++;
	/* Without ";" too, as it is written often. */
	if (n > 0 && find_named(slice_head(rest, n), &code)) {
		put_code(out, code);
		return slice_from(rest, n < rest.n && rest.p[n] == ';' ?
		    n + 1 : n);
	}
	buf_addc(out, '&');
	return rest;
}

/* Behind the ">" of a tag: one in a quoted value is none. */
static struct slice
skip_tag(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		ssize_t end;

		if (s.p[i] == '>')
			return slice_from(s, i + 1);
		if ((s.p[i] != '"' && s.p[i] != '\'') || i == 0 ||
		    s.p[i - 1] != '=')
			continue;
		end = slice_find(slice_from(s, i + 1), s.p[i]);
		/* A quote that nobody ends is a typing error. */
		if (end != -1)
			i += (size_t)end + 1;
	}
	return slice_from(s, s.n);
}

static struct slice
skip_behind(struct slice s, struct slice end)
{
	ssize_t at = slice_ifind(s, end);

	return slice_from(s, at == -1 ? s.n : (size_t)at + end.n);
}

/* From a silent element's start tag to its end tag. */
static struct slice
skip_element(struct slice s, struct slice name)
{
	char end[NAME_MAX_LEN + 3] = "</";

	memcpy(end + 2, name.p, name.n);
	return skip_tag(skip_behind(s, slice_of(end, name.n + 2)));
}

static struct slice
take_tag(struct buf *out, struct slice s)
{
	bool closing = s.n > 1 && s.p[1] == '/';
	struct slice name = slice_from(s, closing ? 2 : 1);
	size_t n = 0;

	if (slice_starts(s, S("<!--")))
		return skip_behind(slice_from(s, 4), S("-->"));
	if (s.n > 1 && (s.p[1] == '!' || s.p[1] == '?'))
		return skip_behind(s, S(">"));
	while (n < name.n && n < NAME_MAX_LEN && ascii_is_alnum(name.p[n]))
		n++;
	name = slice_head(name, n);
	if (n == 0 || !ascii_is_alpha(name.p[0])) {
		buf_addc(out, '<');
		return slice_from(s, 1);
	}
	s = skip_tag(slice_from(s, 1));
	if (!closing && is_one_of(name, silent, LEN(silent)))
		s = skip_element(s, name);
	if (!is_one_of(name, inline_tags, LEN(inline_tags)))
		buf_addc(out, '\n');
	return s;
}

/* Bytes that mean themselves. */
static size_t
plain_run(struct slice s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '<' && s.p[n] != '&')
		n++;
	return n;
}

void
html_text(struct buf *out, struct slice html)
{
	while (html.n > 0 && buf_ok(out)) {
		size_t n = plain_run(html);

		if (n > 0) {
			buf_add(out, html.p, n);
			html = slice_from(html, n);
		} else if (html.p[0] == '&') {
			html = take_reference(out, html);
		} else {
			html = take_tag(out, html);
		}
	}
}
