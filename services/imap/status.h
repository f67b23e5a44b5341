/* STATUS items (RFC 3501 6.3.10), for STATUS and LIST-STATUS (RFC 5819). */
#ifndef IMAP_STATUS_H
#define IMAP_STATUS_H

#include "services/imap/command.h"

/* "(MESSAGES UNSEEN)"; *items gets bits that status_write understands. */
int status_parse(struct parser *p, unsigned *items);
/* True if the items show that the client knows MODSEQ. */
bool status_has_modseq(unsigned items);
/* "* STATUS name (...)" */
enum store_err status_write(struct command *c, struct slice name,
    unsigned items);

#endif
