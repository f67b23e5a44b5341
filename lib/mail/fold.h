/*
 * Folding text for comparison without case: simple one-to-one mappings for
 * ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic, Armenian and fullwidth
 * letters. Independent of any locale.
 */
#ifndef MAIL_FOLD_H
#define MAIL_FOLD_H

#include "core/buf.h"

uint32_t fold_char(uint32_t c);

/* Appends UTF-8 text folded; malformed bytes become U+FFFD. */
void text_fold(struct buf *out, struct slice text);

/*
 * Like text_fold, with each run of blanks and line ends made one space: what
 * IMAP SEARCH compares in headers.
 */
void text_fold_blanks(struct buf *out, struct slice text);

/*
 * True if folded text contains the folded needle; an empty needle is in
 * anything. Linear time.
 */
bool text_contains(struct slice folded, struct slice needle);

#endif
