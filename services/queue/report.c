/* Which mails may be reports. See report.h. */
#include "services/queue/report.h"

#include "mail/addr.h"
#include "mail/header.h"
#include "mail/word.h"

#define SUBJECT_MAX 4096 /* octets, when decoded */

/*
 * "Report Domain: x Submitter: y Report-ID: z" (7.2.1.1), wherever it is: some
 * put words in front, fold it between its words, or encode it.
 */
static bool
is_named(struct slice subject)
{
	ssize_t at;

	while ((at = slice_ifind(subject, S("report"))) != -1) {
		struct slice rest;

		subject = slice_from(subject, (size_t)at + 6);
		rest = slice_trim(subject);
		if (rest.n < subject.n && slice_istarts(rest, S("domain")) &&
		    slice_starts(slice_trim(slice_from(rest, 6)), S(":")))
			return true;
	}
	return false;
}

/* dmarc@, dmarc-reports@, rua+x@ ... */
static bool
is_for_reports(const struct recipient *r)
{
	struct slice local = slice_head(r->orig, r->orig.n -
	    addr_domain_of(r->orig).n);

	return r->kind == RECIPIENT_LOCAL &&
	    (slice_ifind(local, S("dmarc")) != -1 ||
	    slice_istarts(local, S("rua@")) || slice_istarts(local, S("rua+")));
}

enum report_kind
report_kind(const struct envelope *e, struct slice header)
{
	struct buf text = BUF_INIT(SUBJECT_MAX);
	enum report_kind kind = REPORT_NONE;
	struct slice value = S("");
	bool local = false;

	for (uint32_t i = 0; i < e->n; i++) {
		local |= e->rcpt[i].kind == RECIPIENT_LOCAL;
		if (is_for_reports(&e->rcpt[i]))
			kind = REPORT_MAYBE;
	}
	if (!local)
		return REPORT_NONE;
	if (header_find(header, S("Subject"), &value)) {
		word_decode(&text, value);
		if (is_named(buf_slice(&text)))
			kind = REPORT_NAMED;
		else if (slice_ifind(buf_slice(&text), S("dmarc")) != -1)
			kind = REPORT_MAYBE;
	}
	buf_release(&text);
	return kind;
}
