/*
 * A channel between two of our processes: SOCK_SEQPACKET, one frame = one
 * recvmsg = at most one descriptor, no reassembly. A frame has a type (from
 * the conversation's header in lib/wire), an id that ties a reply to its
 * request, and a payload of at most LIMIT_FRAME bytes.
 *
 * The other side is treated as hostile: a frame that is too long, of unknown
 * type or malformed closes the channel with a log line, never the process.
 */
#ifndef IO_CHAN_H
#define IO_CHAN_H

#include "core/buf.h"
#include "io/loop.h"

struct chan;

struct chan_frame {
	uint16_t type;
	uint32_t id;
	struct slice payload; /* valid during the callback */
	int fd;               /* -1, or the callback's to take (set to -1) */
};

struct chan_ops {
	/*
	 * A frame came. 0, or -1 if it is malformed or not allowed: the
	 * channel then closes. A descriptor left in f->fd is closed.
	 */
	int (*on_frame)(void *arg, struct chan *c, struct chan_frame *f);
	/* The other side is gone. The channel is freed after it returns. */
	void (*on_close)(void *arg, struct chan *c);
};

/* Takes over fd. ops and name must live as long as the channel. */
struct chan *chan_new(struct loop *l, int fd, const char *name,
    const struct chan_ops *ops, void *arg);

/*
 * Queues a frame; fd (or -1) is duplicated by the kernel when sent: chan_send
 * takes it over and closes it. 0, or -1 if the channel's queue is over its
 * cap (then it is closing).
 */
int chan_send(struct chan *c, uint16_t type, uint32_t id, struct slice payload,
    int fd);

const char *chan_name(const struct chan *c);
/* The arg given to chan_new. */
void *chan_arg(const struct chan *c);
/* Closes and frees; no further callback. */
void chan_close(struct chan *c);
/* Blocks (poll) until the queue is sent; for a process about to exit. */
void chan_flush(struct chan *c);

/* A pair of connected ends, close-on-exec. -1 with errno. */
int chan_pair(int fds[2]) MUST_CHECK;

#endif
