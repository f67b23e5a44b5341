/*
 * The text of a message as it comes over the wire: transparency dots removed
 * and the end found (RFC 5321 4.5.2, 4.1.1.4), or for BDAT only checked. Used
 * by body.c. A pure streaming decoder: how the input is cut into pieces never
 * changes the result.
 *
 * Only CRLF ends a line (RFC 5321 2.3.8): what comes behind a bare LF is never
 * the end of the message and its dot is never removed, so no second message
 * can hide in a first one. A bare LF itself is stored as CRLF, since programs
 * that send a file as it is on disk mean that; from here on every reader sees
 * the same lines. A bare CR, a NUL and an overlong line are noted, and the
 * caller refuses the message as a whole.
 */
#ifndef SMTP_DOTSTUFF_H
#define SMTP_DOTSTUFF_H

#include "core/slice.h"

enum dotstuff_fault {
	DOTSTUFF_BARE_CR = 1,
	DOTSTUFF_NUL = 2,
	DOTSTUFF_LONG_LINE = 4, /* over LIMIT_SMTP_TEXT_LINE */
};

enum dotstuff_state {
	DOTSTUFF_START,  /* at the start of a line */
	DOTSTUFF_DOT,    /* behind a dot at the start of a line */
	DOTSTUFF_DOT_CR, /* behind such a dot and CR, which is held back */
	DOTSTUFF_TEXT,   /* inside a line */
	DOTSTUFF_CR,     /* behind a CR inside a line */
};

struct dotstuff {
	enum dotstuff_state state;
	unsigned faults; /* enum dotstuff_fault, for the whole message */
	size_t line;     /* octets of the current line so far */
	bool raw;        /* BDAT: dots mean nothing, nothing ends it */
	bool done;       /* the final dot was read */
};

#define DOTSTUFF_SPANS 64

static inline void
dotstuff_init(struct dotstuff *d, bool raw)
{
	*d = (struct dotstuff){ .raw = raw };
}

/*
 * Decodes from in; returns how many bytes it used. Less than in.n means that
 * the message is done, or that out is full: call again. out gets the decoded
 * bytes as *count views, into in or constant memory, to be used before in goes
 * away.
 */
size_t dotstuff_decode(struct dotstuff *d, struct slice in,
    struct slice out[DOTSTUFF_SPANS], size_t *count);

#endif
