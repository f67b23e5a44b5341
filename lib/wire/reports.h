/*
 * Conversations with reports: who sends in the names of our domains, as other
 * receivers tell it (DMARC aggregate reports, RFC 7489 section 7.2). Two
 * doors: reports.mail (queue) brings mails that look like reports;
 * reports.admin (wire/admin.h) answers `setup dmarc report`.
 */
#ifndef WIRE_REPORTS_H
#define WIRE_REPORTS_H

#include "wire/wire.h"

enum wire_reports_type {
	/* mail door.
	 * WIRE_REPORTS_MAIL + read-only descriptor of a mail: slice queue id,
	 * u64 size, bool verified (DMARC passed). No reply: the mail is
	 * delivered all the same. */
	WIRE_REPORTS_MAIL = 1,
	WIRE_REPORTS_TYPES
};

#endif
