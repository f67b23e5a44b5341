/* SPF records. See spf_record.h. */
#include "msgauth/spf_record.h"

#include <arpa/inet.h>

#include "core/num.h"
#include "msgauth/spf_macro.h"

#define VERSION S("v=spf1")

bool
spf_record_is(struct slice text)
{
	/* Literals in ABNF know no case (RFC 5234 section 2.3). */
	return slice_istarts(text, VERSION) &&
	    (text.n == VERSION.n || text.p[VERSION.n] == ' ');
}

/* --- prefix lengths ------------------------------------------------------- */

/* Digits without leading zeros. */
static int
read_bits(struct slice s, unsigned max, unsigned *bits)
{
	uint64_t value;

	if ((s.n > 1 && s.p[0] == '0') || num_u64(s, max, &value) == -1)
		return -1;
	*bits = (unsigned)value;
	return 0;
}

/* Cuts "/digits" from the end of *s; false if it does not end so. */
static bool
cut_digits(struct slice *s, struct slice *digits)
{
	ssize_t slash = slice_rfind(*s, '/');

	if (slash < 0)
		return false;
	*digits = slice_from(*s, (size_t)slash + 1);
	for (size_t i = 0; i < digits->n; i++)
		if (!ascii_is_digit(digits->p[i]))
			return false;
	*s = slice_head(*s, (size_t)slash);
	return digits->n > 0;
}

/* Section 5.6, dual-cidr-length: cut from the end of *s. */
static int
take_dual_cidr(struct slice *s, struct spf_term *t, const char **why)
{
	struct slice rest = *s, digits;

	if (cut_digits(&rest, &digits) && rest.n > 0 &&
	    rest.p[rest.n - 1] == '/') {
		if (read_bits(digits, 128, &t->bits6) == -1)
			return fail(why, "a bad IPv6 prefix length");
		rest.n--;
		*s = rest;
	}
	rest = *s;
	if (cut_digits(&rest, &digits)) {
		if (read_bits(digits, 32, &t->bits4) == -1)
			return fail(why, "a bad IPv4 prefix length");
		*s = rest;
	}
	return 0;
}

/* --- mechanisms ----------------------------------------------------------- */

static int
parse_all(struct spf_term *t UNUSED, struct slice rest, const char **why)
{
	return rest.n == 0 ? 0 : fail(why, "\"all\" takes nothing");
}

/* include, exists: ":" domain-spec */
static int
parse_domain(struct spf_term *t, struct slice rest, const char **why)
{
	if (rest.n == 0 || rest.p[0] != ':')
		return fail(why, "a domain is missing");
	t->spec = slice_from(rest, 1);
	return spf_macro_check_domain(t->spec, why);
}

/* ptr: [ ":" domain-spec ] */
static int
parse_ptr(struct spf_term *t, struct slice rest, const char **why)
{
	return rest.n == 0 ? 0 : parse_domain(t, rest, why);
}

/* a, mx: [ ":" domain-spec ] [ dual-cidr-length ] */
static int
parse_host(struct spf_term *t, struct slice rest, const char **why)
{
	if (take_dual_cidr(&rest, t, why) == -1)
		return -1;
	return rest.n == 0 ? 0 : parse_domain(t, rest, why);
}

/* ":" address [ "/" digits ] */
static int
parse_network(struct spf_term *t, struct slice rest, int family, unsigned max,
    unsigned *bits)
{
	char text[INET6_ADDRSTRLEN];
	struct slice digits;

	if (rest.n == 0 || rest.p[0] != ':')
		return -1;
	rest = slice_from(rest, 1);
	if (slice_find(rest, '/') >= 0 && (!cut_digits(&rest, &digits) ||
	    read_bits(digits, max, bits) == -1))
		return -1;
	if (rest.n == 0 || rest.n >= sizeof(text))
		return -1;
	memcpy(text, rest.p, rest.n);
	text[rest.n] = '\0';
	/* inet_pton takes what section 5.6 takes: four numbers without leading
	 * zeros, RFC 4291 section 2.2 without a zone. */
	return inet_pton(family, text, t->network) == 1 ? 0 : -1;
}

static int
parse_ip4(struct spf_term *t, struct slice rest, const char **why)
{
	return parse_network(t, rest, AF_INET, 32, &t->bits4) == 0 ? 0 :
	    fail(why, "not an IPv4 network");
}

static int
parse_ip6(struct spf_term *t, struct slice rest, const char **why)
{
	return parse_network(t, rest, AF_INET6, 128, &t->bits6) == 0 ? 0 :
	    fail(why, "not an IPv6 network");
}

static const struct {
	struct slice name;
	enum spf_kind kind;
	int (*parse)(struct spf_term *t, struct slice rest, const char **why);
} mechanisms[] = {
	{ S("all"), SPF_ALL, parse_all },
	{ S("include"), SPF_INCLUDE, parse_domain },
	{ S("a"), SPF_A, parse_host },
	{ S("mx"), SPF_MX, parse_host },
	{ S("ptr"), SPF_PTR, parse_ptr },
	{ S("ip4"), SPF_IP4, parse_ip4 },
	{ S("ip6"), SPF_IP6, parse_ip6 },
	{ S("exists"), SPF_EXISTS, parse_domain },
};

static int
parse_mechanism(struct spf_term *t, const char **why)
{
	struct slice s = t->text, name;
	size_t n = 0;

	if (s.n > 0 && strchr("+-?~", s.p[0]) != NULL && s.p[0] != '\0') {
		t->qualifier = s.p[0];
		s = slice_from(s, 1);
	}
	while (n < s.n && s.p[n] != ':' && s.p[n] != '/')
		n++;
	name = slice_head(s, n);
	for (size_t i = 0; i < LEN(mechanisms); i++)
		if (slice_ieq(name, mechanisms[i].name)) {
			t->kind = mechanisms[i].kind;
			return mechanisms[i].parse(t, slice_from(s, n), why);
		}
	return fail(why, "an unknown mechanism");
}

/* --- modifiers ------------------------------------------------------------ */

/* The length of a modifier's name, if "=" follows it (section 4.6.1). */
static size_t
modifier_name(struct slice s)
{
	size_t n = 0;

	if (s.n == 0 || !ascii_is_alpha(s.p[0]))
		return 0;
	while (n < s.n && (ascii_is_alnum(s.p[n]) || s.p[n] == '-' ||
	    s.p[n] == '_' || s.p[n] == '.'))
		n++;
	return n < s.n && s.p[n] == '=' ? n : 0;
}

static int
parse_modifier(struct spf_term *t, size_t n, const char **why)
{
	struct slice name = slice_head(t->text, n);

	t->spec = slice_from(t->text, n + 1);
	t->kind = slice_ieq(name, S("redirect")) ? SPF_REDIRECT :
	    slice_ieq(name, S("exp")) ? SPF_EXP : SPF_UNKNOWN;
	if (t->kind == SPF_UNKNOWN)
		return spf_macro_check(t->spec, false, true, why);
	return spf_macro_check_domain(t->spec, why);
}

int
spf_term_parse(struct spf_term *t, struct slice text, const char **why)
{
	size_t n = modifier_name(text);

	*t = (struct spf_term){
		.qualifier = '+',
		.text = text,
		.bits4 = 32,
		.bits6 = 128,
	};
	return n > 0 ? parse_modifier(t, n, why) : parse_mechanism(t, why);
}

/* --- records -------------------------------------------------------------- */

/* Section 4.6.1: one or more spaces between terms, and nothing else. */
static bool
next_word(struct slice *rest, struct slice *word)
{
	size_t n = 0;

	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = slice_from(*rest, 1);
	while (n < rest->n && rest->p[n] != ' ')
		n++;
	*word = slice_head(*rest, n);
	*rest = slice_from(*rest, n);
	return n > 0;
}

int
spf_record_parse(struct spf_record *r, struct slice text, struct slice *bad,
    const char **why)
{
	struct slice rest = slice_from(text, VERSION.n);
	struct spf_term t;

	*r = (struct spf_record){ .text = text, .rest = rest };
	while (next_word(&rest, bad)) {
		struct slice *once;

		if (spf_term_parse(&t, *bad, why) == -1)
			return -1;
		if (t.kind != SPF_REDIRECT && t.kind != SPF_EXP)
			continue;
		once = t.kind == SPF_EXP ? &r->exp : &r->redirect;
		if (once->n > 0)
			return fail(why, "a modifier is there twice");
		*once = t.text;
	}
	return 0;
}

bool
spf_record_next(struct spf_record *r, struct spf_term *t)
{
	struct slice word;

	while (next_word(&r->rest, &word))
		if (spf_term_parse(t, word, NULL) == 0 &&
		    t->kind < SPF_REDIRECT)
			return true;
	return false;
}
