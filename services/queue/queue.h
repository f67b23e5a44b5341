/*
 * The queue service. It takes messages from the SMTP servers, has them judged
 * or signed by dkim, delivers them at once where that is possible, keeps the
 * rest in the spool until every recipient is delivered, relayed or reported
 * back to the sender. Law 2: a message is acknowledged when every mailbox has
 * it durably, or when it is durable in the spool.
 *
 *	intake.c    a transaction: OPEN to RESULT, direct delivery
 *	compose.c   the header edit
 *	envelope.c  sender, recipients, their states, their records
 *	spool.c     the files
 *	run.c       messages in the spool: when, to whom, what came of it
 *	load.c      the spool at start
 *	schedule.c  what time does to a message; retry.c: when to try again
 *	dest.c      destinations: how many tries at once, rest
 *	job.c       one try: a request to deliver, relay or auth
 *	notice.c    a message of our own, into the spool
 *	bounce.c    reports to senders (RFC 3464)
 *	fetch.c     DMARC reports to others, which reports writes
 *	admin.c     `setup queue`
 */
#ifndef SERVICES_QUEUE_QUEUE_H
#define SERVICES_QUEUE_QUEUE_H

#include "core/list.h"
#include "service/service.h"
#include "services/queue/spool.h"

struct intake;
struct run;

struct queue {
	struct service *service;
	struct loop *loop;
	const struct conf *conf;
	struct slice host;      /* our name */
	struct spool spool;
	struct peer *deliver;
	struct peer *relay;
	struct peer *dkim;
	struct peer *auth;
	struct peer *dmarc;     /* reports.mail; NULL: there is no such process */
	struct intake *intake;
	struct run *run;
	unsigned reports;       /* notices being made */
};

/* Called whenever something ends: exits once nothing is left when stopping. */
void queue_maybe_exit(struct queue *q);

#endif
