/*
 * SEARCH programs (RFC 3501 6.4.4, RFC 5032, RFC 5182, RFC 6203,
 * RFC 7162 3.1.5, RFC 8474, RFC 8514): parsed into a tree with its strings
 * decoded and folded, then asked about one message at a time. The answer may be "not without the text", so
 * that only messages in doubt are opened. Needs no session.
 */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "mail/texts.h"
#include "services/imap/fuzzy.h"
#include "services/imap/parse.h"
#include "store/store.h"

enum search_op {
	SEARCH_ALL,
	SEARCH_AND, /* of the list child */
	SEARCH_OR,
	SEARCH_NOT,
	SEARCH_FLAG,
	SEARCH_RECENT,
	SEARCH_KEYWORD,
	SEARCH_HEADER, /* text in field name; any if text is empty */
	SEARCH_BODY,
	SEARCH_TEXT,
	SEARCH_BEFORE, /* these three: INTERNALDATE, day */
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_SAVEDBEFORE, /* these three: save date (RFC 8514) */
	SEARCH_SAVEDON,
	SEARCH_SAVEDSINCE,
	SEARCH_SENTBEFORE, /* these three: Date field */
	SEARCH_SENTON,
	SEARCH_SENTSINCE,
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_OLDER,
	SEARCH_YOUNGER,
	SEARCH_MODSEQ,
	SEARCH_EMAILID, /* these two: name, as octets (RFC 8474) */
	SEARCH_THREADID,
	SEARCH_SET,
	SEARCH_OPS
};

struct search_key {
	struct search_key *next;
	struct search_key *child; /* AND, OR, NOT */
	enum search_op op;
	unsigned flag;
	struct slice name; /* header field, keyword */
	struct slice text;  /* folded UTF-8, each run of blanks one space */
	struct slice exact; /* folded UTF-8, lines as they are, with LF */
	struct fuzzy *fuzzy; /* how to look for text; NULL: exactly */
	int64_t day;
	uint64_t number;
	struct seq_set set;
	bool uid;                 /* set of UIDs */
	struct store_set resolved;/* by the caller; see search_each_set */
	unsigned text_number; /* 1 + the place in texts; 0: none */
	struct store_set ruled_out; /* text cannot be in these; by the caller */
};

#define SEARCH_TEXTS 32 /* more are looked for without the index */

struct search_program {
	struct search_key *root; /* an AND */
	bool modseq;      /* the client asked about MODSEQ */
	bool headers;     /* needs store_message.headers */
	bool facts;       /* needs its dates, size or MODSEQ */
	bool objectids;   /* needs its emailid or threadid */
	bool fuzzy;       /* has a FUZZY key */
	bool bad_charset; /* parsing failed because of CHARSET */
	struct search_key **sets; /* every SEARCH_SET, for resolving */
	size_t n_sets;
	/* Those that look for a text, exactly; see search_filter.h. */
	struct search_key *texts[SEARCH_TEXTS];
	size_t n_texts;
};

/*
 * Parses what follows "SEARCH " and its RETURN options, to the end. -1 with
 * out->bad_charset is to be answered with BADCHARSET.
 */
int search_parse(struct parser *p, struct search_program *out);
/* The same from the charset on, which SORT and THREAD must have (RFC 5256). */
int search_parse_criteria(struct parser *p, struct search_program *out);
void search_release(struct search_program *prog);

/* Matches everything. */
extern const struct search_program search_all;

enum search_answer { SEARCH_NO, SEARCH_YES, SEARCH_OPEN_IT };

/* What is known of one message. */
struct search_subject {
	const struct store_message *msg;
	bool recent;
	int64_t now;     /* seconds since the epoch, for OLDER, YOUNGER */
	bool opened;     /* text is there: never OPEN_IT */
	struct slice text;
	/* Made when first needed; search_subject_release. */
	unsigned folded; /* TEXTS_... that are there */
	struct texts texts;
	/* Of the FUZZY keys that matched, by search_ask. */
	unsigned scores;
	unsigned n_scores;
};

enum search_answer search_ask(const struct search_program *prog,
    struct search_subject *subject);
/* RELEVANCY of a message that matched, 1 to 100 (RFC 6203 section 4). */
unsigned search_score(const struct search_subject *subject);
void search_subject_release(struct search_subject *subject);

#endif
