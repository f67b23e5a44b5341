/*
 * COMPRESS=DEFLATE (RFC 4978): one connection's two streams of raw DEFLATE. No
 * session in here.
 *
 * What it costs: while a client is talked to, 100 KB for the compressor (a
 * window of 8 KB, short chains) and 40 KB for what it sends (its window is its
 * own choice, so 32 KB). zip_sleep gives nearly all of it back: a compressor
 * can begin anew after any flush, since blocks that refer to nothing before
 * them are as good as any, and of the other stream only the last 32 KB that
 * the client said have to stay, which are kept compressed. A client that
 * idles has said some commands: it costs about one kilobyte, and 33 KB at
 * most.
 */
#ifndef IMAP_ZIP_H
#define IMAP_ZIP_H

#include "core/buf.h"

/* At most this much comes out of one zip_inflate, whatever goes in. */
#define ZIP_PIECE 16384

struct zip;

struct zip *zip_new(void);
void zip_free(struct zip *z); /* NULL is fine */

/*
 * Appends text compressed, so that the receiver can read all of it: once per
 * answer, not per piece of one.
 */
void zip_deflate(struct zip *z, struct slice text, struct buf *out);

/* The same with the last text of all (not empty): ends the stream. */
void zip_deflate_last(struct zip *z, struct slice text, struct buf *out);

/*
 * Appends at most ZIP_PIECE bytes that in (may be empty, to go on with what is
 * held) stands for. Returns how many bytes of it were used, or -1 with *why if
 * they are no DEFLATE, or the stream has ended. *more: call again, there is
 * more to come without further input, be it that end.
 */
ssize_t zip_inflate(struct zip *z, struct slice in, struct buf *out,
    bool *more, const char **why) MUST_CHECK;

/*
 * The client's stream ends behind what was inflated last (RFC 8437 4.1): in is
 * the rest of its flush, or its end, and then what is not compressed. Returns
 * how much of in belongs to the stream, or -1 with *why. *over: what follows
 * does not; until then call it again with what comes. Appends to out what a
 * client says in the stream nevertheless.
 */
ssize_t zip_inflate_rest(struct zip *z, struct slice in, struct buf *out,
    bool *over, const char **why) MUST_CHECK;

/* Nothing is to come for a while. Bytes held back stay as they are. */
void zip_sleep(struct zip *z);

#endif
