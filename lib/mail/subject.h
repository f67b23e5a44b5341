/*
 * The base subject of a message (RFC 5256 section 2.1): what SORT and THREAD
 * compare, without "Re:", "Fwd:", "[list]" and the like. Linear time.
 */
#ifndef MAIL_SUBJECT_H
#define MAIL_SUBJECT_H

#include "core/buf.h"

/*
 * Appends the base subject of a field's raw value, in UTF-8. *reply (may be
 * NULL) is true if what was removed says that it is a reply or a forward
 * (section 3, REFERENCES).
 */
void subject_base(struct buf *out, struct slice value, bool *reply);

/*
 * Steps 2 to 6: the part of text that is the base subject. text is decoded
 * and has single spaces.
 */
struct slice subject_strip(struct slice text, bool *reply);

#endif
