/*
 * The reports service: keeps what other receivers report of mail in our names
 * (RFC 7489 section 7.2). Archives and XML of strangers are read here, in a
 * process that can reach nothing but its own folder.
 *
 *	mail.c      a mail on its way into the database
 *	intake.c    which of its parts is the report
 *	ask.c       `setup dmarc report`
 *	unpack.c    gzip, zip
 *	feedback.c  XML
 *	base.c      the database; show.c: what is told of it
 */
#ifndef REPORTS_REPORTS_H
#define REPORTS_REPORTS_H

#include "core/arena.h"
#include "core/list.h"
#include "service/service.h"
#include "services/reports/base.h"

struct reports {
	struct service *service;
	struct loop *loop;
	struct base *base;    /* the worker's */
	struct peer *auth;    /* which domains are ours */
	struct loop_timer *prune;
	struct list asks;     /* ask.c */
	size_t jobs;          /* under way */
	uint64_t taken;       /* reports, since the start */
	uint64_t refused;
};

/* Handler of WIRE_REPORTS_MAIL; -1 if malformed. */
int mail_take(struct service *s, struct chan *c, struct chan_frame *f);

/* Handler of WIRE_ADMIN. */
int ask_request(struct service *s, struct chan *c, struct chan_frame *f);
void ask_forget_channel(struct reports *r, struct chan *c);

/* Ends the process when it is to stop and nothing is under way. */
void reports_maybe_exit(struct reports *r);

#endif
