/*
 * Puts one message into one user's mailbox. Runs on a thread of the pool and
 * blocks on the disk; touches nothing of the loop's. This is where a user's
 * filter decides about the mailbox.
 */
#ifndef SERVICES_DELIVER_PLACE_H
#define SERVICES_DELIVER_PLACE_H

#include "store/store.h"

struct place {
	/* Set by the caller. */
	struct store *store;
	struct slice user;      /* mailbox owner, canonical */
	struct slice recipient; /* as the sender wrote it: Delivered-To */
	struct slice queue_id;
	struct slice sender;    /* reverse-path, "" is the null path */
	struct slice prefix;    /* header fields queue puts in front */
	int fd;
	uint64_t size;
	const struct store_cut *cuts;
	size_t n_cuts;
	struct store_quota quota;
	bool junk;              /* goes to the Junk mailbox */
	bool seen;
	/* Set by place_message. */
	enum store_err err;
	bool repeated;          /* the mailbox had it already */
	bool counted;           /* held is what the user holds now */
	struct store_usage held;
};

/* Durable when p->err is STORE_OK afterwards. */
void place_message(struct place *p);

/*
 * Appends the fields that final delivery adds (RFC 5321 4.4): Return-Path and
 * Delivered-To. Nothing in the addresses can end a line.
 */
void place_headers(struct buf *out, struct slice sender,
    struct slice recipient);

/* What queue is told about an outcome of the store. */
struct place_verdict {
	unsigned outcome;     /* enum wire_outcome */
	const char *enhanced; /* RFC 3463 */
	const char *text;
};
const struct place_verdict *place_verdict(enum store_err err);

#endif
