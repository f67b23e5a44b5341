/*
 * One connection to a server, for the command line: it waits, at most
 * DIAL_TIMEOUT for everything from dial_open on.
 */
#ifndef SETUP_DIAL_H
#define SETUP_DIAL_H

#include "core/buf.h"
#include "io/sockaddr.h"

#define DIAL_TIMEOUT 8000 /* milliseconds */
#define DIAL_MAX 65536    /* octets that the server may say */

struct dial;

/* NULL with *why (constant). */
struct dial *dial_open(const union sockaddr_any *to, const char **why);
void dial_close(struct dial *d); /* NULL is fine */

/* The handshake, with whichever certificate; dial_peer appends that and those
 * behind it in DER. -1 with *why. */
int dial_tls(struct dial *d, const char *host, const char **why) MUST_CHECK;
void dial_peer(const struct dial *d, struct buf *out);

void dial_write(struct dial *d, struct slice text);
/* Appends the next line without its end. -1 with *why. */
int dial_line(struct dial *d, struct buf *line, const char **why) MUST_CHECK;
/* Appends all that is said until the server closes. -1 with *why. */
int dial_rest(struct dial *d, struct buf *out, const char **why) MUST_CHECK;

#endif
