/*
 * Canonicalization (RFC 6376 section 3.4). The body comes in pieces of any
 * cut, CRLF line ends; only CRLF is a line end, a lone CR or LF is text.
 */
#ifndef MSGAUTH_CANON_H
#define MSGAUTH_CANON_H

#include "core/buf.h"

struct canon_body {
	void (*sink)(void *arg, struct slice bytes);
	void *arg;
	bool relaxed;
	bool cr;       /* a CR that may begin a line end */
	bool blank;    /* blanks held back (relaxed) */
	bool any;      /* something was written */
	uint64_t ends; /* line ends held back: the last ones do not count */
	size_t n;
	char out[4096];
};

void canon_body_init(struct canon_body *c, bool relaxed,
    void (*sink)(void *arg, struct slice bytes), void *arg);
void canon_body_feed(struct canon_body *c, struct slice in);
void canon_body_end(struct canon_body *c);

/*
 * Appends a header field in canonical form, without a line end. raw is the
 * field from its name on, folded, its last line end taken off.
 */
void canon_field(struct buf *out, bool relaxed, struct slice raw);

#endif
