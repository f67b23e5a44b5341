/* Delivery status notifications: RFC 3464, RFC 6533. See dsn.h. */
#include "mail/dsn.h"

#include "core/limits.h"
#include "core/rand.h"
#include "mail/crlf.h"
#include "mail/date.h"
#include "mail/header.h"

#define BOUNDARY_RANDOM 24
#define FIELD_MAX 8192 /* one field of the report */
#define WRAP_AT 900    /* lines end at 998 (RFC 5321 4.5.3.1.6) */

static const struct {
	const char *name; /* RFC 3464 2.3.3 */
	const char *subject;
	const char *text;
} kinds[] = {
	[DSN_FAILED] = { "failed", "Undelivered Mail Returned to Sender",
		"Your message could not be delivered to the recipients below,"
		" and it will\r\nnot be tried again." },
	[DSN_DELAYED] = { "delayed", "Delayed Mail (still being retried)",
		"Your message has not been delivered yet to the recipients"
		" below. This is\r\nonly a warning: there is no need to send"
		" it again." },
	[DSN_DELIVERED] = { "delivered", "Successful Mail Delivery Report",
		"Your message was delivered to the recipients below." },
	[DSN_RELAYED] = { "relayed", "Successful Mail Delivery Report",
		"Your message was passed on to a mail system that sends no"
		" delivery reports." },
	[DSN_EXPANDED] = { "expanded", "Successful Mail Delivery Report",
		"Your message was delivered to the recipients below, and"
		" forwarded to several\r\naddresses from there." },
};

const char *
dsn_action_name(enum dsn_action action)
{
	return kinds[action].name;
}

/* Actions are declared from worst to best. */
static enum dsn_action
worst_action(const struct dsn *d)
{
	enum dsn_action worst = DSN_EXPANDED;

	for (size_t i = 0; i < d->n; i++)
		if (d->recipients[i].action < worst)
			worst = d->recipients[i].action;
	return worst;
}

/* RFC 6533 section 3: its forms are for reports with UTF-8 addresses. */
static bool
needs_utf8(const struct dsn *d)
{
	if (!slice_is_ascii(d->sender))
		return true;
	for (size_t i = 0; i < d->n; i++)
		if (!slice_is_ascii(d->recipients[i].final) ||
		    !slice_is_ascii(d->recipients[i].original))
			return true;
	return false;
}

/* "Name: [prefix]value", or nothing without a value. */
static void
put_field(struct buf *out, const char *name, const char *prefix,
    struct slice value)
{
	struct buf text = BUF_INIT(FIELD_MAX);

	if (value.n == 0)
		return;
	buf_adds(&text, prefix);
	buf_add_slice(&text, slice_head(value, FIELD_MAX / 2));
	header_write(out, name, buf_slice(&text));
	buf_release(&text);
}

static void
put_date(struct buf *out, const char *name, int64_t at, int zone)
{
	struct buf text = BUF_INIT(64);

	if (at == 0)
		return;
	date_format(&text, at, zone);
	put_field(out, name, "", buf_slice(&text));
	buf_release(&text);
}

/* Text of a peer inside ours, without control bytes or overlong lines. */
static void
put_clean(struct buf *out, struct slice s)
{
	s = slice_head(slice_trim(s), FIELD_MAX / 2);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (i % WRAP_AT == WRAP_AT - 1)
			buf_adds(out, "\r\n    ");
		buf_addc(out, c < ' ' || c == 0x7f ? ' ' : (char)c);
	}
}

static void
put_header(struct buf *out, const struct dsn *d, const char *boundary)
{
	buf_adds(out, "From: MAILER-DAEMON@");
	put_clean(out, d->host);
	buf_adds(out, " (Mail Delivery System)\r\n");
	put_field(out, "To", "", d->sender);
	put_field(out, "Subject", "",
	    slice_str(kinds[worst_action(d)].subject));
	put_date(out, "Date", d->date, d->zone);
	put_field(out, "Message-ID", "", d->message_id);
	/* RFC 3834 5.2 */
	buf_adds(out, "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n");
	buf_addf(out, "Content-Type: multipart/report;"
	    " report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n", boundary);
}

static void
put_part(struct buf *out, const char *boundary, const char *description,
    const char *type, bool eight)
{
	buf_addf(out, "\r\n--%s\r\nContent-Description: %s\r\n"
	    "Content-Type: %s\r\n", boundary, description, type);
	if (eight)
		buf_adds(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_adds(out, "\r\n");
}

static void
put_text(struct buf *out, const struct dsn *d)
{
	buf_adds(out, "This is the mail system at ");
	put_clean(out, d->host);
	buf_addf(out, ".\r\n\r\n%s\r\n", kinds[worst_action(d)].text);
	for (size_t i = 0; i < d->n; i++) {
		const struct dsn_recipient *r = &d->recipients[i];

		buf_adds(out, "\r\n<");
		put_clean(out, r->final);
		buf_addf(out, ">: %s\r\n", dsn_action_name(r->action));
		if (r->remote_mta.n > 0) {
			buf_adds(out, "    host ");
			put_clean(out, r->remote_mta);
			buf_adds(out, r->diagnostic.n > 0 ? " said:\r\n" :
			    "\r\n");
		}
		if (r->diagnostic.n > 0) {
			buf_adds(out, "    ");
			put_clean(out, r->diagnostic);
			buf_adds(out, "\r\n");
		}
	}
}

/* ORCPT is "type;address" (RFC 3461 4.2); the field has a blank between. */
static void
put_original_recipient(struct buf *out, struct slice original)
{
	struct buf text = BUF_INIT(FIELD_MAX);
	ssize_t semicolon = slice_find(original, ';');

	if (semicolon > 0) {
		buf_add_slice(&text, slice_head(original,
		    (size_t)semicolon + 1));
		buf_addc(&text, ' ');
		buf_add_slice(&text, slice_trim(slice_from(original,
		    (size_t)semicolon + 1)));
		if (buf_ok(&text))
			put_field(out, "Original-Recipient", "",
			    buf_slice(&text));
	}
	buf_release(&text);
}

/* RFC 3464 2.2: fields about the message, then a group per recipient. */
static void
put_status(struct buf *out, const struct dsn *d)
{
	put_field(out, "Reporting-MTA", "dns; ", d->host);
	put_field(out, "Original-Envelope-Id", "", d->envid);
	put_field(out, "X-Pillarbox-Queue-ID", "", d->queue_id);
	put_date(out, "Arrival-Date", d->arrival, d->zone);
	for (size_t i = 0; i < d->n; i++) {
		const struct dsn_recipient *r = &d->recipients[i];
		bool ascii = slice_is_ascii(r->final);

		buf_adds(out, "\r\n");
		put_original_recipient(out, r->original);
		put_field(out, "Final-Recipient",
		    ascii ? "rfc822; " : "utf-8; ", r->final);
		put_field(out, "Action", "",
		    slice_str(dsn_action_name(r->action)));
		put_field(out, "Status", "", r->status);
		put_field(out, "Remote-MTA", "dns; ", r->remote_mta);
		put_field(out, "Diagnostic-Code", "smtp; ", r->diagnostic);
		put_date(out, "Last-Attempt-Date", r->last_attempt, d->zone);
		if (r->action == DSN_DELAYED)
			put_date(out, "Will-Retry-Until", r->retry_until,
			    d->zone);
	}
}

static void
put_original(struct buf *out, const struct dsn *d, const char *boundary,
    bool utf8)
{
	/* RFC 6533 section 4 and 5, RFC 3462 section 2. */
	static const char *const types[2][2] = {
		{ "text/rfc822-headers", "message/global-headers" },
		{ "message/rfc822", "message/global" },
	};
	struct slice part = d->original;

	if (!d->full)
		part = slice_head(slice_head(part, header_size(part)),
		    LIMIT_HEADER_BYTES);
	put_part(out, boundary, d->full ? "Message" : "Message headers",
	    types[d->full][utf8], !slice_is_ascii(part));
	crlf_add(out, part);
	if (part.n > 0 && part.p[part.n - 1] != '\n')
		buf_adds(out, "\r\n");
}

int
dsn_build(struct buf *out, const struct dsn *d)
{
	struct buf boundary = BUF_INIT(BOUNDARY_RANDOM + 8);
	struct buf text = BUF_INIT(out->max);
	bool utf8 = needs_utf8(d), eight;
	const char *mark;

	/* Random, so that no message can contain it on purpose. */
	buf_adds(&boundary, "=_");
	rand_text(&boundary, BOUNDARY_RANDOM);
	mark = buf_str(&boundary);
	put_text(&text, d);
	eight = !slice_is_ascii(buf_slice(&text));

	put_header(out, d, mark);
	if (eight || !slice_is_ascii(d->original))
		buf_adds(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_adds(out, "\r\nThis is a MIME-encapsulated message.\r\n");
	put_part(out, mark, "Notification", "text/plain; charset=utf-8",
	    eight);
	buf_add_slice(out, buf_slice(&text));
	put_part(out, mark, "Delivery report", utf8 ?
	    "message/global-delivery-status" : "message/delivery-status",
	    utf8 || eight);
	put_status(out, d);
	put_original(out, d, mark, utf8);
	buf_addf(out, "\r\n--%s--\r\n", mark);
	buf_release(&boundary);
	buf_release(&text);
	return buf_ok(out) ? 0 : -1;
}

int
dsn_xtext_decode(struct buf *out, struct slice in)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		int hi, lo;

		if (c < '!' || c > '~' || c == '=')
			return -1;
		if (c != '+') {
			buf_addc(out, (char)c);
			continue;
		}
		if (i + 2 >= in.n)
			return -1;
		hi = ascii_hex(in.p[i + 1]);
		lo = ascii_hex(in.p[i + 2]);
		if (hi < 0 || lo < 0)
			return -1;
		buf_addc(out, (char)(hi << 4 | lo));
		i += 2;
	}
	return 0;
}

void
dsn_xtext_encode(struct buf *out, struct slice in)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];

		if (c < '!' || c > '~' || c == '=' || c == '+')
			buf_addf(out, "+%02X", c);
		else
			buf_addc(out, (char)c);
	}
}
