#include "services/login/parse.h"

#include "core/num.h"

struct cursor {
	struct slice rest;
	char *scratch;
};

static bool
is_tag_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\+", c) == NULL;
}

/* RFC 3501 wants "%" and "*" quoted; clients and people who type
 * "user*master" do not, and Dovecot does not mind. */
static bool
is_astring_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	    strchr("(){\"\\", c) == NULL;
}

static struct slice
take_while(struct slice *in, bool (*is)(char))
{
	size_t n = 0;
	struct slice s;

	while (n < in->n && is(in->p[n]))
		n++;
	s = slice_head(*in, n);
	*in = slice_from(*in, n);
	return s;
}

/* Behind the opening quote. */
static int
take_quoted(struct cursor *c, struct slice *out)
{
	char *start = c->scratch;

	while (c->rest.n > 0) {
		char ch = c->rest.p[0];

		c->rest = slice_from(c->rest, 1);
		if (ch == '"') {
			*out = slice_of(start, (size_t)(c->scratch - start));
			return 0;
		}
		if (ch == '\r' || ch == '\n' || ch == '\0')
			return -1;
		if (ch == '\\') {
			if (c->rest.n == 0 ||
			    (c->rest.p[0] != '"' && c->rest.p[0] != '\\'))
				return -1;
			ch = c->rest.p[0];
			c->rest = slice_from(c->rest, 1);
		}
		*c->scratch++ = ch;
	}
	return -1;
}

/* Behind the opening brace. */
static enum login_parse
take_literal(struct cursor *c, struct slice *out)
{
	uint64_t n;
	bool sync = true;

	if (num_take(&c->rest, LOGIN_LITERAL, &n) == -1)
		return LOGIN_PARSE_BAD;
	if (c->rest.n > 0 && c->rest.p[0] == '+') {
		sync = false;
		c->rest = slice_from(c->rest, 1);
	}
	if (!slice_starts(c->rest, S("}\r\n")))
		return LOGIN_PARSE_BAD;
	c->rest = slice_from(c->rest, 3);
	/* Behind a literal there is at least the end of the line. */
	if (c->rest.n < n || c->rest.n == 0)
		return sync && c->rest.n == 0 ? LOGIN_PARSE_LITERAL :
		    LOGIN_PARSE_MORE;
	*out = slice_head(c->rest, (size_t)n);
	c->rest = slice_from(c->rest, (size_t)n);
	return LOGIN_PARSE_OK;
}

static enum login_parse
take_argument(struct cursor *c, struct slice *out)
{
	if (c->rest.n > 0 && c->rest.p[0] == '"') {
		c->rest = slice_from(c->rest, 1);
		return take_quoted(c, out) == 0 ? LOGIN_PARSE_OK :
		    LOGIN_PARSE_BAD;
	}
	if (c->rest.n > 0 && c->rest.p[0] == '{') {
		c->rest = slice_from(c->rest, 1);
		return take_literal(c, out);
	}
	*out = take_while(&c->rest, is_astring_char);
	return out->n > 0 ? LOGIN_PARSE_OK : LOGIN_PARSE_BAD;
}

/* A list (of ID, RFC 2971) is read, for where it ends, and forgotten. */
static enum login_parse
skip_list(struct cursor *c)
{
	struct slice ignored;

	c->rest = slice_from(c->rest, 1);
	for (;;) {
		enum login_parse r;

		if (slice_starts(c->rest, S(")"))) {
			c->rest = slice_from(c->rest, 1);
			return LOGIN_PARSE_OK;
		}
		if (slice_starts(c->rest, S(" "))) {
			c->rest = slice_from(c->rest, 1);
			continue;
		}
		r = take_argument(c, &ignored);
		if (r != LOGIN_PARSE_OK)
			return r;
	}
}

/* End of the line that starts at p, behind its LF. */
static size_t
line_end(struct slice in, const char *from)
{
	size_t start = (size_t)(from - in.p);
	ssize_t at = slice_find(slice_from(in, start), '\n');

	return at < 0 ? in.n : start + (size_t)at + 1;
}

static enum login_parse
parse_arguments(struct cursor *c, struct login_line *out)
{
	out->count = 0;
	while (slice_starts(c->rest, S(" ")) && out->count < LOGIN_ARGS) {
		enum login_parse r;

		c->rest = slice_from(c->rest, 1);
		if (slice_starts(c->rest, S("("))) {
			r = skip_list(c);
			if (r != LOGIN_PARSE_OK)
				return r;
			continue;
		}
		r = take_argument(c, &out->args[out->count]);
		if (r != LOGIN_PARSE_OK)
			return r;
		out->count++;
	}
	return LOGIN_PARSE_OK;
}

enum login_parse
login_parse(struct slice in, char *scratch, struct login_line *out)
{
	struct cursor c = { in, scratch };
	enum login_parse r;

	*out = (struct login_line){ .used = in.n };
	if (slice_find(in, '\n') < 0)
		return LOGIN_PARSE_MORE;
	out->used = line_end(in, in.p);
	out->tag = take_while(&c.rest, is_tag_char);
	if (out->tag.n == 0 || !slice_starts(c.rest, S(" "))) {
		out->tag = S("");
		return LOGIN_PARSE_BAD;
	}
	c.rest = slice_from(c.rest, 1);
	out->verb = take_while(&c.rest, is_astring_char);
	r = parse_arguments(&c, out);
	if (r == LOGIN_PARSE_OK) {
		if (slice_find(c.rest, '\n') < 0)
			return LOGIN_PARSE_MORE;
		/* Only CRLF ends a command; a bare LF does not. */
		if (!slice_starts(c.rest, S("\r\n")))
			r = LOGIN_PARSE_BAD;
	}
	if (r == LOGIN_PARSE_OK || r == LOGIN_PARSE_BAD)
		out->used = line_end(in, c.rest.p);
	return r;
}
