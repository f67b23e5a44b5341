/*
 * The texts of a message as IMAP's SEARCH compares them (RFC 3501 6.4.4,
 * RFC 5255 section 4.3): decoded as a reader would see them, then folded. SEARCH
 * looks into them, and the search index says what may be in them: both see the
 * same bytes.
 */
#ifndef MAIL_TEXTS_H
#define MAIL_TEXTS_H

#include "core/buf.h"

struct texts {
	struct buf header; /* of the message and of its parts, "NAME: VALUE\n" */
	struct buf plain;  /* text parts, lines as they are */
	struct buf html;   /* those that are HTML, without tags */
};

#define TEXTS_HEADER 1u
#define TEXTS_BODY 2u /* plain and html */
#define TEXTS_ALL (TEXTS_HEADER | TEXTS_BODY)

/* Each of the three holds at most max bytes; what is beyond is left out. */
void texts_init(struct texts *t, size_t max);
void texts_release(struct texts *t);

/*
 * Appends those texts of msg that are wanted. After each header and each part more is called,
 * if it is not NULL: it may take what is there and clear the buffers. The
 * headers of parts are no texts of the body.
 */
void texts_make(struct texts *t, struct slice msg, unsigned want,
    void (*more)(void *ctx, struct texts *t), void *ctx);

/* Appends the value of a header field, unfolded, decoded and folded. */
void texts_value(struct buf *out, struct slice value);

#endif
