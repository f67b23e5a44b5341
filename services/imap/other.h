/*
 * Other users whose mailboxes a session works with. Their mail is opened like
 * the session's own. What they may hold is asked of auth before a command that
 * names one of them begins, and what they hold is reported after it.
 */
#ifndef IMAP_OTHER_H
#define IMAP_OTHER_H

#include "core/list.h"
#include "services/imap/command.h"

/* A user whose mailboxes the session works with. */
struct other {
	struct list link;      /* of the session */
	struct session *session;
	struct store_user *store;
	struct store_quota quota;
	uint64_t asked_at;     /* auth, for the quota; 0: never */
	uint32_t asked;        /* the request under way, or 0 */
	bool known;            /* it answered */
	bool exists;           /* the account is there */
};

struct other *other_find(const struct session *s, struct slice address);
/* Makes it if need be; NULL if it cannot be an address of ours. */
struct other *other_get(struct session *s, struct slice address);

/* ---- on the loop ---------------------------------------------------------- */

/* The command is about a mailbox of address, which lives as long as it. */
void other_note(struct command *c, struct slice address);
/* True if nothing need be waited for; else session_go_on is called when auth
 * has answered. */
bool other_ready(struct command *c);
/* Before and after a step: their limits, and what they hold now. */
void other_begin(struct session *s);
void other_end(struct session *s);
void other_free_all(struct session *s);

#endif
