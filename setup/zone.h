/* Printing records: as a zone file, and as what web pages of registrars ask
 * for. */
#ifndef SETUP_ZONE_H
#define SETUP_ZONE_H

#include "setup/records.h"

/*
 * Appends the records as lines of a master file (RFC 1035 5.1), each kind with
 * its purpose as a comment. Names are absolute.
 */
void zone_format(const struct records *r, struct buf *out);

/* The domain that a registrar's web page is for: the organizational domain of
 * the records. A view into them. */
struct slice zone_of(const struct records *r);

/*
 * Appends a table of host, type, priority (if a record has one) and value.
 * Hosts are relative to zone_of ("@" itself). A text longer than a string may
 * be (255) stands there whole, and below once more in strings.
 */
void zone_format_panel(const struct records *r, struct buf *out);

/* Appends text as quoted strings of at most 255 octets, escaped. */
void zone_strings(struct slice text, struct buf *out);

#endif
