/* The SCRAM verifiers of the accounts that setup writes. */
#ifndef SETUP_SCRAM_H
#define SETUP_SCRAM_H

#include "setup/setup.h"

/*
 * Appends the line of pillarbox-scram.cf that belongs to "NAME|HASH" and its
 * password, with prefix in front of the name; nothing with
 * PILLARBOX_SCRAM=never.
 */
void scram_line(const struct setup *s, const char *prefix,
    struct slice account_line, struct slice password, struct buf *out);

/*
 * Puts it into the file, in the place of that of the same name; an empty line
 * changes nothing. The caller has the lock of the config folder. -1 after
 * saying why not.
 */
int scram_write(const struct setup *s, struct slice line) MUST_CHECK;

#endif
