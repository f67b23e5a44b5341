/*
 * The message as it goes over the wire behind DATA: read from a descriptor
 * piece by piece, with the edit applied, every line ended by CRLF (RFC 5321
 * 2.3.8: no bare CR, no bare LF) and dots doubled (4.5.2). Never the whole in
 * memory.
 */
#ifndef RELAY_BODY_H
#define RELAY_BODY_H

#include "wire/edit.h"

struct body {
	int fd;
	uint64_t size;                 /* of the original */
	const struct wire_edit *edit;  /* lives as long as this */
	uint64_t at;                   /* next byte of the original */
	uint32_t cut;                  /* next cut */
	bool started;                  /* the prefix is out */
	bool cr;                       /* the last byte was a CR, held back */
	bool line_start;
	bool ended;
};

void body_init(struct body *b, int fd, uint64_t size,
    const struct wire_edit *edit);

/*
 * Appends the next piece (some 16 kB) to out. 1: there is more; 0: that was
 * the end, with the final CRLF but without the "."; -1 with errno: the
 * descriptor cannot be read.
 */
int body_next(struct body *b, struct buf *out) MUST_CHECK;

/* The size of the edited message, for SIZE (RFC 1870). */
uint64_t body_size(const struct body *b);

enum { BODY_8BIT_HEADER = 1, BODY_8BIT_TEXT = 2 };
/*
 * Looks for bytes above 0x7f in header and text: a set of the bits above, or
 * -1 with errno. Reads up to the first one in the text.
 */
int body_scan(const struct body *b) MUST_CHECK;

#endif
