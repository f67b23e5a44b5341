/* What was found out about a message, noted for the daily report to the owner
 * of its author's domain (RFC 7489 section 7.2). */
#ifndef SERVICES_DKIM_NOTE_H
#define SERVICES_DKIM_NOTE_H

#include "services/dkim/policy.h"
#include "services/dkim/spf_work.h"

struct note_message {
	const struct dkim_verify *verify;
	const struct spf_work *spf;
	const struct dmarc *dmarc;
	const struct policy *policy;
	const struct answer *answer; /* that SMTP gets */
};

/* Tells reports, if the owner asks for reports and the message is one that
 * counts. */
void note_message(struct dkim *d, const struct note_message *m);

#endif
