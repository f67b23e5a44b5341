/*
 * SORT (RFC 5256, RFC 5957): the criteria, and a list of messages with the
 * keys by which they are put in order. Strings are compared by
 * i;unicode-casemap. Costs some tens of bytes a message: four, eight a
 * criterion, and the strings. No session in here.
 */
#ifndef IMAP_SORT_H
#define IMAP_SORT_H

#include "core/buf.h"
#include "mail/order.h"
#include "services/imap/parse.h"
#include "store/store.h"

enum sort_key {
	SORT_ARRIVAL,
	SORT_CC,
	SORT_DATE,
	SORT_DISPLAYFROM,
	SORT_DISPLAYTO,
	SORT_FROM,
	SORT_RELEVANCY, /* RFC 6203: the highest score first */
	SORT_SIZE,
	SORT_SUBJECT,
	SORT_TO,
	SORT_KEYS
};

struct sort_criterion {
	enum sort_key key;
	bool reverse;
};

struct sort_program {
	struct sort_criterion v[SORT_KEYS]; /* each key at most once */
	size_t n;
	bool header; /* some key is in it */
	bool relevancy;
};

/* "(REVERSE DATE SUBJECT)" */
int sort_parse(struct parser *p, struct sort_program *out);

struct sort_list {
	const struct sort_program *prog;
	uint32_t *uids;  /* in the order of sort_add */
	uint64_t *keys;  /* prog->n for each */
	uint32_t *order; /* once sorted: indices of uids */
	size_t n;
	size_t cap;
	struct buf texts;
	/* Of the merge sort. */
	uint32_t *spare;
	size_t width;
	size_t at;
};

void sort_list_init(struct sort_list *l, const struct sort_program *prog);
void sort_list_release(struct sort_list *l);

/*
 * Adds a message with its order and RELEVANCY; those with equal keys stay in
 * the order in which they were added. -1 if the list is too large
 * (LIMIT_IMAP_SORT_BYTES).
 */
int sort_add(struct sort_list *l, const struct store_message *msg,
    unsigned score);

/* To be sorted once more, because something is to be added. */
void sort_list_again(struct sort_list *l);

/* Sorts on; false when yield said to stop first: call it again. */
bool sort_run(struct sort_list *l, bool (*yield)(void *arg), void *arg);

/* True if entry a of the list is before entry b; of equals, the lower UID. */
bool sort_is_before(const struct sort_list *l, uint32_t a, uint32_t b);
/* Keeps only the n entries in order, which are renumbered there. */
void sort_list_keep(struct sort_list *l, uint32_t *order, size_t n);
/* Octets that it holds. */
size_t sort_list_size(const struct sort_list *l);

/* The sent date (RFC 5256 section 2.2), seconds since the epoch. */
int64_t sort_sent_date(const struct store_message *msg,
    const struct order *order);

#endif
