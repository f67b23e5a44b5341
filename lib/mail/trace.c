/* Trace fields: RFC 5321 4.4. See trace.h. */
#include "mail/trace.h"

#include "core/limits.h"
#include "mail/addr.h"
#include "mail/date.h"

/*
 * HELO is whatever the client likes to say. Blanks, controls, parentheses and
 * backslashes would change the structure of the field, brackets and angle
 * brackets only when inside would confuse; all but the characters of a domain
 * or literal become "?".
 */
static void
put_clean(struct buf *out, struct slice s, const char *extra)
{
	size_t n = s.n < LIMIT_ADDRESS ? s.n : LIMIT_ADDRESS;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_addc(out, ascii_is_alnum((char)c) || c >= 0x80 ||
		    (c != 0 && strchr(extra, c) != NULL) ? (char)c : '?');
	}
}

#define NAME_EXTRA ".-_"
#define HELO_EXTRA ".-_:[]"
/* atext of RFC 5322 3.2.3 and what a quoted local part may need. */
#define ADDRESS_EXTRA ".-_:[]@!#$%&'*+/=?^`{|}~\" "

/* What is a valid address may stand as it is: its quoting protects it. */
static void
put_address(struct buf *out, struct slice s)
{
	struct addr a;

	if (addr_parse(s, ADDR_UTF8 | ADDR_POSTMASTER, &a, NULL) == 0)
		buf_add_slice(out, s);
	else
		put_clean(out, s, ADDRESS_EXTRA);
}

const char *
trace_protocol(bool extended, bool tls, bool auth, bool utf8)
{
	static const char *const names[2][4] = {
		{ "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA" },
		{ "UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA" },
	};

	/* RFC 3848: AUTH and STARTTLS exist only after EHLO, but with implicit
	 * TLS a client may still say HELO. */
	if (!extended && !tls && !auth && !utf8)
		return "SMTP";
	return names[utf8][(tls ? 1 : 0) + (auth ? 2 : 0)];
}

static void
put_from(struct buf *out, const struct trace_received *r)
{
	buf_adds(out, "from ");
	put_clean(out, r->helo.n > 0 ? r->helo : S("unknown"), HELO_EXTRA);
	buf_adds(out, " (");
	put_clean(out, r->rdns.n > 0 ? r->rdns : S("unknown"), NAME_EXTRA);
	/* RFC 5321 4.1.3: an IPv6 literal carries its tag. */
	buf_adds(out, " [");
	if (slice_find(r->ip, ':') >= 0)
		buf_adds(out, "IPv6:");
	put_clean(out, r->ip, HELO_EXTRA);
	buf_adds(out, "])\r\n\t");
	if (r->login.n > 0) {
		buf_adds(out, "(Authenticated sender: ");
		put_clean(out, r->login, ADDRESS_EXTRA);
		buf_adds(out, ")\r\n\t");
	}
}

void
trace_received(struct buf *out, const struct trace_received *r)
{
	buf_adds(out, "Received: ");
	if (!r->hide_client)
		put_from(out, r);
	buf_adds(out, "by ");
	put_clean(out, r->by, HELO_EXTRA);
	buf_addf(out, " (Pillarbox) with %s",
	    trace_protocol(r->extended, r->tls, r->auth, r->utf8));
	if (r->id.n > 0) {
		buf_adds(out, " id ");
		put_clean(out, r->id, "");
	}
	if (r->rcpt.n > 0) {
		buf_adds(out, "\r\n\tfor <");
		put_address(out, r->rcpt);
		buf_addc(out, '>');
	}
	buf_adds(out, r->rcpt.n > 0 ? "; " : ";\r\n\t");
	date_format(out, r->date, r->zone);
	buf_adds(out, "\r\n");
}

void
trace_return_path(struct buf *out, struct slice path)
{
	buf_adds(out, "Return-Path: <");
	put_address(out, path);
	buf_adds(out, ">\r\n");
}
