/* How much mail an account holds, from the names of its message files. */
#ifndef SETUP_USAGE_H
#define SETUP_USAGE_H

#include "core/buf.h"

/*
 * The bytes of all messages in all folders of the Maildir at path: ",W=" of
 * each name (size with CRLF), else ",S=", else the size of the file. 0 if
 * there is no such folder. Reads no message and changes nothing: it is for
 * folders that the store has not opened yet.
 */
uint64_t usage_of(const char *path);

/* Like "numfmt --to=iec": 0, 999, 1.0K, 12M; rounded up. */
void usage_format(uint64_t bytes, struct buf *out);

#endif
