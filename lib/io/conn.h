/*
 * A stream connection: plain or TLS, buffered both ways, with one timeout.
 * Owns its descriptor. All callbacks run on the loop, never from inside a
 * conn_ function, so a caller's state is consistent when they come.
 *
 * Input is handed over as one slice of everything unread; on_input returns how
 * many bytes it used (0: not enough yet). It is called again as long as it
 * makes progress, input is left and the connection is not paused. When the
 * input buffer is full (in_max) and on_input uses nothing, the connection is
 * closed with reason "input too long"; so a protocol checks in.n >= its own
 * line limit first and answers in its own words.
 *
 * Output is queued and flushed at the end of the loop's round, so replies to
 * pipelined commands leave in one packet. Writers that produce much watch
 * conn_out_pending and go on in on_drain.
 */
#ifndef IO_CONN_H
#define IO_CONN_H

#include <sys/socket.h>

#include "core/buf.h"
#include "io/loop.h"
#include "io/tls.h"

struct conn;

struct conn_ops {
	/* Uses up to in.n bytes; returns how many. in is never empty. */
	size_t (*on_input)(void *arg, struct slice in);
	/*
	 * The connection is over (peer closed, error, timeout with no
	 * on_timeout, conn_close flushed). why is a constant. The last
	 * callback; conn is freed after it returns. Not called after
	 * conn_abort.
	 */
	void (*on_close)(void *arg, const char *why);
	/* Optional: output fell below the low-water mark after being above. */
	void (*on_drain)(void *arg);
	/* Optional: the timeout set by conn_timeout passed. */
	void (*on_timeout)(void *arg);
	/* Optional: handshake finished; why is NULL, or the failure (the
	 * connection then closes by itself with on_close). */
	void (*on_tls)(void *arg, const char *why);
	/* Optional: the peer ended its sending side; without it that closes. */
	void (*on_eof)(void *arg);
};

/*
 * Takes over a connected descriptor. in_max: most bytes of unread input held.
 * Reading starts on the next round.
 */
struct conn *conn_new(struct loop *l, int fd, size_t in_max,
    const struct conn_ops *ops, void *arg);

/*
 * Starts connecting; local (may be NULL) is the address to bind. cb gets the
 * connected descriptor (now the caller's), or -1 and errno as err. cancel with
 * conn_connect_cancel before cb has run.
 */
struct conn_connect;
struct conn_connect *conn_connect(struct loop *l, const struct sockaddr *to,
    socklen_t to_len, const struct sockaddr *local, socklen_t local_len,
    uint64_t timeout_ms, void (*cb)(void *arg, int fd, int err), void *arg);
void conn_connect_cancel(struct conn_connect *c);

/* Queues output. On a closing connection it is dropped. */
void conn_write(struct conn *c, const void *p, size_t n);
void conn_write_slice(struct conn *c, struct slice s);
void conn_writef(struct conn *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/*
 * From now on output waits as long as the connection is paused, so that replies
 * to pipelined commands leave together even if some of them take a while. For
 * an owner who pauses only to find out what to reply next.
 */
void conn_gather(struct conn *c);
/*
 * From now on no input is read or handed over while more than CONN_OUT_HIGH
 * output waits, until most of it is gone. For a server that answers each
 * command: a client that asks and never reads costs no more than that.
 */
void conn_balance(struct conn *c);
/* Bytes queued and not yet taken by the kernel. */
size_t conn_out_pending(const struct conn *c);
/* Above this many pending bytes a producer should wait for on_drain. */
#define CONN_OUT_HIGH 65536

/* No more on_input until resumed; input goes on being buffered up to in_max. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
bool conn_is_paused(const struct conn *c);

/* Bytes received and not yet used: what a client pipelined behind STARTTLS. */
size_t conn_in_pending(const struct conn *c);
/* Forgets unread input (RFC 3207 section 4.2). */
void conn_drop_input(struct conn *c);
/* Hands out the unread input (appended to out) and forgets it. */
void conn_take_input(struct conn *c, struct buf *out);

/*
 * Restarts the one timeout: after ms without another call, on_timeout (or a
 * close). 0 switches it off.
 */
void conn_timeout(struct conn *c, uint64_t ms);

/*
 * TLS handshake after pending output is flushed. Unread input is dropped:
 * nothing that came in clear survives. host (client side, may be NULL) is for
 * SNI and name checking. Ends with on_tls.
 */
void conn_tls_server(struct conn *c, struct tls_ctx *ctx);
void conn_tls_client(struct conn *c, struct tls_ctx *ctx, const char *host);
bool conn_is_tls(const struct conn *c);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384 bits=256", or "" without TLS; valid as long
 * as the connection. */
const char *conn_tls_info(const struct conn *c);

/* True if the peer showed a certificate that the context's authorities have
 * signed, for what it is used for here, and that was valid at the handshake. */
bool conn_tls_is_verified(const struct conn *c);
/* Appends the peer's certificate, good or not, in DER and behind it those that
 * it sent with it; nothing if there is none. */
void conn_tls_peer(const struct conn *c, struct buf *out);

/* What the connection can be recognised by; all empty without TLS. */
void conn_tls_binding(const struct conn *c, struct tls_binding *out);

/*
 * Puts input in front of what is unread, to be handed over (again). It may be
 * more than in_max; then nothing is read until there is room.
 */
void conn_put_back(struct conn *c, struct slice in);
/* Ends our direction of a plain connection once the output is flushed; what
 * the peer says is still read. */
void conn_end(struct conn *c);
/* Flushes (bounded by 10 s), shuts TLS down, closes, then on_close("closed"). */
void conn_close(struct conn *c);
/* conn_close for an owner that goes away: no further callback. */
void conn_detach(struct conn *c);
/* Closes at once and frees; no further callback, not even on_close. */
void conn_abort(struct conn *c);

#endif
