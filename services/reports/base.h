/*
 * What is known about who sends in our names: the reports of others, row by
 * row, in one SQLite database (db.h). Used from one thread, the service's
 * worker.
 */
#ifndef REPORTS_BASE_H
#define REPORTS_BASE_H

#include "core/buf.h"
#include "services/reports/feedback.h"

#define BASE_FILE "dmarc.db"

struct base;

/* NULL with *why. path is the file; it is made if need be. most: rows that are
 * kept, of all reports. */
struct base *base_open(const char *path, int64_t most, const char **why);
void base_close(struct base *b); /* NULL is fine */

/* ---- a report comes in ---- */

struct base_arrival {
	int64_t received; /* seconds since the epoch */
	bool verified;    /* the mail was from whom it said */
};

/* Everything between begin and end is one report, kept or not at all. */
int base_begin(struct base *b, const struct base_arrival *a) MUST_CHECK;
/* -1 if it cannot be kept (logged). */
int base_row(struct base *b, const struct feedback_head *head,
    const struct feedback_row *row) MUST_CHECK;
/* The number of rows; -1 if they could not be kept. One that came before (the
 * same sender and id) is replaced, one that was verified only by another. */
int base_end(struct base *b, bool keep);

/* Drops what is too old (LIMIT_REPORT_DAYS) or too much. */
void base_prune(struct base *b, int64_t now);

/* ---- what people ask ---- */

struct base_query {
	struct slice domain; /* empty: all */
	int64_t since;       /* seconds: reports that came later */
	bool json;
};

/* Appends the answer to `setup dmarc report`. -1 (logged) if it cannot. */
int base_show(struct base *b, const struct base_query *q, struct buf *out)
    MUST_CHECK;

#endif
