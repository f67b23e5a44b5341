#include "services/imap/url.h"

#include "core/num.h"
#include "mail/mutf7.h"

/* Decodes "%41"; -1 for a "%" that is no escape, and for controls. */
static int
unescape(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (c == '%') {
			int a, b;

			if (in.n - i < 3 || (a = ascii_hex(in.p[i + 1])) < 0 ||
			    (b = ascii_hex(in.p[i + 2])) < 0)
				return -1;
			c = (char)(a << 4 | b);
			i += 2;
		}
		if ((unsigned char)c < ' ' || c == 0x7f)
			return -1;
		buf_addc(out, c);
	}
	return buf_ok(out) ? 0 : -1;
}

/* Cuts what follows a mark off text, "a/;UID=5" at "/;UID="; false if it is
 * not there. */
static bool
cut(struct slice *text, struct slice mark, struct slice *behind)
{
	ssize_t at = slice_ifind(*text, mark);

	if (at == -1)
		return false;
	*behind = slice_from(*text, (size_t)at + mark.n);
	*text = slice_head(*text, (size_t)at);
	return true;
}

static int
parse_number_text(struct slice text, uint32_t *out)
{
	uint64_t v;

	if (num_u64(text, UINT32_MAX, &v) == -1 || v == 0)
		return -1;
	*out = (uint32_t)v;
	return 0;
}

/* In a URL the name is UTF-8 (RFC 5092 section 3). */
static int
parse_name(struct arena *a, struct slice text, struct imap_url *out)
{
	struct buf name = BUF_INIT(LIMIT_MAILBOX_NAME * 4);
	struct buf wire = BUF_INIT(LIMIT_MAILBOX_NAME);
	struct slice validity;
	int r = 0;

	if (slice_ends(text, S("/")))
		text.n--;
	if (cut(&text, S(";UIDVALIDITY="), &validity) &&
	    parse_number_text(validity, &out->uidvalidity) == -1)
		return -1;
	if (unescape(text, &name) == -1 ||
	    mutf7_encode(&wire, buf_slice(&name)) == -1 || !buf_ok(&wire))
		r = -1;
	if (r == 0 && slice_ieq(buf_slice(&wire), S("INBOX")))
		out->mailbox = S("INBOX");
	else if (r == 0)
		out->mailbox = arena_slice(a, buf_slice(&wire));
	buf_release(&name);
	buf_release(&wire);
	return r;
}

/* A section is what FETCH takes for one: its parser reads it. */
static int
parse_section(struct arena *a, struct slice section, struct slice partial,
    struct imap_url *out)
{
	struct buf item = BUF_INIT(LIMIT_IMAP_LINE);
	struct fetch_plan plan;
	struct parser p;
	int r;

	buf_adds(&item, "BODY.PEEK[");
	r = unescape(section, &item);
	buf_addc(&item, ']');
	if (partial.n > 0)
		buf_addf(&item, "<%.*s>", SLICE_ARG(partial));
	p = parser_of(arena_slice(a, buf_slice(&item)), a);
	if (r == 0)
		r = fetch_plan_parse(&p, false, &plan);
	buf_release(&item);
	if (r == -1 || plan.n != 1 || plan.changed_since != 0)
		return -1;
	out->section = plan.sections[0];
	return 0;
}

/* "offset.length", or "offset" alone for all behind it (RFC 5092). */
static int
parse_partial(struct arena *a, struct slice text, struct slice *out)
{
	struct slice rest = text;
	uint64_t v;

	if (num_take(&rest, UINT32_MAX, &v) == -1)
		return -1;
	*out = rest.n > 0 ? text : slice_str(arena_printf(a, "%llu.%u",
	    (unsigned long long)v, UINT32_MAX));
	return 0;
}

int
imap_url_parse(struct arena *a, struct slice url, struct imap_url *out)
{
	struct slice uid, section = S(""), partial = S(""), range = S("");

	*out = (struct imap_url){ 0 };
	if (slice_starts(url, S("/")))
		url = slice_from(url, 1);
	if (!cut(&url, S(";UID="), &uid))
		return -1;
	if (cut(&uid, S("/;PARTIAL="), &partial) &&
	    parse_partial(a, partial, &range) == -1)
		return -1;
	cut(&uid, S("/;SECTION="), &section);
	if (parse_number_text(uid, &out->uid) == -1)
		return -1;
	/* Another server, or this one by its name: not ours to follow. */
	if (slice_starts(url, S("/")) || slice_istarts(url, S("imap:")))
		return -1;
	return parse_name(a, url, out) == -1 ? -1 :
	    parse_section(a, section, range, out);
}
