/*
 * Text inside header fields: encoded words (RFC 2047) and extended parameters
 * (RFC 2231), always to and from UTF-8.
 */
#ifndef MAIL_WORD_H
#define MAIL_WORD_H

#include "core/buf.h"

/*
 * Appends an unfolded value with its encoded words decoded to UTF-8. White
 * space between two adjacent encoded words goes (RFC 2047 6.2). What is
 * malformed stays as it was; bytes that are no UTF-8 become U+FFFD, control
 * bytes blanks. Line ends are dropped (unfolded).
 */
void word_decode(struct buf *out, struct slice value);

/*
 * Appends text (UTF-8) for an unstructured field or a phrase: as it is when it
 * is printable ASCII, else as "=?utf-8?q?...?=" words of at most 75 characters
 * separated by CRLF and a space.
 */
void word_encode(struct buf *out, struct slice text);

struct word_param {
	struct slice name;  /* as written, with any "*0*" */
	struct slice value; /* without quotes */
};

/*
 * Appends the parameter's value in UTF-8: continuations joined, percent
 * encoding and charset decoded (RFC 2231 3 and 4), encoded words in a plain
 * value decoded too (not standard, but common). False when it is not there.
 */
bool word_param(struct buf *out, const struct word_param *params, size_t n,
    struct slice name);

#endif
