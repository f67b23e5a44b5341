/*
 * What SEARCH, SORT and ESEARCH return: the options behind RETURN (RFC 4731,
 * RFC 5182, RFC 5267, RFC 6203, RFC 9394), the messages found in the order asked for,
 * and the ESEARCH response. Costs four bytes a message found. No session in
 * here.
 */
#ifndef IMAP_SEARCH_RESULT_H
#define IMAP_SEARCH_RESULT_H

#include "core/buf.h"
#include "services/imap/parse.h"
#include "store/store.h"

/* RETURN options. */
#define SEARCH_RETURN 0x01u
#define SEARCH_MIN 0x02u
#define SEARCH_MAX 0x04u
#define SEARCH_COUNT 0x08u
#define SEARCH_RETURN_ALL 0x10u
#define SEARCH_SAVE 0x20u
#define SEARCH_PARTIAL 0x40u
#define SEARCH_UPDATE 0x80u
#define SEARCH_RELEVANCY 0x100u

/* "1:500", or "-1:-500" from the end (RFC 9394), the lower number first. */
struct search_range {
	struct slice text; /* as it was written */
	uint32_t first;
	uint32_t last;
	bool from_end;
};

struct search_return {
	unsigned options; /* 0: no RETURN */
	struct search_range partial;
	struct slice atts; /* of UPDATE: for new results (RFC 5465 section 7) */
};

/* "RETURN (...) ", if it is next. */
int search_return_parse(struct parser *p, struct search_return *out);
/* A partial-range. */
int search_range_parse(struct parser *p, struct search_range *out);
/* The part [*from, *to) of n results that the range means; may be empty. */
void search_range_of(const struct search_range *range, size_t n, size_t *from,
    size_t *to);

struct search_result {
	uint32_t *uids; /* in the order of the answer */
	size_t n;
	size_t cap;
	/* Likewise; only if asked for. */
	uint64_t *modseqs;
	uint8_t *scores; /* RELEVANCY (RFC 6203) */
	bool modseq;
	bool relevancy;
};

void search_result_init(struct search_result *r, bool modseq, bool relevancy);
void search_result_release(struct search_result *r);
void search_result_add(struct search_result *r, uint32_t uid, uint64_t modseq,
    unsigned score);
/* Puts message order[i] at place i; those not in order, which has n, go. */
void search_result_order(struct search_result *r, const uint32_t *order,
    size_t n);
/* The highest MODSEQ of all. */
uint64_t search_result_modseq(const struct search_result *r);

/*
 * Appends the data items of an ESEARCH response, each behind a space; number
 * says how a UID is shown.
 */
void search_result_write(const struct search_result *r,
    const struct search_return *ret,
    uint32_t (*number)(void *arg, uint32_t uid), void *arg, struct buf *out);

/* True if there is something to say besides what is saved or updated. */
bool search_return_tells(const struct search_return *ret);

/* What SAVE keeps (RFC 5182 section 2.4, RFC 9394 section 3.2). */
void search_result_save(const struct search_result *r,
    const struct search_return *ret, struct store_set *saved);

#endif
