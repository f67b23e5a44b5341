/* Modified UTF-7, IMAP's encoding of mailbox names (RFC 3501 5.1.3). */
#ifndef MAIL_MUTF7_H
#define MAIL_MUTF7_H

#include "core/buf.h"

/*
 * Appends the UTF-8 form. Strict: -1 for bytes outside printable ASCII, a
 * shift that is not ended, has no right padding bits, encodes what could stand
 * for itself, is needless ("&..-&..-"), or has a lone surrogate or a NUL. So
 * there is one encoding for each name.
 */
int mutf7_decode(struct buf *out, struct slice in, const char **why) MUST_CHECK;

/* Appends the encoding of UTF-8 text; -1 if text is not well-formed. */
int mutf7_encode(struct buf *out, struct slice text) MUST_CHECK;

#endif
