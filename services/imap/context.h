/*
 * Live results of SEARCH and SORT in the selected mailbox (RFC 5267 section
 * 4.3): what UPDATE asked for, and CANCELUPDATE or another mailbox ends. A
 * context keeps its program and its results; messages that came or changed
 * are asked again, a few each time that changes are told.
 */
#ifndef IMAP_CONTEXT_H
#define IMAP_CONTEXT_H

#include "services/imap/search_run.h"
#include "services/imap/sort.h"

struct contexts;

bool context_has_tag(const struct session *s, struct slice tag);

/*
 * In a step: from now on changes of result are told. program is the text of
 * the search keys, or of criteria and search keys if list, which is taken
 * over, is there. New messages among the results are fetched with atts, unless
 * that is empty (RFC 5465 section 7). Writes NOUPDATE if it can't be done (section 4.3.1).
 */
void context_start(struct command *c, const struct search_correlator *who,
    struct slice program, struct slice atts,
    const struct search_result *result, struct sort_list *list);
/* "* NO [NOUPDATE "tag"] text" */
void context_refused(struct command *c, struct slice tag, const char *text);

/* The context of that tag ends, if there is one. */
void context_cancel(struct session *s, struct slice tag);
/* Those end that tell sequence numbers: the client knows none any more. */
void context_end_numbered(struct command *c);
/* All end. */
void context_free_all(struct session *s);

/* Where view_refresh collects what changed, or NULL if nobody asks. */
struct store_set *context_changes(struct session *s);
/* Where it collects what came, or NULL. */
struct store_set *context_arrivals(struct session *s);
/* True if new results are to be fetched. */
bool context_has_fetch(const struct session *s);
/* "UID FETCH set atts" of one context, which has been taken. */
void context_take_fetch(struct session *s, struct buf *out);
/* For view_refresh: tells REMOVEFROM while the numbers are still valid. */
void context_gone(void *session, const struct store_set *gone,
    struct buf *out);
/* In a step, behind view_refresh: tells what changed, for a limited time. */
void context_update(struct command *c);
/* True if context_update left something to do. */
bool context_is_behind(const struct session *s);

#endif
