/* Authentication-Results: RFC 8601. See authres.h. */
#include "mail/authres.h"

#include "mail/lex.h"

/* RFC 2045 5.1 token, the bare form of an RFC 8601 value; plus "@" and "/" as
 * every verifier writes addresses bare (RFC 8601 2.2, pvalue). */
static bool
is_bare(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!ascii_is_alnum(c) && (unsigned char)c < 0x80 &&
		    (c == 0 || strchr("!#$%&'*+-.^_`{|}~@/", c) == NULL))
			return false;
	}
	return s.n > 0;
}

static char
clean(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f ? ' ' : c;
}

void
authres_put_value(struct buf *out, struct slice s)
{
	if (is_bare(s)) {
		buf_add_slice(out, s);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, clean(s.p[i]));
	}
	buf_addc(out, '"');
}

static void
put_comment(struct buf *out, struct slice s)
{
	buf_adds(out, " (");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '(' || s.p[i] == ')' || s.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, clean(s.p[i]));
	}
	buf_addc(out, ')');
}

static void
put_result(struct buf *out, const struct authres_result *r)
{
	buf_addf(out, ";\r\n\t%s=%s", r->method, r->result);
	if (r->comment.n > 0)
		put_comment(out, r->comment);
	if (r->reason.n > 0) {
		buf_adds(out, " reason=");
		authres_put_value(out, r->reason);
	}
	for (size_t i = 0; i < LEN(r->properties); i++) {
		const struct authres_property *p = &r->properties[i];

		if (p->ptype == NULL || p->value.n == 0)
			continue;
		buf_addf(out, " %s.%s=", p->ptype, p->property);
		authres_put_value(out, p->value);
	}
}

void
authres_write_value(struct buf *out, struct slice authserv_id,
    const struct authres_result *results, size_t n)
{
	authres_put_value(out, authserv_id);
	for (size_t i = 0; i < n; i++)
		put_result(out, &results[i]);
	if (n == 0)
		buf_adds(out, "; none");
}

void
authres_write(struct buf *out, struct slice authserv_id,
    const struct authres_result *results, size_t n)
{
	buf_adds(out, "Authentication-Results: ");
	authres_write_value(out, authserv_id, results, n);
	buf_adds(out, "\r\n");
}

/* True if the quoted string at the start of s spells id. */
static bool
quoted_is(struct slice s, struct slice id)
{
	size_t i = 1, k = 0;
	bool same = true;

	for (; i < s.n && s.p[i] != '"'; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		same = same && k < id.n &&
		    ascii_lower(s.p[i]) == ascii_lower(id.p[k]);
		k++;
	}
	return same && k == id.n;
}

bool
authres_is_ours(struct slice value, struct slice authserv_id)
{
	struct slice s = value, word;
	size_t n = 0;
	bool same;

	lex_skip_cfws(&s);
	if (s.n > 0 && s.p[0] == '"') {
		same = quoted_is(s, authserv_id);
	} else {
		while (n < s.n && strchr(" \t\r\n;(", s.p[n]) == NULL)
			n++;
		word = slice_head(s, n);
		/* A trailing dot names the same host. */
		if (word.n > 0 && word.p[word.n - 1] == '.')
			word.n--;
		same = slice_ieq(word, authserv_id);
	}
	/*
	 * What follows should be a version, the end or ";". Someone who forges
	 * our id in a malformed field wants to be believed by lenient readers,
	 * so the rest is not looked at.
	 */
	return same;
}
