/*
 * A report to somebody else: the XML of RFC 7489 appendix C, and the mail
 * around it (section 7.2.1.1). No process in here.
 */
#ifndef REPORTS_LETTER_H
#define REPORTS_LETTER_H

#include "core/buf.h"
#include "wire/reports.h"

struct letter {
	struct slice host;    /* ours: who reports */
	struct slice from;    /* our address */
	struct slice domain;  /* it is about */
	struct slice record;  /* its policy */
	struct slice id;      /* letters and digits */
	int64_t begin;        /* seconds since the epoch */
	int64_t end;          /* the first second after it */
	int64_t date;
	const struct slice *to;
	size_t n;             /* recipients */
};

/* What comes before, for each, and behind the rows. What XML 1.0 cannot hold
 * is replaced by "?". */
void letter_xml_begin(struct buf *out, const struct letter *l);
void letter_xml_row(struct buf *out, uint64_t count,
    const struct wire_reports_note *row);
void letter_xml_end(struct buf *out);

/* Appends the XML, compressed. -1 if out is too small. */
int letter_pack(struct buf *out, struct slice xml) MUST_CHECK;
/* Appends the whole mail around what was packed. -1 if out is too small. */
int letter_build(struct buf *out, const struct letter *l, struct slice packed)
    MUST_CHECK;
/* Appends a mail that says that the report, size octets as a mail, is larger
 * than each of l->to allows (section 7.2.2). */
int letter_build_error(struct buf *out, const struct letter *l, uint64_t size)
    MUST_CHECK;

#endif
