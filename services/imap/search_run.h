/*
 * A search program asked of all messages of one mailbox, in steps: for SEARCH
 * and the commands that are built on it (SORT, THREAD). Walks the index; a
 * message whose text is needed stops the walk, is opened and asked again, and
 * the walk goes on behind it.
 */
#ifndef IMAP_SEARCH_RUN_H
#define IMAP_SEARCH_RUN_H

#include "services/imap/command.h"
#include "services/imap/search_filter.h"
#include "services/imap/search_result.h"
#include "services/imap/view.h"

/*
 * A message that is found, in ascending order of UIDs. Nonzero ends the search.
 */
typedef int search_found_fn(void *ctx, const struct store_message *msg);

struct search_run {
	struct command *c;
	const struct search_program *prog;
	const struct view *view; /* whose messages these are */
	const struct store_set *only; /* of these; NULL: of all */
	bool order;              /* found looks at what SORT compares */
	bool facts;              /* found looks at dates and sizes */
	search_found_fn *found;
	void *ctx;
	unsigned score; /* RELEVANCY of the message that found gets */
	/* Private. */
	const struct store_set *candidates; /* of the walk; NULL: all */
	struct store_set last; /* candidates, cut */
	struct search_filter filter;
	bool filtered;
	struct store_set both; /* candidates that the filter lets pass */
	uint32_t next;
	size_t asked;
	size_t at;    /* in the view */
	struct search_subject subject; /* of the walk */
	int64_t now;
	bool ended;
	bool open_it; /* msg must be opened */
	struct arena arena;
	struct store_message msg;
	struct buf msg_order;
	enum store_err err;
};

/*
 * The verdict when a program could not be parsed: BADCHARSET or BAD. ret may
 * be NULL.
 */
enum verdict search_refused(struct command *c, const struct search_return *ret,
    const struct search_program *prog);

/*
 * What RETURN asks for must be possible: no tag that is in use (RFC 5267 4.3),
 * no RELEVANCY without FUZZY (RFC 6203 section 4). -1 with p.why.
 */
int search_check(struct command *c, const struct search_return *ret,
    const struct search_program *prog);

/* Resolves the program's sets in the view, in place of those of another. */
void search_resolve(const struct search_program *prog, const struct view *v);

/*
 * Starts at the first message; the program is resolved. One that asks about
 * MODSEQ enables CONDSTORE (RFC 7162 3.1).
 */
void search_run_begin(struct search_run *r);
/* How many messages will be asked. */
size_t search_run_count(const struct search_run *r);
/* MESSAGELIMIT: only as many as one command may, the last ones. */
void search_run_cut(struct search_run *r);
/* STEP_DONE with *err when all messages were asked. */
enum step search_run_step(struct search_run *r, enum store_err *err);
void search_run_release(struct search_run *r);

/*
 * The response of SEARCH or SORT in the selected mailbox: ESEARCH, or without
 * RETURN the old form, with the highest MODSEQ if that was asked for (RFC 7162
 * 3.1.5, 3.1.9).
 */
void search_tell(struct command *c, const struct search_result *result,
    const struct search_return *ret, bool modseq);

/* What an ESEARCH response belongs to. */
struct search_correlator {
	struct slice tag;
	bool uid;
	struct slice mailbox; /* RFC 7377; empty: the selected one, unsaid */
	uint32_t uidvalidity;
	bool utf8;            /* how it is spelled (name_put) */
};

/* "* ESEARCH (TAG "x")", and " UID" if uid. */
void search_tell_begin(const struct search_correlator *who, struct buf *out);
/* The UID or sequence number; arg is the command. */
uint32_t search_number(void *arg, uint32_t uid);

#endif
