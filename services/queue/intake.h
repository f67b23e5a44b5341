/*
 * Messages coming in through the door "submit" (wire/queue.h): from OPEN to
 * RESULT, each one a transaction. intake.c has the conversation, accept.c what
 * happens to the header at the end of data, direct.c the delivery while the
 * client waits, or the spool.
 *
 * A local message costs one file without a name and one request to deliver:
 * nothing is synced here.
 */
#ifndef SERVICES_QUEUE_INTAKE_H
#define SERVICES_QUEUE_INTAKE_H

#include "core/arena.h"
#include "core/map.h"
#include "services/queue/compose.h"
#include "services/queue/envelope.h"
#include "services/queue/queue.h"
#include "services/queue/report.h"

/* Bodies of one client kept for its next messages, and how large at most. */
#define INTAKE_SPARES 32
#define INTAKE_SPARE_SIZE (1u << 20)

struct client {
	struct list link;
	struct chan *chan;
	struct idmap txns; /* id: struct txn */
	/*
	 * Files of delivered messages, used again: making and dropping one
	 * per message costs ext4 a search through all inodes it freed lately.
	 * Never shared between clients, for a client that is not as it should
	 * be may have kept its descriptor.
	 */
	int spare[INTAKE_SPARES];
	unsigned spares;
};

struct txn {
	struct queue *queue;
	struct client *client; /* NULL: it is gone, nobody waits for a result */
	uint32_t id;           /* on its channel */
	struct list link;
	struct arena arena;
	struct envelope env;   /* texts in arena */
	uint32_t commands;     /* RCPT commands */
	bool too_many;         /* recipients */
	bool committed;
	bool unfinished;       /* somebody may still be reading the body */
	enum report_kind report; /* of DMARC */
	bool asked_again;      /* dkim, for the verdict */
	uint64_t verify_until; /* ms; it has so long for it */
	int fd;
	/* For the trace field. */
	struct slice helo;
	struct slice rdns;
	bool esmtp;
	bool tls;
	struct edit *edit;     /* from COMMIT on */
	/* Direct delivery. */
	unsigned requests;     /* parts under way */
	uint64_t deadline;     /* when the spool takes over */
	/* The spool. */
	struct buf records;
	int err;
};

struct intake {
	struct queue *queue;
	struct list clients;
	struct list txns;        /* all, in no order */
	size_t count;
	uint64_t space_checked;  /* ms */
	uint64_t space;
	uint64_t dkim_slow_until;/* dkim did not answer lately */
	uint64_t accepted;
	struct buf header;       /* scratch: the header being looked at */
	struct wire_queue_target targets[WIRE_QUEUE_TARGETS]; /* scratch */
};

void intake_start(struct queue *q);
int intake_open(struct service *s, struct chan *c, struct chan_frame *f);
int intake_rcpt(struct service *s, struct chan *c, struct chan_frame *f);
int intake_commit(struct service *s, struct chan *c, struct chan_frame *f);
int intake_abort(struct service *s, struct chan *c, struct chan_frame *f);
void intake_forget_channel(struct queue *q, struct chan *c);

/* The end of a transaction: answers, if somebody waits, and frees t. */
void txn_result(struct txn *t, unsigned code, const char *enhanced,
    struct slice text);
void txn_free(struct txn *t);
/* Everybody is done with the body and it is kept nowhere: the client's next
 * message may have its file. */
void txn_spare_body(struct txn *t);

/* accept.c: header, verdict or signature; then txn_deliver. */
void txn_accept(struct txn *t);
/* direct.c */
void txn_deliver(struct txn *t);

#endif
