/*
 * The inside of a connection, shared by conn.c (buffers, callbacks, the life
 * of it) and conn_tls.c. They are apart so that a program whose connections
 * are plain, as the workers behind login, links no OpenSSL.
 */
#ifndef IO_CONN_INTERNAL_H
#define IO_CONN_INTERNAL_H

#include "io/conn.h"

struct conn;
struct conn_tls;

/* What TLS puts between a connection and its descriptor. */
struct conn_transport {
	/* >0 bytes, 0 end of stream, -1 nothing now, -2 broken. They set
	 * read_wants_write and write_wants_read. */
	ssize_t (*read)(struct conn *c, char *p, size_t n);
	ssize_t (*write)(struct conn *c, const char *p, size_t n);
	/* 1 done, 0 goes on, -1 failed with *why. */
	int (*handshake)(struct conn *c, const char **why);
	/* Says goodbye on the wire, as far as that works at once. */
	void (*shutdown)(struct conn *c);
	void (*release)(struct conn *c);
};

enum tls_state { TLS_NONE, TLS_AWAITED, TLS_HANDSHAKE, TLS_ON };

struct conn {
	struct loop *loop;
	struct loop_poll *poll;
	struct loop_timer *timer;
	struct loop_task task;
	const struct conn_ops *ops; /* NULL once on_close was called */
	void *arg;
	struct buf in;   /* unread input beyond one callback */
	size_t in_max;   /* of it that is read; more was put back */
	struct buf out;
	size_t out_done; /* bytes of out already written */
	int fd;
	int events;      /* what the poll waits for */
	const struct conn_transport *transport; /* NULL: plain */
	struct conn_tls *secret; /* conn_tls.c's; NULL without TLS */
	enum tls_state tls;
	unsigned busy;   /* inside a callback: free later */
	bool paused;
	bool gather;     /* conn_gather was called */
	bool balanced;   /* conn_balance was called */
	bool eof;        /* the peer ended its side */
	bool eof_told;
	bool closing;
	bool ending;     /* conn_end, once the output is out */
	bool lingering;  /* said all, waiting for the peer to see it */
	bool above;      /* passed CONN_OUT_HIGH, on_drain is owed */
	bool dropped;    /* input was forgotten during on_input */
	bool more;       /* stopped reading with data possibly left */
	bool read_wants_write;
	bool write_wants_read;
	bool dead;
};

/* Runs conn's step soon. */
void conn_schedule(struct conn *c);

#endif
