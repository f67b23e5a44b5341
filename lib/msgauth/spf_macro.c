/* SPF's macros. See spf_macro.h. */
#include "msgauth/spf_macro.h"

#include "core/limits.h"

#define NAME_MAX_OCTETS 253
#define LABEL_MAX_OCTETS 63
/* No value has more parts; what is longer is cut. */
#define VALUE_MAX 512
/* An expansion grows to this before what is too far left is dropped. */
#define NAME_ROOM 4096

/* "%{d2r-}" taken apart. */
struct macro {
	char letter;           /* in lower case */
	bool escape;           /* it was upper case */
	size_t keep;           /* right-hand parts; 0: all */
	bool reverse;
	struct slice delimiters;
};

/* --- syntax --------------------------------------------------------------- */

static bool
is_delimiter(char c)
{
	return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

/* *text is behind "%{"; afterwards behind "}". */
static int
take_macro(struct slice *text, struct macro *m, const char **why)
{
	struct slice s = *text;
	uint64_t keep = 0;
	size_t i = 1, digits;

	*m = (struct macro){ .delimiters = S(".") };
	if (s.n == 0 || strchr("slodiphcrtv", ascii_lower(s.p[0])) == NULL ||
	    s.p[0] == '\0')
		return fail(why, "an unknown macro letter");
	m->letter = ascii_lower(s.p[0]);
	m->escape = m->letter != s.p[0];
	for (digits = i; i < s.n && ascii_is_digit(s.p[i]); i++)
		if (keep < VALUE_MAX)
			keep = keep * 10 + (uint64_t)(s.p[i] - '0');
	if (i > digits && keep == 0)
		return fail(why, "a macro that keeps zero parts");
	m->keep = (size_t)keep;
	if (i < s.n && ascii_lower(s.p[i]) == 'r') {
		m->reverse = true;
		i++;
	}
	digits = i;
	while (i < s.n && is_delimiter(s.p[i]))
		i++;
	if (i > digits)
		m->delimiters = slice_of(s.p + digits, i - digits);
	if (i == s.n || s.p[i] != '}')
		return fail(why, "a malformed macro");
	*text = slice_from(s, i + 1);
	return 0;
}

int
spf_macro_check(struct slice text, bool explanation, bool all_letters,
    const char **why)
{
	struct macro m;

	while (text.n > 0) {
		char c = text.p[0], next = text.n > 1 ? text.p[1] : '\0';

		if (c < (explanation ? ' ' : '!') || c > '~')
			return fail(why, "a character that is not allowed");
		if (c != '%') {
			text = slice_from(text, 1);
			continue;
		}
		text = slice_from(text, 2);
		if (next == '%' || next == '_' || next == '-')
			continue;
		if (next != '{')
			return fail(why, "a \"%\" that starts no macro");
		if (take_macro(&text, &m, why) == -1)
			return -1;
		if (!all_letters && strchr("crt", m.letter) != NULL)
			return fail(why,
			    "a macro that only an explanation may use");
	}
	return 0;
}

/* Section 7.1, toplabel. */
static bool
is_toplabel(struct slice s)
{
	bool other = false;

	if (s.n == 0 || !ascii_is_alnum(s.p[0]) ||
	    !ascii_is_alnum(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
		other |= !ascii_is_digit(s.p[i]);
	}
	return other;
}

/* Does checked text end with a macro? */
static bool
ends_with_macro(struct slice text)
{
	struct macro m;
	bool macro = false;

	while (text.n > 0) {
		macro = text.p[0] == '%';
		if (!macro) {
			text = slice_from(text, 1);
		} else if (text.p[1] == '{') {
			text = slice_from(text, 2);
			if (take_macro(&text, &m, NULL) == -1)
				return false;
		} else {
			text = slice_from(text, 2);
		}
	}
	return macro;
}

int
spf_macro_check_domain(struct slice text, const char **why)
{
	ssize_t dot;

	if (text.n == 0)
		return fail(why, "an empty domain");
	if (spf_macro_check(text, false, false, why) == -1)
		return -1;
	if (ends_with_macro(text))
		return 0;
	if (text.p[text.n - 1] == '.')
		text.n--;
	dot = slice_rfind(text, '.');
	if (dot < 0 || !is_toplabel(slice_from(text, (size_t)dot + 1)))
		return fail(why, "not the name of a domain");
	return 0;
}

bool
spf_macro_uses(struct slice text, char letter)
{
	for (size_t i = 0; i + 2 < text.n; i++) {
		if (text.p[i] != '%')
			continue;
		if (text.p[i + 1] == '{' &&
		    ascii_lower(text.p[i + 2]) == letter)
			return true;
		i++; /* "%%{" is a percent sign and a brace */
	}
	return false;
}

/* --- expansion ------------------------------------------------------------ */

static struct slice
value_of(const struct macro *m, const struct spf_macros *v, char number[24])
{
	switch (m->letter) {
	case 's': return v->sender;
	case 'l': return v->local;
	case 'o': return v->origin;
	case 'd': return v->domain;
	case 'i': return v->ip;
	case 'p': return v->name;
	case 'v': return v->family;
	case 'h': return v->helo;
	case 'c': return v->readable;
	case 'r': return v->receiver;
	default:
		snprintf(number, 24, "%lld", (long long)v->now);
		return slice_str(number);
	}
}

/* RFC 3986 section 2.3: what is not "unreserved" is escaped. */
static void
put_part(struct buf *out, struct slice s, bool escape)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!escape || ascii_is_alnum(c) ||
		    (c != '\0' && strchr("-._~", c) != NULL))
			buf_addc(out, c);
		else
			buf_addf(out, "%%%02X", (unsigned char)c);
	}
}

static size_t
split(struct slice value, struct slice delimiters, struct slice *parts)
{
	size_t n = 0, start = 0;

	for (size_t i = 0; i <= value.n; i++)
		if (i == value.n || slice_find(delimiters, value.p[i]) >= 0) {
			parts[n++] = slice_of(value.p + start, i - start);
			start = i + 1;
		}
	return n;
}

/* Section 7.3: split, reverse, keep the right-hand parts, join with dots. */
static void
expand_one(const struct macro *m, const struct spf_macros *v, struct buf *out)
{
	char number[24];
	struct slice parts[VALUE_MAX + 1];
	struct slice value = slice_head(value_of(m, v, number), VALUE_MAX);
	size_t n = split(value, m->delimiters, parts);
	size_t keep = m->keep > 0 && m->keep < n ? m->keep : n;

	for (size_t i = n - keep; i < n; i++) {
		if (i > n - keep)
			buf_addc(out, '.');
		put_part(out, parts[m->reverse ? n - 1 - i : i], m->escape);
	}
}

/* With room > 0 only what is right in the result is kept. */
static void
expand(struct slice text, const struct spf_macros *v, size_t room,
    struct buf *out)
{
	struct macro m;

	while (text.n > 0) {
		char c = text.p[0], next = text.n > 1 ? text.p[1] : '\0';

		text = slice_from(text, c == '%' ? 2 : 1);
		if (c != '%') {
			buf_addc(out, c);
		} else if (next == '{') {
			if (take_macro(&text, &m, NULL) == 0)
				expand_one(&m, v, out);
		} else {
			buf_adds(out, next == '%' ? "%" :
			    next == '_' ? " " : "%20");
		}
		if (room > 0 && out->n > room)
			buf_consume(out, out->n - 2 * NAME_MAX_OCTETS);
	}
}

void
spf_macro_expand(struct slice text, const struct spf_macros *m,
    struct buf *out)
{
	expand(text, m, 0, out);
}

bool
spf_name_valid(struct slice name)
{
	size_t label = 0, labels = 0;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n > NAME_MAX_OCTETS)
		return false;
	for (size_t i = 0; i <= name.n; i++) {
		if (i == name.n || name.p[i] == '.') {
			if (label == 0 || label > LABEL_MAX_OCTETS)
				return false;
			label = 0;
			labels++;
		} else {
			/* The resolver takes no others; a backslash would be
			 * the start of an escape. "%_" is a blank. */
			if (name.p[i] < ' ' || name.p[i] > '~' ||
			    name.p[i] == '\\')
				return false;
			label++;
		}
	}
	return labels > 1;
}

int
spf_macro_name(struct slice spec, const struct spf_macros *m,
    struct buf *name, const char **why)
{
	expand(spec, m, NAME_ROOM, name);
	if (name->n > 0 && name->p[name->n - 1] == '.')
		buf_truncate(name, name->n - 1);
	while (name->n > NAME_MAX_OCTETS) {
		ssize_t dot = slice_find(buf_slice(name), '.');

		if (dot < 0)
			break;
		buf_consume(name, (size_t)dot + 1);
	}
	if (!buf_ok(name) || !spf_name_valid(buf_slice(name)))
		return fail(why, "is no domain name after expansion");
	return 0;
}
