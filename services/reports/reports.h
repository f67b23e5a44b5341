/*
 * The reports service: keeps what other receivers report of mail in our names,
 * and reports to them of mail in theirs (RFC 7489 section 7.2). Archives and
 * XML of strangers are read here, in a process that can reach nothing but its
 * own folder.
 *
 *	mail.c      a mail on its way into the database
 *	intake.c    which of its parts is the report
 *	ask.c       `setup dmarc`
 *	unpack.c    gzip, zip
 *	feedback.c  XML
 *	base.c      the database; show.c: what is told of it
 *	note.c      what came in the names of others
 *	notes.c     its database; db.c: what both have in common
 *	send.c      a day's notes on their way to their domain's owner
 *	consent.c   whether its addresses want them
 *	letter.c    XML, and the mail around it
 */
#ifndef REPORTS_REPORTS_H
#define REPORTS_REPORTS_H

#include "core/arena.h"
#include "core/list.h"
#include "service/service.h"
#include "services/reports/base.h"
#include "services/reports/notes.h"

struct sending;

struct reports {
	struct service *service;
	struct loop *loop;
	struct base *base;    /* the worker's */
	struct peer *auth;    /* which domains are ours */
	struct loop_timer *prune;
	struct list asks;     /* ask.c */
	/* What is told to others. */
	struct notes *notes;  /* the worker's; NULL: nothing is sent */
	struct peer *resolver;
	struct buf pending;   /* notes on their way to the worker */
	struct loop_timer *collect;
	struct loop_timer *look;
	struct chan *asker;   /* waits for the next report; NULL: nobody */
	uint32_t asker_id;
	struct sending *sending; /* it is being made; or NULL */
	size_t jobs;          /* under way */
	uint64_t taken;       /* reports, since the start */
	uint64_t refused;
	uint64_t noted;       /* messages */
	uint64_t sent;        /* reports */
};

/* Handler of WIRE_REPORTS_MAIL; -1 if malformed. */
int mail_take(struct service *s, struct chan *c, struct chan_frame *f);

/* note.c. Handler of WIRE_REPORTS_NOTE; -1 if malformed. */
int note_take(struct service *s, struct chan *c, struct chan_frame *f);
void note_start(struct reports *r);
/* What was collected goes to the worker now. */
void note_flush(struct reports *r);

/* send.c. Handlers of WIRE_REPORTS_NEXT and _SENT; -1 if malformed. */
int send_next(struct service *s, struct chan *c, struct chan_frame *f);
int send_sent(struct service *s, struct chan *c, struct chan_frame *f);
void send_start(struct reports *r);
/* Waits for no answer any more. */
void send_stop(struct reports *r);
/* Begins with one that is due, if somebody waits for it. */
void send_try(struct reports *r);
void send_forget_channel(struct reports *r, struct chan *c);

/* Handler of WIRE_ADMIN. */
int ask_request(struct service *s, struct chan *c, struct chan_frame *f);
void ask_forget_channel(struct reports *r, struct chan *c);

/* Ends the process when it is to stop and nothing is under way. */
void reports_maybe_exit(struct reports *r);

#endif
