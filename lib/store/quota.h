/*
 * How much a user may hold, and what is done about it. Used inside lib/store
 * only; the users' side is in store.h.
 *
 * What a user holds is the sum of the mailbox rows, which change in the same
 * transaction as the messages: it is exact whenever the index is, and a
 * rebuilt index counts anew.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include "store/store.h"

struct index;
struct mailbox_txn;

/* In a struct store_user, zeroed: no limit. */
struct quota {
	struct store_quota limit;
	struct store_usage held;  /* after the last change, or when refused */
	bool fresh;               /* held is news */
	/* By the transaction under way; modulo 2^64, so it can go down. */
	struct store_usage change;
	unsigned warning;         /* what to tell the user, enum quota_warning */
	bool telling;
};

/* How an addition is judged. */
enum quota_kind {
	QUOTA_ADD,     /* up to the limit */
	QUOTA_DELIVER, /* not when full, else 10 % over it (dms-compat 3.5) */
	QUOTA_EXEMPT,
};

/* A transaction begins. */
void quota_begin(struct store_user *u);
/* The row of a mailbox went from these numbers to those. */
void quota_change(struct store_user *u, uint64_t from_bytes,
    uint32_t from_messages, uint64_t to_bytes, uint32_t to_messages);
/*
 * In the transaction, with all rows saved: what the user holds now. Cheap
 * without a limit or a change.
 */
enum store_err quota_settle(struct store_user *u, struct index *ix);
/*
 * The transaction is over and the index given back. ok: it was committed; then
 * a mailbox that filled up is told so by a mail (dms-compat 5.8).
 */
void quota_end(struct store_user *u, bool ok);

/*
 * In a transaction: STORE_QUOTA if messages of bytes in all may not be added
 * to the mailbox of t. other is the transaction of a second mailbox, or NULL.
 */
enum store_err quota_check(const struct mailbox_txn *t,
    const struct mailbox_txn *other, enum quota_kind kind, uint64_t bytes,
    uint64_t messages);

/* The same outside of a transaction, for a mailbox by its name: a forecast. */
enum store_err quota_fits(struct store_user *u, struct slice mailbox,
    enum quota_kind kind, uint64_t bytes, uint64_t messages);

#endif
