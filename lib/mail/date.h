/*
 * Dates of messages (RFC 5322 3.3, 4.3) and of IMAP (RFC 3501 section 9).
 * Times are seconds since the epoch; zones are minutes east of UTC. Years 1
 * to 9999.
 */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include "core/buf.h"

struct date {
	int64_t epoch;
	int zone; /* 0 where "-0000", "Z" or an unknown name stood */
};

/* A zone argument that means: whatever the machine's zone is at that time. */
#define DATE_LOCAL 100000

/*
 * Lenient RFC 5322: comments, folding, no weekday, no seconds, two-digit
 * years, zone names, missing zone. -1 when day, month, year or time are
 * missing or out of range.
 */
int date_parse(struct slice text, struct date *out) MUST_CHECK;
/* "Tue, 1 Jul 2003 10:52:37 +0200" */
void date_format(struct buf *out, int64_t epoch, int zone);

/* IMAP date-time without quotes: "17-Jul-1996 02:44:25 -0700". Strict. */
int date_parse_imap(struct slice text, struct date *out) MUST_CHECK;
void date_format_imap(struct buf *out, int64_t epoch, int zone);

/*
 * IMAP date, "1-Feb-1994", quotes allowed, as a day number (days since
 * 1970-01-01). Strict.
 */
int date_parse_imap_day(struct slice text, int64_t *day) MUST_CHECK;

/*
 * The calendar day where the date was written, for SENTBEFORE and the like,
 * which disregard time and zone.
 */
int64_t date_day(const struct date *d);

/* Offset of the machine's zone at that time, in minutes. */
int date_local_zone(int64_t epoch);

#endif
