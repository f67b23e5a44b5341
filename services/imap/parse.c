#include "services/imap/parse.h"

#include "core/num.h"
#include "mail/mutf7.h"
#include "mail/nfc.h"
#include "store/store.h"

#define LITERAL_DIGITS 20

bool
parse_try(struct parser *p, char c)
{
	if (p->at >= p->in.n || p->in.p[p->at] != c)
		return false;
	p->at++;
	return true;
}

bool
parse_word(struct parser *p, struct slice word)
{
	struct slice rest = slice_from(p->in, p->at);

	if (!slice_istarts(rest, word))
		return false;
	if (rest.n > word.n && imap_is_atom_char(rest.p[word.n]))
		return false;
	p->at += word.n;
	return true;
}

int
parse_char(struct parser *p, char c)
{
	if (parse_try(p, c))
		return 0;
	switch (c) {
	case ' ':
		return parse_fail(p, p->at < p->in.n ? "Expected a space"
						     : "Missing argument");
	case '(':
		return parse_fail(p, "Expected (");
	case ')':
		return parse_fail(p, "Expected )");
	default:
		return parse_fail(p, "Syntax error");
	}
}

int
parse_end(struct parser *p)
{
	if (p->at == p->in.n)
		return 0;
	return parse_fail(p, "Unexpected text after the arguments");
}

bool
imap_is_atom_char(char c)
{
	/* ATOM-CHAR: any CHAR except atom-specials. */
	if ((unsigned char)c <= ' ' || (unsigned char)c >= 0x7f)
		return false;
	return strchr("(){%*\"\\]", c) == NULL;
}

bool
imap_is_astring_char(char c)
{
	return imap_is_atom_char(c) || c == ']';
}

bool
imap_tag_is_valid(struct slice tag)
{
	if (tag.n == 0 || tag.n > LIMIT_IMAP_TAG)
		return false;
	for (size_t i = 0; i < tag.n; i++)
		if (!imap_is_astring_char(tag.p[i]) || tag.p[i] == '+')
			return false;
	return true;
}

/* The run of bytes from here on that is() accepts; never empty. */
static int
take_run(struct parser *p, bool (*is)(char), struct slice *out)
{
	size_t from = p->at;

	while (p->at < p->in.n && is(p->in.p[p->at]))
		p->at++;
	*out = slice_of(p->in.p + from, p->at - from);
	return out->n > 0 ? 0 : -1;
}

int
parse_tag(struct parser *p, struct slice *out)
{
	size_t from = p->at;

	if (take_run(p, imap_is_astring_char, out) == -1 ||
	    !imap_tag_is_valid(*out)) {
		p->at = from;
		return parse_fail(p, "Invalid tag");
	}
	return 0;
}

int
parse_atom(struct parser *p, struct slice *out)
{
	if (take_run(p, imap_is_atom_char, out) == -1)
		return parse_fail(p,
		    p->at < p->in.n ? "Expected an atom" : "Missing argument");
	return 0;
}

static bool
is_keyword_char(char c)
{
	return imap_is_atom_char(c) && c != '[' && c != '<';
}

int
parse_keyword(struct parser *p, struct slice *out)
{
	if (take_run(p, is_keyword_char, out) == -1)
		return parse_fail(p,
		    p->at < p->in.n ? "Expected a word" : "Missing argument");
	return 0;
}

static int
parse_quoted(struct parser *p, struct slice *out)
{
	size_t from = p->at;
	char *copy;
	size_t n = 0;
	bool escaped = false;

	while (p->at < p->in.n && p->in.p[p->at] != '"') {
		char c = p->in.p[p->at];

		if (c == '\\') {
			escaped = true;
			p->at++;
			c = p->at < p->in.n ? p->in.p[p->at] : '\0';
			if (c != '"' && c != '\\')
				return parse_fail(p, "Bad escape in a string");
		}
		if (c == '\r' || c == '\n' || c == '\0')
			return parse_fail(p, "Control character in a string");
		p->at++;
	}
	if (p->at >= p->in.n)
		return parse_fail(p, "Unterminated string");
	*out = slice_of(p->in.p + from, p->at - from);
	p->at++;
	/* RFC 6855 section 3, RFC 9051 section 4.3 */
	if (p->utf8 && !slice_is_utf8(*out))
		return parse_fail(p, "Quoted string is not UTF-8");
	if (!escaped)
		return 0;
	copy = arena_alloc(p->arena, out->n);
	for (size_t i = 0; i < out->n; i++) {
		if (out->p[i] == '\\')
			i++;
		copy[n++] = out->p[i];
	}
	*out = slice_of(copy, n);
	return 0;
}

static int
parse_octets(struct parser *p, struct slice *out)
{
	struct slice rest = slice_from(p->in, p->at);
	uint64_t size;

	/* The "{" is taken; "12}\r\n" or "12+}\r\n" and the bytes follow. */
	if (num_take(&rest, UINT32_MAX, &size) == -1)
		return parse_fail(p, "Bad literal");
	p->at = p->in.n - rest.n;
	parse_try(p, '+');
	if (!parse_try(p, '}'))
		return parse_fail(p, "Bad literal");
	parse_try(p, '\r');
	if (!parse_try(p, '\n') || p->in.n - p->at < size)
		return parse_fail(p, "Bad literal");
	*out = slice_of(p->in.p + p->at, (size_t)size);
	p->at += (size_t)size;
	return 0;
}

static int
parse_literal(struct parser *p, struct slice *out)
{
	if (parse_octets(p, out) == -1)
		return -1;
	if (slice_find(*out, '\0') != -1)
		return parse_fail(p, "NUL in a literal");
	return 0;
}

int
parse_binary(struct parser *p, struct slice *out)
{
	if (!parse_try(p, '~'))
		return parse_string(p, out);
	if (!parse_try(p, '{'))
		return parse_fail(p, "Bad literal");
	return parse_octets(p, out);
}

int
parse_string(struct parser *p, struct slice *out)
{
	if (parse_try(p, '"'))
		return parse_quoted(p, out);
	if (parse_try(p, '{'))
		return parse_literal(p, out);
	return parse_fail(p,
	    p->at < p->in.n ? "Expected a string" : "Missing argument");
}

int
parse_astring(struct parser *p, struct slice *out)
{
	int c = parse_peek(p);

	if (c == '"' || c == '{')
		return parse_string(p, out);
	if (take_run(p, imap_is_astring_char, out) == -1)
		return parse_fail(p,
		    c == -1 ? "Missing argument" : "Expected a string");
	return 0;
}

int
parse_nstring(struct parser *p, struct slice *out)
{
	if (parse_word(p, S("NIL"))) {
		*out = (struct slice){ 0 };
		return 0;
	}
	return parse_string(p, out);
}

static int
take_number(struct parser *p, uint64_t max, uint64_t *out)
{
	struct slice rest = slice_from(p->in, p->at);

	if (num_take(&rest, max, out) == -1)
		return parse_fail(p, "Expected a number");
	p->at = p->in.n - rest.n;
	return 0;
}

int
parse_number(struct parser *p, uint32_t *out)
{
	uint64_t v;

	if (take_number(p, UINT32_MAX, &v) == -1)
		return -1;
	*out = (uint32_t)v;
	return 0;
}

int
parse_nz_number(struct parser *p, uint32_t *out)
{
	if (parse_number(p, out) == -1)
		return -1;
	return *out != 0 ? 0 : parse_fail(p, "Zero is not allowed here");
}

int
parse_modseq(struct parser *p, uint64_t *out)
{
	return take_number(p, INT64_MAX, out);
}

/* Text of a client that speaks UTF-8: checked and composed (RFC 9051 5.1). */
static int
compose(struct parser *p, struct slice *text)
{
	struct buf b = BUF_INIT(LIMIT_MAILBOX_NAME * 4);

	if (slice_is_ascii(*text))
		return 0;
	if (!slice_is_utf8(*text))
		return parse_fail(p, "Mailbox name is not UTF-8");
	nfc_put(&b, *text);
	*text = arena_slice(p->arena, buf_slice(&b));
	buf_release(&b);
	return 0;
}

struct slice
parse_encode(struct parser *p, struct slice utf8)
{
	struct buf b = BUF_INIT(LIMIT_MAILBOX_NAME * 8);
	struct slice out = utf8;

	if (slice_is_ascii(utf8) && slice_find(utf8, '&') == -1)
		return utf8;
	if (mutf7_encode(&b, utf8) == 0)
		out = arena_slice(p->arena, buf_slice(&b));
	buf_release(&b);
	return out;
}

int
parse_mailbox(struct parser *p, struct slice *out)
{
	struct slice spelled;

	if (parse_astring(p, out) == -1)
		return -1;
	spelled = *out;
	p->spelled = S("");
	if (slice_ieq(*out, S("INBOX")))
		*out = S("INBOX");
	if (out->n > LIMIT_MAILBOX_NAME)
		return parse_fail(p, "Mailbox name too long");
	if (!p->utf8)
		return 0;
	if (compose(p, out) == -1)
		return -1;
	if (!slice_eq(*out, spelled))
		p->spelled = spelled;
	*out = parse_encode(p, *out);
	return 0;
}

static bool
is_list_char(char c)
{
	return imap_is_astring_char(c) || c == '%' || c == '*';
}

int
parse_list_mailbox(struct parser *p, struct slice *out)
{
	int c = parse_peek(p);

	if (c == '"' || c == '{') {
		if (parse_string(p, out) == -1)
			return -1;
	} else if (take_run(p, is_list_char, out) == -1) {
		return parse_fail(p, "Expected a mailbox pattern");
	}
	if (out->n > LIMIT_MAILBOX_NAME)
		return parse_fail(p, "Mailbox pattern too long");
	return p->utf8 ? compose(p, out) : 0;
}

int
parse_reference(struct parser *p, struct slice *out)
{
	if (parse_astring(p, out) == -1)
		return -1;
	if (out->n > LIMIT_MAILBOX_NAME)
		return parse_fail(p, "Reference too long");
	return p->utf8 ? compose(p, out) : 0;
}

static const struct {
	const char *name;
	unsigned flag;
} system_flags[] = {
	{ "Seen", STORE_SEEN },
	{ "Answered", STORE_ANSWERED },
	{ "Flagged", STORE_FLAGGED },
	{ "Deleted", STORE_DELETED },
	{ "Draft", STORE_DRAFT },
};

static int
parse_flag(struct parser *p, struct flag_list *out)
{
	bool system = parse_try(p, '\\');
	struct slice name;

	if (parse_atom(p, &name) == -1)
		return parse_fail(p, "Expected a flag");
	if (!system) {
		if (name.n > LIMIT_KEYWORD)
			return parse_fail(p, "Keyword too long");
		if (out->n >= LIMIT_KEYWORDS)
			return parse_fail(p, "Too many keywords");
		out->keywords[out->n++] = name;
		return 0;
	}
	for (size_t i = 0; i < LEN(system_flags); i++)
		if (slice_ieq(name, slice_str(system_flags[i].name))) {
			out->flags |= system_flags[i].flag;
			return 0;
		}
	/* \Recent belongs to the server (RFC 3501 2.3.2). */
	return parse_fail(p, "Invalid system flag");
}

int
parse_flags(struct parser *p, bool bare, struct flag_list *out)
{
	bool list = parse_try(p, '(');
	size_t most = 1;

	*out = (struct flag_list){ 0 };
	if (!list && !bare)
		return parse_fail(p, "Expected (");
	for (size_t i = p->at; i < p->in.n && p->in.p[i] != ')'; i++)
		most += p->in.p[i] == ' ';
	if (most > LIMIT_KEYWORDS)
		most = LIMIT_KEYWORDS;
	out->keywords = arena_array(p->arena, most, sizeof(*out->keywords));
	if (list && parse_try(p, ')'))
		return 0;
	do {
		if (parse_flag(p, out) == -1)
			return -1;
	} while (parse_try(p, ' '));
	return list ? parse_char(p, ')') : 0;
}

static int
parse_sequence_number(struct parser *p, uint32_t *out)
{
	if (parse_try(p, '*')) {
		*out = 0;
		return 0;
	}
	if (parse_nz_number(p, out) == -1) {
		p->why = "Invalid message set";
		return -1;
	}
	return 0;
}

int
parse_sequence(struct parser *p, struct seq_set *out)
{
	size_t most = 1;

	*out = (struct seq_set){ 0 };
	if (parse_try(p, '$')) {
		out->saved = true;
		return 0;
	}
	for (size_t i = p->at; i < p->in.n && p->in.p[i] != ' '; i++)
		most += p->in.p[i] == ',';
	out->r = arena_array(p->arena, most, sizeof(*out->r));
	do {
		struct seq_range *r = &out->r[out->n];

		if (parse_sequence_number(p, &r->first) == -1)
			return -1;
		r->last = r->first;
		if (parse_try(p, ':') &&
		    parse_sequence_number(p, &r->last) == -1)
			return -1;
		out->n++;
	} while (parse_try(p, ','));
	return 0;
}

bool
parse_literal_header(struct slice line, uint64_t *size, bool *sync)
{
	struct slice digits;
	size_t end = line.n;
	size_t from;

	if (end < 3 || line.p[end - 1] != '}')
		return false;
	end--;
	*sync = line.p[end - 1] != '+';
	if (!*sync)
		end--;
	from = end;
	while (from > 0 && end - from < LITERAL_DIGITS &&
	       ascii_is_digit(line.p[from - 1]))
		from--;
	if (from == end || from == 0 || line.p[from - 1] != '{')
		return false;
	digits = slice_of(line.p + from, end - from);
	if (num_u64(digits, UINT32_MAX, size) == -1)
		*size = UINT32_MAX;
	return true;
}
