/*
 * What is to be told to others: the messages of a day, counted by everything
 * that a report says of them, in an SQLite database (db.h) that outlives the
 * process. Used from one thread, the service's worker.
 */
#ifndef REPORTS_NOTES_H
#define REPORTS_NOTES_H

#include "core/buf.h"
#include "wire/reports.h"

#define NOTES_FILE "notes.db"
#define NOTES_NAME 16 /* letters of a report's id */

struct notes;

/* NULL with *why. */
struct notes *notes_open(const char *path, const char **why);
void notes_close(struct notes *n); /* NULL is fine */

/* Is it a note that can be kept? */
bool notes_is_good(struct slice payload);

/*
 * Counts messages: batch is a row of slices (wire.h), each the payload of a
 * WIRE_REPORTS_NOTE. Times are in seconds since the epoch. What exceeds
 * LIMIT_NOTES_ is left out. Returns how many were, -1 if nothing was kept
 * (logged).
 */
int notes_take(struct notes *n, struct slice batch, int64_t now);

/* One report: a domain's messages of a day (UTC). */
struct notes_report {
	int64_t number;
	int64_t begin;
	int64_t end;                    /* the first second after it */
	char domain[WIRE_REPORTS_TEXT + 1];
	char name[NOTES_NAME + 1];      /* random letters and digits */
	char record[WIRE_REPORTS_RECORD + 1]; /* as last seen */
};

/* The one that is due longest: 1, or 0 if there is none, -1 (logged). */
int notes_next(struct notes *n, int64_t now, struct notes_report *out);
/* Its rows, the most frequent first, until fn gives nonzero. -1: logged. */
typedef int notes_fn(void *arg, uint64_t count,
    const struct wire_reports_note *row);
int notes_rows(struct notes *n, int64_t number, notes_fn *fn, void *arg)
    MUST_CHECK;
/* It is over. */
int notes_drop(struct notes *n, int64_t number) MUST_CHECK;
/* It is due again at that time. */
int notes_later(struct notes *n, int64_t number, int64_t due) MUST_CHECK;
/* All that was noted is due now. How many reports that is; -1: logged. */
int notes_end_now(struct notes *n, int64_t now);
/* Drops what is too old. */
void notes_prune(struct notes *n, int64_t now);

#endif
