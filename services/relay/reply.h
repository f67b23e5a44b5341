/*
 * Replies of an SMTP server (RFC 5321 4.2): read as they come in, and turned
 * into what they mean for a recipient.
 */
#ifndef RELAY_REPLY_H
#define RELAY_REPLY_H

#include "core/buf.h"
#include "core/limits.h"

struct reply {
	unsigned code;   /* 200 to 599 */
	struct buf text; /* the lines without their codes, each with LF */
	size_t bytes;
	bool complete;   /* the next line begins a new reply */
};

enum reply_state {
	REPLY_MORE, /* the last line has not come yet */
	REPLY_DONE,
	REPLY_BAD,  /* this is not SMTP, or longer than LIMIT_SMTP_REPLY */
};

void reply_init(struct reply *r);
void reply_release(struct reply *r);

/*
 * Takes whole lines from in up to the end of one reply and sets *state;
 * returns the bytes used. Line ends may be bare LF and the code of the last
 * line counts, because servers exist that send such; everything else is RFC
 * 5321 4.2 to the letter. After REPLY_DONE the next call begins a new reply.
 */
size_t reply_feed(struct reply *r, struct slice in, enum reply_state *state);

/*
 * The enhanced code (RFC 3463) of a reply: its own if its class fits the code
 * (RFC 2034 4), else one derived from the code.
 */
#define REPLY_ENHANCED 12
void reply_enhanced(const struct reply *r, char out[REPLY_ENHANCED]);

/*
 * "550 5.1.1 no such user": one line of printable UTF-8, at most size - 1
 * bytes, fit for logs and bounces.
 */
void reply_line(const struct reply *r, char *out, size_t size);

#endif
