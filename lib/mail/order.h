/*
 * What SORT and THREAD (RFC 5256, RFC 5957) compare of a message's header,
 * worked out once, in a form to be kept: the store has it for whole mailboxes
 * (lib/store/ordering.c). Texts are folded (mail/fold.h), message ids and
 * subjects are hashes.
 */
#ifndef MAIL_ORDER_H
#define MAIL_ORDER_H

#include "core/buf.h"
#include "core/limits.h"

enum order_text {
	ORDER_CC,          /* mailbox of the first address */
	ORDER_DISPLAYFROM, /* its name, else the address (RFC 5957 section 3) */
	ORDER_DISPLAYTO,
	ORDER_FROM,
	ORDER_SUBJECT,     /* base subject */
	ORDER_TO,
	ORDER_TEXTS
};

struct order {
	bool dated;       /* the Date field is one */
	bool reply;       /* the subject is one of a reply or a forward */
	int64_t sent;     /* seconds since the epoch */
	uint64_t id;      /* 0: none */
	uint64_t subject; /* of all of the base subject; 0: it is empty */
	/* Oldest first; of very many the first and the last ones. */
	uint64_t references[LIMIT_IMAP_THREAD_REFERENCES];
	size_t n_references;
	/* At most LIMIT_IMAP_SORT_KEY octets each; they point into the form. */
	struct slice texts[ORDER_TEXTS];
};

/* The most that order_make appends. */
#define ORDER_MAX                                                              \
	(32 + ORDER_TEXTS * (LIMIT_IMAP_SORT_KEY + 2) +                        \
	    LIMIT_IMAP_THREAD_REFERENCES * 8)

/* Another one for each way in which order_make works. */
extern const uint32_t order_version;

/* Appends the form of these header fields. */
void order_make(struct buf *out, struct slice headers);
/* -1 if the form was not made by order_make. */
int order_read(struct order *out, struct slice form) MUST_CHECK;

#endif
