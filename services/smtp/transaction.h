/*
 * One mail transaction: MAIL to the end of data, and its conversation with the
 * queue (wire/queue.h). Part of a session. The queue is asked for a file as
 * soon as a recipient is accepted, so that DATA can usually be answered at
 * once; a transaction that ends before its data tells the queue to forget it.
 */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

#include "core/arena.h"
#include "services/smtp/body.h"
#include "services/smtp/params.h"
#include "wire/auth.h"
#include "wire/queue.h"

struct session;

struct recipient {
	struct recipient *next;
	struct wire_queue_rcpt rcpt;
	enum wire_rcpt_result result; /* of auth */
};

/* All zero but fd = -1 when there is no transaction. */
struct transaction {
	struct arena arena;      /* owns everything below */
	struct slice sender;     /* "" is the null path */
	struct params params;    /* of MAIL; slices in the arena */
	struct recipient *first;
	struct recipient **last;
	struct recipient *asked; /* RCPT waiting for answers about it */
	bool spf_asked;
	struct slice spf_refusal; /* or empty; see spf.h */
	size_t count;            /* recipients accepted */
	size_t target_bytes;     /* of what auth made of them */
	uint32_t request;        /* at the queue; 0: none */
	int fd;                  /* the body's file, or -1 */
	char id[33];             /* queue id, or "" */
	char refusal[600];       /* the queue refused already: its reply */
	struct body body;
	uint64_t until;          /* loop time at which data must have ended */
	/* Called when fd is there; set while the session waits for it. */
	void (*then)(struct session *s);
	void (*spf_then)(struct session *s);
};

void transaction_init(struct transaction *t);
/* Tells the queue to forget it, frees everything. */
void transaction_end(struct session *s);

/* Asks the queue for a file, if that was not done yet. */
void transaction_open(struct session *s);
/*
 * Calls then once the file is there: now, or later with the session waiting
 * until then. If the queue cannot, the refusal is the reply and the transaction
 * is over.
 */
void transaction_need_file(struct session *s, void (*then)(struct session *));

/*
 * End of data: hands the message to the queue and waits for its reply, or
 * gives the reply that refuses the body. The transaction ends with it.
 */
void transaction_commit(struct session *s);

/* The session waited too long for the queue. */
void transaction_timeout(struct session *s);

#endif
