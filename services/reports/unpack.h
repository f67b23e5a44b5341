/*
 * The attachment of a report mail, unpacked: gzip, a zip archive (its file
 * called .xml, else the first), or plain text (RFC 7489 section 7.2.1.1). Never
 * all at once in memory, and no more than LIMIT_REPORT_UNPACKED: a few kilobytes
 * can be packed gigabytes.
 */
#ifndef REPORTS_UNPACK_H
#define REPORTS_UNPACK_H

#include "core/slice.h"

/* True if it begins like something that can be unpacked. */
bool unpack_knows(struct slice packed);

/* A piece of the text; nonzero stops. */
typedef int unpack_fn(void *arg, struct slice piece);

/*
 * Hands the text of packed to fn. -1 with *why when it is damaged, too large
 * or of no such kind, or when fn stopped it (*why is then fn's to know: NULL).
 */
int unpack(struct slice packed, unpack_fn *fn, void *arg, const char **why)
    MUST_CHECK;

#endif
