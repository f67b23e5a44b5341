/*
 * Reads an aggregate report (RFC 7489 appendix C, and what receivers make of
 * it) as it comes, piece by piece. The text is a stranger's: no entity but
 * XML's own, no document type, bounded depth, lengths and rows.
 */
#ifndef REPORTS_FEEDBACK_H
#define REPORTS_FEEDBACK_H

#include "core/slice.h"

#define FEEDBACK_TEXT 256 /* octets of a value that are kept */

/* A value: what did not fit is cut, so are control characters. */
struct feedback_text {
	char s[FEEDBACK_TEXT + 1];
};

/* What a report says of itself and of the policy it met. */
struct feedback_head {
	struct feedback_text org;
	struct feedback_text email;
	struct feedback_text id;
	uint64_t begin; /* seconds since the epoch; 0: unknown */
	uint64_t end;
	struct feedback_text domain;
	struct feedback_text policy; /* p= */
};

/* One row: messages that had everything here in common. */
struct feedback_row {
	struct feedback_text source; /* an IP address */
	uint64_t count;
	struct feedback_text disposition; /* "none", "quarantine", "reject" */
	bool dkim; /* aligned and passed */
	bool spf;
	struct feedback_text reason; /* why the policy was not followed */
	struct feedback_text from;   /* domain of the From field */
	struct feedback_text envelope;
	/* Of several one that passed for the author, else one that passed,
	 * else the first. */
	struct feedback_text dkim_domain;
	struct feedback_text dkim_selector;
	struct feedback_text dkim_result;
	struct feedback_text spf_domain;
	struct feedback_text spf_result;
};

/* Told of each row, when head is known as far as it came before. Nonzero
 * stops. */
typedef int feedback_fn(void *arg, const struct feedback_head *head,
    const struct feedback_row *row);

struct feedback;

struct feedback *feedback_new(feedback_fn *fn, void *arg);
/* -1 with feedback_why. */
int feedback_feed(struct feedback *f, struct slice piece) MUST_CHECK;
/* The text is complete; -1 if it was not a report. */
int feedback_end(struct feedback *f) MUST_CHECK;
const struct feedback_head *feedback_head(const struct feedback *f);
/* A constant that says what is wrong, or NULL. */
const char *feedback_why(const struct feedback *f);
void feedback_free(struct feedback *f);

#endif
