/*
 * What the last SORT and THREAD of a session read from the headers, kept for a
 * few seconds: clients that show a sorted list page by page ask the same for
 * each page. Only facts that never change are kept, by UID; which messages
 * match is found out each time. The worker drops
 * it (session_drop_cache), and of a user's sessions one keeps at a time.
 */
#ifndef IMAP_KEPT_H
#define IMAP_KEPT_H

#include "services/imap/search_result.h"
#include "services/imap/sort.h"
#include "services/imap/thread.h"

struct command;
struct session;

struct kept {
	struct sort_program criteria;
	struct sort_list keys; /* UIDs ascending; more than were asked for */
	struct thread thread;  /* made; nodes is NULL if there is none */
	struct search_result threaded; /* its messages */
};

/* Those of the session; made if there are none. */
struct kept *kept_of(struct session *s);
void kept_forget(struct session *s);
/* After a command that used them: they stay with this session of the user. */
void kept_after(struct command *c);

/*
 * Adds to missing the UIDs of found, which are ascending, that have no keys by
 * these criteria yet; they are to be added in this order.
 */
void kept_missing(struct kept *k, const struct sort_program *criteria,
    const struct search_result *found, struct store_set *missing);
/* Puts found in the order of the sorted keys; what has none is gone. */
void kept_order(const struct kept *k, struct search_result *found);

/* True if the thread is one by this algorithm of just these messages. */
bool kept_has_thread(const struct kept *k, enum thread_algorithm algorithm,
    const struct search_result *found);
/* Takes both over. */
void kept_put_thread(struct kept *k, struct thread *thread,
    struct search_result *found);

#endif
