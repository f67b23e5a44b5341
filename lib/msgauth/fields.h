/*
 * The header fields of one message, indexed for the selection that h= asks
 * for: each name takes the last instance not yet taken (RFC 6376 5.4.2).
 */
#ifndef MSGAUTH_FIELDS_H
#define MSGAUTH_FIELDS_H

#include "core/map.h"
#include "mail/header.h"

struct fields {
	struct slice header;
	struct header_field *list;
	size_t n, room;
	bool cut_off;     /* there are more than LIMIT_HEADER_FIELDS */
	size_t *above;    /* per field: 1 + the one above of that name, or 0 */
	size_t *slot;     /* per field: which name it has */
	size_t slots;     /* distinct names */
	size_t *last;     /* per name: 1 + its last field */
	struct map names; /* name in lower case: 1 + slot */
};

/* header must stay as long as f. */
void fields_init(struct fields *f, struct slice header);
void fields_release(struct fields *f);

/* The field from its name on, the last line end taken off. */
struct slice fields_raw(const struct fields *f, const struct header_field *h);

/* How many fields of that name there are. */
size_t fields_count(const struct fields *f, struct slice name);

/*
 * Appends the selected fields in canonical form, each with CRLF. h is a
 * colon-separated list, blanks around the names ignored.
 */
void fields_select(const struct fields *f, struct slice h, bool relaxed,
    struct buf *out);

#endif
