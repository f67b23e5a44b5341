/*
 * Entries of METADATA (RFC 5464) on the wire: their names, values, and the
 * METADATA response. Used by GETMETADATA, SETMETADATA and LIST (RFC 9590).
 */
#ifndef IMAP_METADATA_H
#define IMAP_METADATA_H

#include "services/imap/command.h"
#include "store/metadata.h"

/* Entry names of one command, in lower case. */
struct entry_list {
	struct slice *names;
	size_t n;
};

/* One name, checked (RFC 5464 section 3.2). */
int metadata_parse_entry(struct parser *p, struct slice *out);
/* "entry" or "(entry entry)". */
int metadata_parse_entries(struct parser *p, struct entry_list *out);
/* A value: nstring or literal8. */
int metadata_parse_value(struct parser *p, struct store_entry *out);

/* DEPTH (RFC 5464 4.2.2). */
enum { METADATA_DEPTH_ALL = 2 };

/* True if name is base, or below it by at most depth levels. */
bool metadata_is_below(struct slice name, struct slice base, unsigned depth);

/* Appends the value: quoted, a literal, or NIL. */
void metadata_put_value(struct buf *out, const struct store_entry *e);

/* What GETMETADATA asks. */
struct metadata_question {
	const struct entry_list *entries;
	unsigned depth;
	uint32_t max;     /* octets of a value */
	uint64_t longest; /* of the values that are longer */
};

/* "(MAXSIZE 12 DEPTH 1) " if it comes next (RFC 5464 4.2.1, 4.2.2). */
int metadata_parse_options(struct parser *p, struct metadata_question *q);

/*
 * In a step: "* METADATA name (entry value ...)" for the named entries and, by
 * depth, those below. Values over max are left out; q->longest gets the size of
 * the longest of them. Nothing is written when there is nothing to tell.
 */

enum store_err metadata_tell(struct command *c, struct slice name,
    struct metadata_question *q);

/* Response without values (RFC 5464 4.4.2). */
void metadata_put_changed(struct buf *out, struct slice name, bool utf8,
    const struct slice *entries, size_t n);

struct box;

/*
 * In a step: the mailbox, or the server if name is empty, if the user may see
 * and change what is annotated to it (RFC 5464 section 3.3).
 */
enum store_err metadata_find(struct command *c, struct slice name,
    struct box *out);

#endif
