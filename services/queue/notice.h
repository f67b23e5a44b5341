/*
 * A message of our own making on its way into the spool: a bounce, a DMARC
 * report. It has the null sender, is signed like what our users send, and is
 * durable before anybody is told so.
 */
#ifndef SERVICES_QUEUE_NOTICE_H
#define SERVICES_QUEUE_NOTICE_H

#include "services/queue/compose.h"
#include "services/queue/envelope.h"
#include "services/queue/queue.h"

/* Embedded in its owner. */
struct notice {
	struct queue *queue;
	struct envelope env;
	struct edit edit;
	struct buf records;
	int fd;                /* the body; -1: there is none */
	int err;
	void (*done)(struct notice *n, bool ok);
};

/* The process does not end until notice_release. flags: ENVELOPE_ bits. -1
 * with errno if there is no room in the spool. */
int notice_init(struct notice *n, struct queue *q, unsigned flags) MUST_CHECK;
void notice_release(struct notice *n);

/* One more recipient; address stays the caller's, until notice_release. -1
 * above the cap. */
int notice_to(struct notice *n, struct slice address) MUST_CHECK;

/* More of the text. -1 with errno. */
int notice_write(struct notice *n, struct slice text) MUST_CHECK;

/* The text is whole: signs it and keeps it. done is called once, later or at
 * once; then it is in the spool and on its way, or not at all (logged). */
void notice_send(struct notice *n, void (*done)(struct notice *n, bool ok));

#endif
