#include "services/reports/letter.h"

#include <zlib.h>

#include "core/rand.h"
#include "mail/date.h"
#include "mail/encode.h"
#include "mail/msgid.h"
#include "msgauth/dmarc_record.h"

#define GZIP 16 /* added to the window of zlib: that format */
#define MEM_LEVEL 8 /* of zlib; its default, for which the bound is tight */

/* ---- XML ------------------------------------------------------------------ */

static void
escape(struct buf *out, struct slice text)
{
	bool utf8 = slice_is_utf8(text);

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '&')
			buf_adds(out, "&amp;");
		else if (c == '<')
			buf_adds(out, "&lt;");
		else if (c == '>')
			buf_adds(out, "&gt;");
		else if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8))
			buf_addc(out, '?');
		else
			buf_addc(out, (char)c);
	}
}

static void
element(struct buf *out, const char *name, struct slice text)
{
	buf_addf(out, "<%s>", name);
	escape(out, text);
	buf_addf(out, "</%s>\n", name);
}

static void
optional(struct buf *out, const char *name, struct slice text)
{
	if (text.n > 0)
		element(out, name, text);
}

static void
number(struct buf *out, const char *name, uint64_t n)
{
	buf_addf(out, "<%s>%llu</%s>\n", name, (unsigned long long)n, name);
}

/* "0:d:s", of section 6.3. */
static void
add_fo(struct buf *out, unsigned fo)
{
	static const struct {
		unsigned bit;
		char letter;
	} all[] = { { DMARC_FO_ALL, '0' }, { DMARC_FO_ANY, '1' },
		{ DMARC_FO_DKIM, 'd' }, { DMARC_FO_SPF, 's' } };
	const char *between = "";

	buf_adds(out, "<fo>");
	for (size_t i = 0; i < LEN(all); i++)
		if (fo & all[i].bit) {
			buf_addf(out, "%s%c", between, all[i].letter);
			between = ":";
		}
	buf_adds(out, "</fo>\n");
}

/* The record as it is understood: what it leaves out has its default. */
static void
add_policy(struct buf *out, const struct letter *l)
{
	struct dmarc_record r;
	enum dmarc_policy sp;

	if (dmarc_record_parse(&r, l->record, NULL) == -1)
		r = (struct dmarc_record){ .p = DMARC_NONE, .pct = 100,
			.fo = DMARC_FO_ALL };
	sp = r.sp != DMARC_UNSET ? r.sp : r.p;
	buf_adds(out, "<policy_published>\n");
	element(out, "domain", l->domain);
	element(out, "adkim", r.strict_dkim ? S("s") : S("r"));
	element(out, "aspf", r.strict_spf ? S("s") : S("r"));
	element(out, "p", slice_str(dmarc_policy_name(r.p)));
	element(out, "sp", slice_str(dmarc_policy_name(sp)));
	number(out, "pct", r.pct);
	add_fo(out, r.fo);
	buf_adds(out, "</policy_published>\n");
}

void
letter_xml_begin(struct buf *out, const struct letter *l)
{
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<feedback>\n<version>1.0</version>\n<report_metadata>\n");
	element(out, "org_name", l->host);
	element(out, "email", l->from);
	element(out, "report_id", l->id);
	buf_adds(out, "<date_range>\n");
	number(out, "begin", (uint64_t)l->begin);
	/* As all write it, the last second: a day ends at 23:59:59. */
	number(out, "end", (uint64_t)(l->end > l->begin ? l->end - 1 :
	    l->begin));
	buf_adds(out, "</date_range>\n</report_metadata>\n");
	add_policy(out, l);
}

static void
add_signatures(struct buf *out, const struct wire_reports_note *row)
{
	for (uint32_t i = 0; i < row->n; i++) {
		buf_adds(out, "<dkim>\n");
		element(out, "domain", row->signatures[i].domain);
		optional(out, "selector", row->signatures[i].selector);
		element(out, "result", row->signatures[i].result);
		buf_adds(out, "</dkim>\n");
	}
}

void
letter_xml_row(struct buf *out, uint64_t count,
    const struct wire_reports_note *row)
{
	buf_adds(out, "<record>\n<row>\n");
	element(out, "source_ip", row->source);
	number(out, "count", count);
	buf_adds(out, "<policy_evaluated>\n");
	element(out, "disposition", row->disposition);
	element(out, "dkim", row->dkim ? S("pass") : S("fail"));
	element(out, "spf", row->spf ? S("pass") : S("fail"));
	if (row->reason.n > 0) {
		buf_adds(out, "<reason>\n");
		element(out, "type", row->reason);
		optional(out, "comment", row->comment);
		buf_adds(out, "</reason>\n");
	}
	buf_adds(out, "</policy_evaluated>\n</row>\n<identifiers>\n");
	element(out, "envelope_from", row->envelope);
	element(out, "header_from", row->author);
	buf_adds(out, "</identifiers>\n<auth_results>\n");
	add_signatures(out, row);
	buf_adds(out, "<spf>\n");
	element(out, "domain", row->spf_domain);
	element(out, "scope", row->spf_scope);
	element(out, "result", row->spf_result);
	buf_adds(out, "</spf>\n</auth_results>\n</record>\n");
}

void
letter_xml_end(struct buf *out)
{
	buf_adds(out, "</feedback>\n");
}

/* ---- the mail ------------------------------------------------------------- */

int
letter_pack(struct buf *out, struct slice xml)
{
	z_stream z = { 0 };
	size_t room;
	char *p;
	int rc;

	if (xml.n > UINT32_MAX || deflateInit2(&z, Z_BEST_COMPRESSION,
	    Z_DEFLATED, MAX_WBITS + GZIP, MEM_LEVEL, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return -1;
	room = deflateBound(&z, (uLong)xml.n);
	p = buf_reserve(out, room);
	if (p == NULL) {
		deflateEnd(&z);
		return -1;
	}
	z.next_in = (unsigned char *)xml.p;
	z.avail_in = (uInt)xml.n;
	z.next_out = (unsigned char *)p;
	z.avail_out = (uInt)room;
	rc = deflate(&z, Z_FINISH);
	buf_commit(out, room - z.avail_out);
	deflateEnd(&z);
	return rc == Z_STREAM_END ? 0 : -1;
}

static void
add_sender(struct buf *out, const struct letter *l)
{
	buf_adds(out, "Date: ");
	date_format(out, l->date, DATE_LOCAL);
	buf_addf(out, "\r\nFrom: <%.*s>\r\nTo: ", SLICE_ARG(l->from));
	for (size_t i = 0; i < l->n; i++)
		buf_addf(out, "%s<%.*s>", i > 0 ? ",\r\n " : "",
		    SLICE_ARG(l->to[i]));
	/* RFC 3834 section 5: nobody is to answer. */
	buf_adds(out, "\r\nAuto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\nMessage-ID: ");
	msgid_make(out, S(""), l->host);
	buf_adds(out, "\r\n");
}

static void
add_header(struct buf *out, const struct letter *l, struct slice boundary)
{
	add_sender(out, l);
	buf_addf(out, "Subject: Report Domain: %.*s\r\n"
	    " Submitter: %.*s\r\n Report-ID: <%.*s@%.*s>\r\n"
	    "Content-Type: multipart/mixed; boundary=\"%.*s\"\r\n\r\n",
	    SLICE_ARG(l->domain), SLICE_ARG(l->host), SLICE_ARG(l->id),
	    SLICE_ARG(l->host), SLICE_ARG(boundary));
}

static void
add_text(struct buf *out, const struct letter *l)
{
	buf_adds(out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This is a DMARC aggregate report (RFC 7489) about messages in "
	    "the name of\r\n");
	buf_addf(out, "%.*s\r\nthat came to\r\n%.*s\r\nfrom ",
	    SLICE_ARG(l->domain), SLICE_ARG(l->host));
	date_format(out, l->begin, 0);
	buf_adds(out, " to ");
	date_format(out, l->end, 0);
	buf_adds(out, ".\r\n");
}

static void
add_file(struct buf *out, const struct letter *l, struct slice packed)
{
	struct buf name = BUF_INIT(2048);

	buf_addf(&name, "%.*s!%.*s!%lld!%lld!%.*s.xml.gz", SLICE_ARG(l->host),
	    SLICE_ARG(l->domain), (long long)l->begin,
	    (long long)(l->end > l->begin ? l->end - 1 : l->begin),
	    SLICE_ARG(l->id));
	buf_addf(out, "Content-Type: application/gzip;\r\n name=\"%s\"\r\n"
	    "Content-Disposition: attachment;\r\n filename=\"%s\"\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n", buf_str(&name),
	    buf_str(&name));
	encode_base64_lines(out, packed);
	buf_release(&name);
}

int
letter_build(struct buf *out, const struct letter *l, struct slice packed)
{
	struct buf boundary = BUF_INIT(64);

	buf_adds(&boundary, "=_");
	rand_text(&boundary, 24);
	add_header(out, l, buf_slice(&boundary));
	buf_addf(out, "--%s\r\n", buf_str(&boundary));
	add_text(out, l);
	buf_addf(out, "\r\n--%s\r\n", buf_str(&boundary));
	add_file(out, l, packed);
	buf_addf(out, "\r\n--%s--\r\n", buf_str(&boundary));
	buf_release(&boundary);
	return buf_ok(out) ? 0 : -1;
}

int
letter_build_error(struct buf *out, const struct letter *l, uint64_t size)
{
	add_sender(out, l);
	buf_addf(out, "Subject: DMARC report about %.*s\r\n"
	    " could not be sent\r\n"
	    "Content-Type: multipart/mixed; boundary=\"=_fields\"\r\n\r\n"
	    "--=_fields\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "Report-Date: ", SLICE_ARG(l->domain));
	date_format(out, l->date, DATE_LOCAL);
	buf_addf(out, "\r\nReport-Domain: %.*s\r\nReport-ID: <%.*s@%.*s>\r\n"
	    "Report-Size: %llu\r\nSubmitter: %.*s\r\n",
	    SLICE_ARG(l->domain), SLICE_ARG(l->id), SLICE_ARG(l->host),
	    (unsigned long long)size, SLICE_ARG(l->host));
	for (size_t i = 0; i < l->n; i++)
		buf_addf(out, "Submitting-URI: mailto:%.*s\r\n",
		    SLICE_ARG(l->to[i]));
	buf_addf(out, "\r\n--=_fields\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "The DMARC aggregate report about\r\n%.*s\r\n"
	    "has %llu octets as a mail, which is more than each address in "
	    "the rua= tag of\r\nits DMARC record allows behind \"!\". It is "
	    "not sent again. To get the next ones,\r\nallow more, such as "
	    "\"!10m\", or leave the limit out.\r\n"
	    "\r\n--=_fields--\r\n", SLICE_ARG(l->domain),
	    (unsigned long long)size);
	return buf_ok(out) ? 0 : -1;
}
