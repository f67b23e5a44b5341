/*
 * Looking into the search index: which messages of a mailbox cannot contain a
 * text. Whatever it does not rule out is to be looked into; so is a message
 * that is not in the index, as those are that came a moment ago. The index is
 * built by a thread of the store, by and by.
 */
#ifndef STORE_FINDER_H
#define STORE_FINDER_H

#include "mail/gram.h"
#include "store/store.h"

struct store_finder;

/* A text that is looked for, folded as in mail/texts.h. */
struct store_needle {
	bool in_header; /* of the message or of a part */
	bool in_body;   /* plain as exact, HTML as text */
	struct gram_needle text;
	struct gram_needle exact;
};

#define STORE_NEEDLES 32

/*
 * *out is NULL if there is no index of this mailbox, or it is switched off; the
 * needles, at most STORE_NEEDLES, must stay. It holds descriptors until it is
 * closed. m stays open meanwhile.
 */
enum store_err store_finder_open(struct store_mailbox *m,
    const struct store_needle *needles, size_t n, struct store_finder **out);
void store_finder_close(struct store_finder *f); /* NULL is fine */

/*
 * Bit i of may: the message may contain needle i. Nonzero ends the step, and
 * the next one goes on behind this message.
 */
typedef int store_finder_fn(void *ctx, uint32_t uid, uint32_t may);

/*
 * Calls fn for each message of the index from UID from on, ascending. *next is
 * where to go on, 0 at the end or when the index fails (logged if need be).
 */
void store_finder_step(struct store_finder *f, uint32_t from,
    store_finder_fn *fn, void *ctx, uint32_t *next);

/*
 * Asks for the index of the mailbox to be brought up to date, soon. Cheap; does
 * nothing if the index is switched off.
 */
void store_gather(struct store_mailbox *m);

struct store_gathered {
	uint64_t indexed; /* messages of the mailbox with signatures */
	bool none;        /* there is no index */
};

/* How far the index of the mailbox is. */
enum store_err store_gathered(struct store_mailbox *m,
    struct store_gathered *out);

#endif
