/*
 * The body of one message on its way into the queue's file: decoded
 * (dotstuff.h), counted, written. What is wrong with it is remembered while
 * the rest is read and thrown away, and comes out as the reply of the end of
 * data. Used by data.c and bdat.c.
 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "services/smtp/dotstuff.h"

struct body {
	struct dotstuff text;
	uint64_t size;  /* octets after decoding */
	uint64_t limit; /* 0: none */
	int error;      /* errno of the write that failed, or 0 */
};

/* raw: BDAT. */
void body_init(struct body *b, uint64_t limit, bool raw);

/*
 * Takes input and writes to fd (-1: nothing is kept). Returns how many bytes
 * it used: all of them, or up to and with the final dot (b->text.done).
 */
size_t body_take(struct body *b, int fd, struct slice in);

/* BDAT: ends a last line that has no CRLF. */
void body_finish(struct body *b, int fd);

/* The reply, code and text, that refuses the message; NULL if it is fine. */
const char *body_fault(const struct body *b);

#endif
