/*
 * The bytes of BODY[...] (RFC 3501 6.4.5): finds a section in a message that
 * is stored with LF and hands it out with CRLF, in pieces, sizes counted in
 * CRLF octets. A cache keeps the message last read open between commands, so
 * that a client that reads it in parts does not make us start over each time.
 */
#ifndef IMAP_SECTION_H
#define IMAP_SECTION_H

#include "mail/crlf.h"
#include "services/imap/fetch_plan.h"
#include "store/store.h"

/* One open message. */
struct section_cache {
	uint32_t uid;
	struct store_body body;
	struct slice text;    /* body.text, or a test's */
	size_t header_end;    /* offset behind the empty line */
	uint64_t size;        /* of the whole, CRLF */
	uint64_t size_header; /* likewise */
	bool parsed;          /* tree is there */
	struct arena arena;
	struct mime_tree tree;
	/* Where the last range was left, to go on without a scan. */
	size_t place_start;
	struct crlf_place place;
};

/* Opens a message; NULL with *err when the store cannot. */
struct section_cache *section_cache_open(struct store_mailbox *m, uint32_t uid,
    enum store_err *err);
/* The same over bytes that stay the caller's, for tests. */
struct section_cache *section_cache_text(struct slice text);
void section_cache_free(struct section_cache *m);

/* One section on its way out. */
struct section {
	bool exists;
	bool ready;        /* built holds the octets themselves */
	struct buf built;  /* of HEADER.FIELDS */
	size_t start;      /* range of the text */
	size_t end;
	uint64_t size;     /* octets of the whole section */
	uint64_t at;       /* next octet to send */
	uint64_t left;     /* octets to send */
};

/* Resolves want in m; partial ranges are cut to what there is. */
void section_find(struct section *s, struct section_cache *m,
    const struct fetch_section *want);
void section_release(struct section *s);

/* Appends up to max octets; true while there are more. */
bool section_write(struct section *s, struct section_cache *m, size_t max,
    struct buf *out);

#endif
