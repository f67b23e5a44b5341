/*
 * SASLprep (RFC 4013), the form in which names and passwords are compared.
 * Its tables (RFC 3454: mapping, prohibition, bidirectional text, and NFKC of
 * Unicode 3.2) are those of GNU libidn, which was written from them and is the
 * one library in Debian that has the profile whole; plain ASCII, nearly
 * everything there is, does not reach it.
 */
#ifndef SASL_SASLPREP_H
#define SASL_SASLPREP_H

#include "core/buf.h"

/*
 * Appends the prepared form of a stored string (RFC 5802 section 2.2: a code
 * point that Unicode 3.2 does not assign is refused). -1 if in is not UTF-8,
 * has a prohibited character or does not fit; nothing is appended then.
 */
int saslprep(struct slice in, struct buf *out) MUST_CHECK;

#endif
