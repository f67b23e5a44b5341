/* What the commands of `setup mailbox` share. */
#ifndef SETUP_MAILBOX_H
#define SETUP_MAILBOX_H

#include "setup/owner.h"

/* One command on the mail of one account. */
struct mailbox_job {
	const struct setup *setup;
	struct buf address;   /* lower case */
	char **names;         /* of mailboxes, as they were given */
	int n;
	int (*run)(struct mailbox_job *j, struct owner *o,
	    struct store_user *u);
};

/*
 * Checks that address is an account or has a mail folder, and runs the job in
 * a child of the mail folder's owner (outside: see owner_run). Returns the
 * exit status.
 */
int mailbox_run(struct mailbox_job *j, const char *address,
    const char *outside, bool write);

/* The mailbox's name in wire form, from UTF-8; -1 after saying why not. */
int mailbox_wire_name(const struct setup *s, const char *name,
    struct buf *out) MUST_CHECK;
/* What is done to one mailbox (in wire form); the exit status. */
typedef int mailbox_fn(struct mailbox_job *j, struct store_user *u,
    const char *wire);
/* To each mailbox that is there; 0 if all went well. */
int mailbox_each(struct mailbox_job *j, struct store_user *u, mailbox_fn *fn);
/*
 * The same for a mailbox that exists (looking does not make a special one); -1
 * after saying that it does not.
 */
int mailbox_existing(struct mailbox_job *j, struct store_user *u,
    const char *name, struct buf *wire) MUST_CHECK;
/* The other way, for people. */
void mailbox_shown_name(const char *wire, struct buf *out);
/* Says what failed; returns 1. */
int mailbox_failed(const struct setup *s, const char *what,
    enum store_err err);

/* "INBOX: 120 of 3000" on a terminal, a few times a second. */
struct progress {
	bool on;
	uint64_t shown_ms;
};

void progress_init(struct progress *p);
void progress_show(struct progress *p, const char *what, uint64_t done,
    uint64_t all);
/* Clears the line. */
void progress_end(struct progress *p);

#endif
