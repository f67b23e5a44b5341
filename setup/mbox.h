/*
 * mbox files in the mboxrd dialect: a message begins with a line "From sender
 * date", lines of it that look so are quoted with one more ">". Flags are in
 * the fields Status (R: seen), X-Status (A F T D: answered, flagged, draft,
 * deleted) and X-Keywords, which belong to the file and not to the message.
 * Pure functions; store flags are those of store/store.h.
 */
#ifndef SETUP_MBOX_H
#define SETUP_MBOX_H

#include "core/buf.h"

/* ---- reading ---- */

struct mbox_ops {
	/* A message begins at that byte of the file; date: its From line's. */
	void (*begin)(void *ctx, uint64_t offset, int64_t date);
	/* Its text in pieces, with the line ends of the file. */
	void (*data)(void *ctx, struct slice piece);
	/* keywords are separated by blanks. */
	void (*end)(void *ctx, unsigned flags, struct slice keywords);
	/* Something odd that is read in the most harmless way. */
	void (*odd)(void *ctx, uint64_t offset, const char *what);
};

struct mbox_reader {
	const struct mbox_ops *ops;
	void *ctx;
	struct buf line;     /* not complete yet */
	uint64_t offset;     /* of line in the file */
	struct buf keywords;
	unsigned flags;
	char blank[3];       /* an empty line that may be the separator */
	bool started;        /* a message is open */
	bool header;
	bool dropping;       /* a folded field that is left out */
	bool long_line;      /* the rest of a line that was too long to hold */
	bool failed;         /* this is no mbox */
};

void mbox_init(struct mbox_reader *r, const struct mbox_ops *ops, void *ctx);
void mbox_release(struct mbox_reader *r);
/* -1 if the file does not begin as an mbox does; offset is where. */
int mbox_feed(struct mbox_reader *r, struct slice bytes) MUST_CHECK;
int mbox_end(struct mbox_reader *r) MUST_CHECK;

/* "From a@b Thu Jan  1 00:00:00 1970" without its line end; UTC unless a zone
 * is in it. -1 if it is no such line. */
int mbox_from_parse(struct slice line, int64_t *date) MUST_CHECK;

/* ---- writing ---- */

/*
 * Appends what comes before a message: the From line and the flags. text is
 * the whole message, for its Return-Path. keywords holds n names.
 */
void mbox_head(struct buf *out, struct slice text, int64_t date,
    unsigned flags, const char *const *keywords, size_t n);
/* Appends the message, quoted, without fields that hold flags, and the empty
 * line that ends it. out may be emptied by flush when it is large. */
void mbox_body(struct buf *out, struct slice text,
    void (*flush)(void *ctx, struct buf *out), void *ctx);

#endif
