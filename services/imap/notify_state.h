/* What notify.c and notify_scan.c share. */
#ifndef IMAP_NOTIFY_STATE_H
#define IMAP_NOTIFY_STATE_H

#include "services/imap/notify.h"
#include "services/imap/session.h"

/* A mailbox's name, and how things were when they were told last. */
struct notify_box {
	struct hint hint; /* first: the watch's context */
	struct store_watch *watch;
	unsigned events;     /* NOTIFY_* */
	unsigned attributes; /* STORE_* */
	bool look;           /* the hint, for the step */
	bool joined;         /* was there before it was watched */
	bool kept;           /* is in the new list too */
	bool moved;          /* renamed: its watch is of the old path */
	bool blind;          /* may be seen, but not read */
	uint32_t messages;
	uint32_t uidnext;
	uint32_t uidvalidity; /* 0: never seen */
	uint32_t unseen;
	uint64_t modseq;
	char *name;
};

/* What another session, or this one, did to a name. */
struct notify_change {
	struct notify_change *next;
	char *name; /* after it */
	char *from; /* of a rename, else NULL */
	bool own;
};

struct notify {
	struct arena arena; /* of the request */
	struct notify_group *groups;
	size_t n_groups;
	struct slice atts;
	unsigned selected;    /* events of the selected mailbox */
	unsigned others;      /* of any other */
	bool delayed;         /* SELECTED-DELAYED */
	bool unwatched;       /* the kernel had no watch for one: poll */
	struct notify_box **boxes; /* INBOX first, then by name */
	size_t n;
	bool abroad;          /* some mailboxes may be of other namespaces */
	int64_t stamp;        /* of the names, see store_names_stamp */
	struct notify_change *changes; /* heard of, on the loop */
};

/* A look, or the first one, in NOTIFY SET. */
struct notify_scan {
	struct command *c;
	struct notify *n;
	bool tell;   /* what differs */
	bool status; /* STATUS of all (NOTIFY SET STATUS) */
	bool listed;
	bool asked;  /* which have changed */
	struct notify_change *changes;
	/* The new names; NULL as long as they are the old ones. */
	struct notify_box **boxes;
	size_t n_boxes;
	size_t at;
	bool overflow;
};

/* A step: STEP_MORE when there is more to look at. */
enum step notify_scan_step(struct notify_scan *k, enum store_err *err);
void notify_box_free(struct notify_box *b);
void notify_changes_free(struct notify_change *c);

#endif
