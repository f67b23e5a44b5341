/* Envelope addresses: RFC 5321 4.1.2 and RFC 6531 3.3. See addr.h. */
#include "mail/addr.h"

#include <arpa/inet.h>

#include "core/limits.h"

#define MAX_LABEL 63 /* RFC 1035 2.3.4 */

/* RFC 5322 3.2.3 */
static bool
is_atext(unsigned char c)
{
	return ascii_is_alnum((char)c) ||
	    (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_string(struct slice s)
{
	bool dot = true;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '.' && dot)
			return false;
		if (c != '.' && c < 0x80 && !is_atext(c))
			return false;
		dot = c == '.';
	}
	return !dot;
}

/*
 * RFC 6531 3.3 adds UTF8-non-ascii to atext, qtext and sub-domain. The C1
 * controls are UTF-8 too, but they are controls.
 */
static int
check_utf8(struct slice s, unsigned flags, bool *utf8, const char **why)
{
	if (slice_is_ascii(s))
		return 0;
	if ((flags & ADDR_UTF8) == 0)
		return fail(why, "non-ASCII address without SMTPUTF8");
	if (!slice_is_utf8(s))
		return fail(why, "address is not valid UTF-8");
	for (size_t i = 0; i + 1 < s.n; i++)
		if ((unsigned char)s.p[i] == 0xc2 &&
		    (unsigned char)s.p[i + 1] < 0xa0)
			return fail(why, "control character in address");
	*utf8 = true;
	return 0;
}

/* Quoted-string: returns its length with both quotes, or 0. */
static size_t
quoted_length(struct slice in)
{
	for (size_t i = 1; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];

		if (c == '"')
			return i + 1;
		if (c == '\\') {
			if (++i == in.n)
				return 0;
			c = (unsigned char)in.p[i];
			if (c >= 0x80)
				return 0;
		}
		if (c < 0x20 || c == 0x7f)
			return 0;
	}
	return 0;
}

static int
take_local(struct slice *in, struct addr *out, const char **why)
{
	size_t n = 0;

	if (in->n > 0 && in->p[0] == '"') {
		n = quoted_length(*in);
		if (n == 0)
			return fail(why, "bad quoted local part");
		out->quoted = true;
		/* RFC 5321 allows "", but it names nobody. */
		if (n == 2)
			return fail(why, "empty local part");
	} else {
		while (n < in->n && (in->p[n] == '.' ||
		    is_atext((unsigned char)in->p[n]) ||
		    (unsigned char)in->p[n] >= 0x80))
			n++;
		if (n == 0)
			return fail(why, "missing local part");
		if (!is_dot_string(slice_head(*in, n)))
			return fail(why, "misplaced dot in local part");
	}
	if (n > LIMIT_LOCAL_PART)
		return fail(why, "local part too long");
	out->local = slice_head(*in, n);
	*in = slice_from(*in, n);
	return 0;
}

/* RFC 5321 4.1.3; other tags than IPv6 are not registered. */
static bool
literal_valid(struct slice s)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	int family = AF_INET;

	s = slice_of(s.p + 1, s.n - 2);
	if (slice_istarts(s, S("IPv6:"))) {
		family = AF_INET6;
		s = slice_from(s, 5);
	}
	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, 0, s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	return inet_pton(family, text, raw) == 1;
}

/*
 * Underscores are not in RFC 5321's sub-domain, but hosts with such names do
 * send mail.
 */
static bool
is_domain_byte(unsigned char c)
{
	return ascii_is_alnum((char)c) || c == '-' || c == '_' || c >= 0x80;
}

bool
addr_domain_valid(struct slice domain, unsigned flags)
{
	struct slice rest = domain, label;
	bool utf8 = false;

	if (domain.n == 0 || domain.n > LIMIT_DOMAIN ||
	    domain.p[domain.n - 1] == '.' ||
	    check_utf8(domain, flags, &utf8, NULL) == -1)
		return false;
	while (slice_split(&rest, '.', &label)) {
		/* A U-label's octets say little about its A-label's. */
		if (label.n == 0 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-' ||
		    (label.n > MAX_LABEL && slice_is_ascii(label)))
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_domain_byte((unsigned char)label.p[i]))
				return false;
	}
	return true;
}

static int
take_domain(struct slice *in, unsigned flags, struct slice *domain,
    bool *literal, const char **why)
{
	size_t n = 0;

	*literal = in->n > 0 && in->p[0] == '[';
	if (*literal) {
		ssize_t close = slice_find(*in, ']');

		if (close < 0 || !literal_valid(slice_head(*in,
		    (size_t)close + 1)))
			return fail(why, "bad address literal");
		n = (size_t)close + 1;
	} else {
		while (n < in->n && (in->p[n] == '.' ||
		    is_domain_byte((unsigned char)in->p[n])))
			n++;
		if (n == 0)
			return fail(why, "missing domain");
		if (n > LIMIT_DOMAIN)
			return fail(why, "domain too long");
		if (!addr_domain_valid(slice_head(*in, n), flags | ADDR_UTF8))
			return fail(why, "bad domain");
	}
	*domain = slice_head(*in, n);
	*in = slice_from(*in, n);
	return 0;
}

static bool
take_byte(struct slice *in, char c)
{
	if (in->n == 0 || in->p[0] != c)
		return false;
	*in = slice_from(*in, 1);
	return true;
}

static int
take_mailbox(struct slice *in, unsigned flags, struct addr *out,
    const char **why)
{
	if (take_local(in, out, why) == -1)
		return -1;
	if (!take_byte(in, '@')) {
		if ((flags & ADDR_POSTMASTER) != 0 &&
		    slice_ieq(out->local, S("postmaster")))
			return 0;
		return fail(why, in->n == 0 || in->p[0] == '>' ?
		    "address without a domain" : "bad character in address");
	}
	if (take_domain(in, flags, &out->domain, &out->literal, why) == -1)
		return -1;
	if (check_utf8(out->local, flags, &out->utf8, why) == -1 ||
	    check_utf8(out->domain, flags, &out->utf8, why) == -1)
		return -1;
	return 0;
}

/* A-d-l ":" (RFC 5321 4.1.2): accepted, checked, ignored (appendix C). */
static int
drop_route(struct slice *in, unsigned flags, const char **why)
{
	struct slice domain;
	bool literal;

	do {
		if (!take_byte(in, '@') ||
		    take_domain(in, flags, &domain, &literal, NULL) == -1)
			return fail(why, "bad source route");
	} while (take_byte(in, ','));
	if (!take_byte(in, ':'))
		return fail(why, "bad source route");
	return 0;
}

int
addr_parse_path(struct slice *in, unsigned flags, struct addr *out,
    const char **why)
{
	struct slice s = *in;

	*out = (struct addr){ 0 };
	if (!take_byte(&s, '<'))
		return fail(why, "address must be in angle brackets");
	if (take_byte(&s, '>')) {
		if ((flags & ADDR_NULL) == 0)
			return fail(why, "empty address");
	} else {
		if (s.n > 0 && s.p[0] == '@' &&
		    drop_route(&s, flags, why) == -1)
			return -1;
		if (take_mailbox(&s, flags, out, why) == -1)
			return -1;
		if (!take_byte(&s, '>'))
			return fail(why, "bad character in address");
	}
	if (s.n > 0 && s.p[0] != ' ')
		return fail(why, "garbage after address");
	*in = s;
	return 0;
}

int
addr_parse(struct slice in, unsigned flags, struct addr *out, const char **why)
{
	*out = (struct addr){ 0 };
	if (in.n == 0 && (flags & ADDR_NULL) != 0)
		return 0;
	if (take_mailbox(&in, flags, out, why) == -1)
		return -1;
	if (in.n > 0)
		return fail(why, "bad character in address");
	return 0;
}

/*
 * RFC 5321 4.1.2: "john"@x and john@x are one address, and "jo\hn" too; so
 * the quotes are taken off and put on again only when needed.
 */
static void
put_local(struct buf *out, const struct addr *a, bool lower)
{
	char text[LIMIT_LOCAL_PART];
	struct slice raw = a->local, local;
	size_t n = 0;

	if (a->quoted && raw.n >= 2)
		raw = slice_of(raw.p + 1, raw.n - 2);
	for (size_t i = 0; i < raw.n && n < sizeof(text); i++) {
		if (a->quoted && raw.p[i] == '\\' && i + 1 < raw.n)
			i++;
		text[n++] = lower ? ascii_lower(raw.p[i]) : raw.p[i];
	}
	local = slice_of(text, n);
	if (is_dot_string(local)) {
		buf_add_slice(out, local);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, text[i]);
	}
	buf_addc(out, '"');
}

static void
put_address(struct buf *out, const struct addr *a, bool lower)
{
	if (a->local.n == 0)
		return;
	put_local(out, a, lower);
	if (a->domain.n == 0)
		return;
	buf_addc(out, '@');
	for (size_t i = 0; i < a->domain.n; i++)
		buf_addc(out, lower ? ascii_lower(a->domain.p[i]) :
		    a->domain.p[i]);
}

void
addr_format(struct buf *out, const struct addr *a)
{
	put_address(out, a, false);
}

void
addr_format_path(struct buf *out, const struct addr *a)
{
	buf_addc(out, '<');
	put_address(out, a, false);
	buf_addc(out, '>');
}

void
addr_normalize(struct buf *out, const struct addr *a)
{
	put_address(out, a, true);
}

bool
addr_detail(struct slice local, char delimiter, struct slice *base,
    struct slice *detail)
{
	*base = local;
	*detail = slice_of(NULL, 0);
	if (delimiter == 0)
		return false;
	for (size_t i = 1; i < local.n; i++)
		if (local.p[i] == delimiter) {
			*base = slice_head(local, i);
			*detail = slice_from(local, i + 1);
			return true;
		}
	return false;
}

bool
addr_ieq(const struct addr *a, const struct addr *b)
{
	struct buf x = BUF_INIT(2 * LIMIT_ADDRESS);
	struct buf y = BUF_INIT(2 * LIMIT_ADDRESS);
	bool same;

	addr_normalize(&x, a);
	addr_normalize(&y, b);
	same = slice_eq(buf_slice(&x), buf_slice(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

struct slice
addr_domain_of(struct slice text)
{
	ssize_t at = slice_rfind(text, '@');

	return at < 0 ? slice_of(NULL, 0) : slice_from(text, (size_t)at + 1);
}
