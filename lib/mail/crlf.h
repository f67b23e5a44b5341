/*
 * Line ends. On the wire and in the spool lines end in CRLF, in a Maildir file
 * in LF; IMAP speaks about Maildir files as if they had CRLF. A bare CR stays
 * what it is, an LF that has its CR already is not given another.
 */
#ifndef MAIL_CRLF_H
#define MAIL_CRLF_H

#include "core/buf.h"

/* The length that text has with CRLF line ends; lines counts its LFs. */
uint64_t crlf_size(struct slice text, uint64_t *lines);

/* Appends text with CRLF line ends. */
void crlf_add(struct buf *out, struct slice text);

/*
 * A place in a text in both countings, so that reading on from where the last
 * read ended does not scan from the start. Starts as zeros; one per text.
 */
struct crlf_place {
	size_t at;        /* offset in text */
	uint64_t virtual; /* the same place, counted with CRLF */
	bool half;        /* the CR of the LF at "at" has been given out */
};

/*
 * Appends at most len octets of the CRLF form of text from octet offset on.
 * place (may be NULL) is where the scan starts if it is not beyond offset, and
 * is left at the end of the range.
 */
void crlf_range(struct buf *out, struct slice text, uint64_t offset,
    uint64_t len, struct crlf_place *place);

/*
 * Appends wire text with LF line ends, piece by piece: *cr (false at first)
 * remembers a CR at the end of a piece. crlf_strip_end appends one that was
 * the very last byte.
 */
void crlf_strip(struct buf *out, struct slice wire, bool *cr);
void crlf_strip_end(struct buf *out, bool *cr);

#endif
