/*
 * NOTIFY (RFC 5465): what a client wants to hear of, also while no command
 * runs. notify_parse.c reads the request; notify.c keeps it and runs the looks,
 * commands without a tag that a hint starts: from another session of the user
 * in this worker, or from the kernel (store/notify.h). notify_scan.c compares
 * names and STATUS of mailboxes with what was told before. What is kept costs
 * about 400 bytes for each mailbox that is watched.
 */
#ifndef IMAP_NOTIFY_H
#define IMAP_NOTIFY_H

#include "services/imap/event.h"

enum {
	NOTIFY_NEW = 1,
	NOTIFY_EXPUNGE = 2,
	NOTIFY_FLAGS = 4,
	NOTIFY_NAME = 8,
	NOTIFY_SUBSCRIPTION = 16,
	NOTIFY_METADATA = 32,
	NOTIFY_SERVER = 64, /* annotations of the server */
	NOTIFY_MESSAGES = NOTIFY_NEW | NOTIFY_EXPUNGE | NOTIFY_FLAGS,
};

enum notify_filter {
	NOTIFY_SELECTED,
	NOTIFY_DELAYED,    /* SELECTED-DELAYED */
	NOTIFY_PERSONAL,   /* INBOXES too (RFC 5465 6.3) */
	NOTIFY_SUBSCRIBED,
	NOTIFY_SUBTREE,
	NOTIFY_MAILBOXES,
	NOTIFY_FILTERS
};

struct notify_group {
	enum notify_filter filter;
	unsigned events;
	struct slice *names; /* of SUBTREE and MAILBOXES */
	size_t n;
};

struct notify_request {
	bool set;       /* else NONE */
	bool status;    /* tell how things are now */
	bool bad_event; /* one that we don't know */
	bool too_much;
	struct notify_group *groups;
	size_t n;
	size_t n_names;
	struct slice atts; /* "(UID FLAGS)" of MessageNew, or empty */
};

/*
 * Behind "NOTIFY". -1 with p->why for a BAD; 0 with bad_event or too_much for a
 * NO. Names and atts point into the command or its arena.
 */
int notify_parse(struct parser *p, struct notify_request *out);
/* "(UID FLAGS)", checked; *out is its text. For UPDATE too (section 7). */
int notify_parse_atts(struct parser *p, struct slice *out);
/* The events other than those of the selected mailbox that name is in for. */
unsigned notify_events(const struct notify_group *groups, size_t n,
    struct slice name, bool subscribed);

struct notify;
struct session;
struct view_report;

/* On the loop. */
void notify_free(struct session *s);
/* Looks when nothing else runs; now, or when it is over. */
void notify_look(struct session *s);
/* A command is over: looks if there was a reason meanwhile. */
void notify_after(struct session *s);
/* The look or the FETCH of new messages is over (from session_done). */
void notify_over(struct session *s);
/* Another session, or this one (own), did something. */
void notify_hear(struct session *s, const struct event *e, bool own);
/* For mailboxes that the kernel does not watch. */
void notify_poll(struct session *s);

/*
 * In a step: what may be told of the selected mailbox now. False: nothing.
 */
bool notify_allows(const struct command *c, struct view_report *how);

#endif
