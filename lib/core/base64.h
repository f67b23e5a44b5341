/* Base64 (RFC 4648 section 4) and hexadecimal. */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include "core/buf.h"

/* Appends the encoding, padded, in one line. */
void base64_encode(struct buf *out, struct slice in);

/*
 * Appends the decoded bytes. Strict: the alphabet only, right padding (or
 * none), no blank. -1 (with part of the bytes appended) otherwise.
 */
int base64_decode(struct buf *out, struct slice in) MUST_CHECK;

/* Like base64_decode, but blanks and line ends anywhere are skipped. */
int base64_decode_folded(struct buf *out, struct slice in) MUST_CHECK;

/* The value of a character of the alphabet, 0 to 63, or -1. */
int base64_sextet(char c);

void hex_encode(struct buf *out, struct slice in); /* lower case */
int hex_decode(struct buf *out, struct slice in) MUST_CHECK;

#endif
