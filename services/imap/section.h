/*
 * The bytes of BODY[...] (RFC 3501 6.4.5) and BINARY[...] (RFC 3516): finds a
 * section in a message that is stored with LF and hands it out with CRLF, in
 * pieces, sizes counted in CRLF octets or in decoded ones. A cache keeps the message last read open between commands, so
 * that a client that reads it in parts does not make us start over each time.
 */
#ifndef IMAP_SECTION_H
#define IMAP_SECTION_H

#include "mail/crlf.h"
#include "mail/encode.h"
#include "services/imap/fetch_plan.h"
#include "store/store.h"

/*
 * How far the decoding of a part has come. What is decoded and not yet sent
 * stays in out, so that the next range goes on without a start from zero.
 */
struct section_decode {
	bool live;
	bool ended;              /* nothing is left to decode */
	size_t start;            /* range of the part in the text */
	size_t end;
	struct crlf_place place; /* in the part's bytes */
	struct decoder decoder;
	struct buf raw;          /* a piece on its way into the decoder */
	struct buf out;
	uint64_t at;             /* decoded octet that out begins with */
	/* The part whose decoded size is known. */
	bool measured;
	bool measuring;          /* not all of it is seen yet */
	size_t measured_start;
	size_t measured_end;
	uint64_t measured_size;
	bool measured_nul;
};

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
	struct section_decode decode;
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
	/* BINARY: */
	bool decode;       /* size is unknown until section_measure is done */
	bool unknown;      /* in a transfer encoding that we cannot undo */
	bool nul;          /* a literal8 is needed */
	enum encoding encoding;
	bool partial;
	uint64_t offset;   /* of the range asked for */
	uint64_t length;
};

/* Resolves want in m; partial ranges are cut to what there is. */
void section_find(struct section *s, struct section_cache *m,
    const struct fetch_section *want);
void section_release(struct section *s);

/*
 * Finds out the size of a section that is to be decoded, max octets of its
 * encoded form at a time; true while there is more to look at. Nothing to do
 * for others. Before section_write.
 */
bool section_measure(struct section *s, struct section_cache *m, size_t max);

/* Appends up to max octets; true while there are more. */
bool section_write(struct section *s, struct section_cache *m, size_t max,
    struct buf *out);

/* section_binary.c, for section.c: appends the next n decoded octets. */
void section_decode_range(struct section *s, struct section_cache *m, size_t n,
    struct buf *out);
/* Cuts left and at to the range asked for, once size is known. */
void section_cut(struct section *s);

#endif
