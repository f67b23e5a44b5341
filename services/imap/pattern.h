/* Patterns of LIST (RFC 3501 6.3.8): "*" is anything, "%" stops at the
 * separator. */
#ifndef IMAP_PATTERN_H
#define IMAP_PATTERN_H

#include "core/arena.h"
#include "core/slice.h"

/*
 * reference and mailbox joined, INBOX at the start in capitals, runs of
 * wildcards made one.
 */
struct slice pattern_make(struct arena *a, struct slice reference,
    struct slice mailbox);

/* True if the pattern can match a name below top, which ends in a separator,
 * or top itself. */
bool pattern_reaches(struct slice pattern, struct slice top);
/* Time is at most the product of the lengths. */
bool pattern_matches(struct slice pattern, struct slice name, char separator);

#endif
