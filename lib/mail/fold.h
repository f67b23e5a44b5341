/*
 * Comparing text without case, independent of any locale: i;unicode-casemap
 * (RFC 5051), which IMAP's SEARCH, SORT and THREAD use (RFC 5255 section 4.3).
 * Folded texts are UTF-8; they are equal, ordered and contained in each other
 * as bytes.
 */
#ifndef MAIL_FOLD_H
#define MAIL_FOLD_H

#include "core/buf.h"

/*
 * Appends UTF-8 text folded: titlecase, then decomposed. "\u00e4" becomes "A"
 * and U+0308, so "a" is in it. Malformed bytes become U+FFFD.
 */
void text_fold(struct buf *out, struct slice text);

/*
 * Like text_fold, with each run of blanks and line ends made one space: what
 * IMAP SEARCH compares in headers and in HTML.
 */
void text_fold_blanks(struct buf *out, struct slice text);

/* Like text_fold, with LF for CRLF. */
void text_fold_lines(struct buf *out, struct slice text);

/*
 * Appends folded text without its diacritics: combining marks go, letters with
 * a stroke and ligatures become plain ones.
 */
void text_drop_marks(struct buf *out, struct slice folded);

/*
 * True if folded text contains the folded needle; an empty needle is in
 * anything. Linear time.
 */
bool text_contains(struct slice folded, struct slice needle);

#endif
