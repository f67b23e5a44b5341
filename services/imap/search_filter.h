/*
 * What the search index (store/finder.h) says about a search, before its walk:
 * for each text that is looked for, the messages that cannot contain it, so
 * that they are not opened, and the messages that can match at all. The answer
 * is the same with and without it.
 */
#ifndef IMAP_SEARCH_FILTER_H
#define IMAP_SEARCH_FILTER_H

#include "services/imap/search.h"
#include "services/imap/view.h"
#include "store/finder.h"

struct command;

struct search_filter {
	/* Those that may match, once it is done; or NULL: all. */
	const struct store_set *possible;
	/* Private. */
	const struct search_program *prog;
	const struct view *view;
	struct command *c;
	struct store_needle *needles;
	struct store_finder *finder;
	bool done;
	bool bounds; /* without any of the texts no message matches */
	uint32_t next;
	uint32_t last;
	size_t at;         /* in the view's messages */
	size_t rows;
	size_t ruled[STORE_NEEDLES]; /* 1 + the last that was ruled out */
	size_t passed;               /* the same of those that may match */
	struct store_set may;
};

/*
 * Starts with an empty struct, for the messages of the view that are in only
 * (NULL: all). Wishes for the index, where it helps.
 */
void search_filter_begin(struct search_filter *f, struct command *c,
    const struct search_program *prog, const struct view *v,
    const struct store_set *only);
/* False if it is to be called again when others had their turn. */
bool search_filter_step(struct search_filter *f);
void search_filter_release(struct search_filter *f);

#endif
