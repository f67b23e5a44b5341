/*
 * Conversations with reports: who sends in the names of our domains, as other
 * receivers tell it, and what we tell others (DMARC aggregate reports, RFC
 * 7489 section 7.2). Three doors: reports.mail (queue) brings mails that look
 * like reports and fetches those that are to be sent; reports.note (dkim) is
 * told what was found out about a message; reports.admin (wire/admin.h)
 * answers `setup dmarc`.
 */
#ifndef WIRE_REPORTS_H
#define WIRE_REPORTS_H

#include "wire/wire.h"

enum wire_reports_type {
	/* mail door.
	 * WIRE_REPORTS_MAIL + read-only descriptor of a mail: slice queue id,
	 * u64 size, bool verified (DMARC passed), bool named (its subject says
	 * that it is a report). No reply: the mail is delivered all the
	 * same. */
	WIRE_REPORTS_MAIL = 1,
	/* WIRE_REPORTS_NEXT, empty: the next report, please. The reply comes
	 * when there is one, perhaps tomorrow:
	 * WIRE_REPORTS_READY + descriptor of a mail: u64 number, slice domain
	 * that it is about, u64 size, u32 count (at least one), count * slice
	 * address of a recipient. */
	WIRE_REPORTS_NEXT,
	WIRE_REPORTS_READY,
	/* WIRE_REPORTS_SENT: u64 number. It is in the spool; no reply. One that
	 * is not said to be sent comes again. */
	WIRE_REPORTS_SENT,
	/* note door.
	 * WIRE_REPORTS_NOTE: a struct wire_reports_note. No reply. */
	WIRE_REPORTS_NOTE,
	WIRE_REPORTS_TYPES
};

/* What a report says of one message. The texts of a stranger are cut to
 * WIRE_REPORTS_TEXT, the record excepted. */
#define WIRE_REPORTS_TEXT 256
#define WIRE_REPORTS_RECORD 4096
#define WIRE_REPORTS_SIGNATURES 10

struct wire_reports_note {
	struct slice domain;      /* where the policy was found */
	struct slice record;      /* the policy's text */
	/* From here on the same for all messages that are counted as one. */
	struct slice source;      /* IP address */
	struct slice author;      /* domain of From */
	struct slice envelope;    /* domain of MAIL FROM, or "" */
	struct slice disposition; /* "none", "quarantine", "reject" */
	bool dkim;                /* passed and aligned */
	bool spf;
	struct slice reason;      /* PolicyOverrideType, or "" */
	struct slice comment;
	struct slice spf_domain;
	struct slice spf_scope;   /* "mfrom", "helo" */
	struct slice spf_result;
	uint32_t n;
	struct {
		struct slice domain;
		struct slice selector;
		struct slice result;
	} signatures[WIRE_REPORTS_SIGNATURES];
};

void wire_reports_note_put(struct buf *b, const struct wire_reports_note *n);
/* Slices are views into the payload. *what is the part of it that two messages
 * have in common when they are counted as one; NULL: not wanted. */
int wire_reports_note_get(struct slice payload, struct wire_reports_note *n,
    struct slice *what) MUST_CHECK;
/* Reads a kept *what; domain and record are left empty. */
int wire_reports_what_get(struct slice what, struct wire_reports_note *n)
    MUST_CHECK;

#endif
