/*
 * The skeleton of every service program: its main() fills a struct
 * service_ops and calls service_main, which reads the world from the
 * supervisor (wire/control.h), drops privileges and runs the loop.
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		return service_main(argc, argv, &ops);
 *	}
 *
 * Order of calls: on_file for each file given at start, prepare (still with
 * the rights the process was started with, before chroot: load CA bundles,
 * open folders), privilege drop, start, READY, then callbacks.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "conf/conf.h"
#include "io/chan.h"
#include "io/loop.h"
#include "io/sockaddr.h"
#include "wire/control.h"

struct service;
struct peer;

/* One frame type a service accepts on one of its doors. */
struct service_handler {
	const char *door; /* "verify"; "" for a service without doors */
	uint16_t type;
	/* As chan_ops.on_frame. Replies go to c with f->id. */
	int (*fn)(struct service *s, struct chan *c, struct chan_frame *f);
};

struct service_ops {
	const char *name;            /* program name, for the log */
	const struct service_handler *handlers; /* ends with a NULL door */
	unsigned threads;            /* for loop_work; 0 if unused */
	/*
	 * A file's content (NULL content: gone). -1 with *why: it cannot be
	 * used; at start that is fatal, later the old one stays.
	 */
	int (*on_file)(struct service *s, const char *name,
	    const struct slice *content, const char **why);
	/* Optional. -1 with *why ends the process. */
	int (*prepare)(struct service *s, const char **why);
	int (*start)(struct service *s, const char **why);
	/* Optional: a client connected to listening socket name. Takes fd. */
	void (*on_accept)(struct service *s, const char *listener, int fd,
	    const union sockaddr_any *from);
	/* Optional: an inbound channel opened or closed. */
	void (*on_peer)(struct service *s, struct chan *c, bool open);
	/*
	 * Optional: stop. Listening sockets are closed already. Finish what is
	 * under way, then call service_exit; the skeleton does it after 20 s,
	 * or at once if there is no on_stop.
	 */
	void (*on_stop)(struct service *s);
	/* Optional: appends " key=value" pairs for `setup status`. */
	void (*status)(struct service *s, struct buf *out);
};

int service_main(int argc, char **argv, const struct service_ops *ops);
void service_exit(struct service *s);
bool service_is_stopping(const struct service *s);

struct loop *service_loop(struct service *s);
const struct conf *service_conf(struct service *s);
/* Process name from the table: "smtp-mx". */
const char *service_name(struct service *s);
/*
 * The folder the process may use, as a prefix for paths: "" after chroot to
 * it, or its path when running as an ordinary user.
 */
const char *service_root(struct service *s);
/* The service's own object, set in start. */
void service_set_data(struct service *s, void *data);
void *service_data(struct service *s);

/* Tells the supervisor something (wire/control.h). */
void service_report(struct service *s, uint16_t type, struct slice payload);

/* The door an inbound channel came through, and who dialled. */
const char *service_door(struct chan *c);
const char *service_caller(struct chan *c);

/*
 * A peer this service may dial, by the entry of the process table's dials:
 * "queue.submit" with its door, or "imap" (panics if the table does not grant
 * it). Stable for the life of the process: the
 * channel below is replaced when the peer restarts.
 *
 * With several instances (imap workers) pick chooses one by key, always the
 * same for the same key; pass 0 when there is one.
 */
struct peer *service_peer(struct service *s, const char *name, uint64_t pick);

/*
 * Sends a request and calls cb once: with the reply frame (its descriptor
 * cb's to take), or with NULL after timeout_ms, when the peer died, or when
 * the peer is away and did not come back in time. A request while the peer is
 * being restarted waits. Requests that expect several reply frames use
 * peer_stream: cb is called for each frame and returns true while it wants
 * more.
 *
 * Takes over fd (-1 for none). Returns an id for peer_cancel, never 0.
 */
uint32_t peer_request(struct peer *p, uint16_t type, struct slice payload,
    int fd, uint64_t timeout_ms,
    void (*cb)(void *arg, struct chan_frame *reply), void *arg);
uint32_t peer_stream(struct peer *p, uint16_t type, struct slice payload,
    int fd, uint64_t timeout_ms,
    bool (*cb)(void *arg, struct chan_frame *reply), void *arg);
/* A peer_stream without an end of its own: once it is sent cb may be called at
 * any time while the peer lives. While the peer is away it waits for at most
 * 30 s. */
uint32_t peer_open(struct peer *p, uint16_t type, struct slice payload, int fd,
    bool (*cb)(void *arg, struct chan_frame *reply), void *arg);
/* More frames under the same id (a submission's RCPT, COMMIT); -1 if the
 * request is over or its channel is gone. */
int peer_send(struct peer *p, uint32_t id, uint16_t type, struct slice payload);
/* A frame that has no reply; it waits like a request while the peer is away,
 * for at most 30 s. Takes over fd. */
void peer_post(struct peer *p, uint16_t type, struct slice payload, int fd);
/* Forgets a request: cb will not be called. An id that is over is fine. */
void peer_cancel(struct peer *p, uint32_t id);

#endif
