/*
 * What a command changed beside messages, told to the user's other sessions:
 * METADATA (RFC 5464 4.4) and NOTIFY (RFC 5465). A step adds events; the loop passes them on when the
 * step is over.
 */
#ifndef IMAP_EVENT_H
#define IMAP_EVENT_H

#include "services/imap/command.h"

enum event_kind {
	EVENT_METADATA,
	EVENT_NAME, /* made, deleted, renamed, subscribed or no longer */
};

struct event {
	struct event *next;
	enum event_kind kind;
	struct slice name;
	struct slice old;            /* of a rename */
	bool subscribed;             /* name is */
	const struct slice *entries; /* of METADATA */
	size_t n;
};

/* Slices must live as long as the command. */
void event_add(struct command *c, struct event e);
/* On the loop: tells the others, and forgets. */
void event_publish(struct command *c);

#endif
