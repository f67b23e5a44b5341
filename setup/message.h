/* One message from a file, as msgauth reads it: for explain, sign and seal. */
#ifndef SETUP_MESSAGE_H
#define SETUP_MESSAGE_H

#include "core/buf.h"

/*
 * Opens a copy of the file ("-": stdin) in memory, with line ends made CRLF as
 * on the way through SMTP. -1 after saying why not.
 */
int message_open(const char *path, uint64_t *size) MUST_CHECK;

#endif
