/*
 * A message in which parts have the transfer encoding "binary" (RFC 3030,
 * RFC 3516), made into one without: such parts become base64, because a
 * Maildir file cannot tell a bare LF from a line end. Composite types, which
 * may not be encoded (RFC 2045 6.4), become 8bit. All other bytes pass as they
 * are. Works on a stream and holds no more than one header and one line's
 * beginning; a header beyond LIMIT_HEADER_BYTES is passed as it is.
 */
#ifndef MAIL_UNBINARY_H
#define MAIL_UNBINARY_H

#include "core/buf.h"
#include "core/limits.h"

enum unbinary_state {
	UNBINARY_HEADER,
	UNBINARY_TEXT,   /* passes as it is */
	UNBINARY_ENCODE, /* becomes base64 */
};

struct unbinary {
	enum unbinary_state state;
	struct buf head;   /* the header being read, or the line's beginning */
	bool mid_line;     /* the line's beginning has passed already */
	char eol[2];       /* a line end that may belong to a boundary */
	size_t n_eol;
	struct buf group;  /* bytes that make no full line of base64 yet */
	bool encoded;      /* some line of base64 is out */
	bool digest;       /* parts are messages unless they say otherwise */
	/* The open multiparts, outermost first. */
	struct {
		char boundary[LIMIT_MIME_BOUNDARY];
		size_t n;
		bool digest;
	} open[LIMIT_MIME_DEPTH];
	size_t n_open;
};

void unbinary_init(struct unbinary *u);
/* Appends to out: at most twice the input, and what was held. */
void unbinary_feed(struct unbinary *u, struct slice in, struct buf *out);
void unbinary_end(struct unbinary *u, struct buf *out);
void unbinary_release(struct unbinary *u);

#endif
