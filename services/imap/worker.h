/*
 * What one imap process holds: the mail store, the users that are logged in
 * here with their sessions, and the clocks. Runs on the loop only.
 */
#ifndef IMAP_WORKER_H
#define IMAP_WORKER_H

#include "core/limits.h"
#include "core/list.h"
#include "core/map.h"
#include "io/loop.h"
#include "store/notify.h"
#include "store/store.h"

struct peer;
struct service;
struct session;

struct worker_config {
	uint64_t timeout_ms;   /* a silent client is logged out after this */
	uint64_t keepalive_ms; /* "* OK Still here" in IDLE; 0: never */
	uint64_t sessions_max;
	uint64_t sessions_per_user;
	uint64_t message_limit; /* messages of one command (RFC 9738) */
	struct peer *auth; /* for limits.c */
	bool quotas;       /* there are limits */
	bool unauthenticate; /* clients may go back to login */
	char admin[LIMIT_ADDRESS + 8]; /* URI of the administrator, or "" */
	char shared[LIMIT_ADDRESS + 1]; /* account of the public mailboxes */
};

struct worker {
	struct loop *loop;
	struct store *store;
	struct store_notify *notify; /* NULL: none to have, we poll */
	struct loop_poll *notify_poll;
	struct loop_timer *tick;
	struct worker_config conf;
	struct map users;       /* address to struct user */
	struct list sessions;
	struct list idlers;     /* in IDLE, the next keepalive first */
	struct list cachers;    /* holding an open message */
	struct list zippers;    /* holding the memory of COMPRESS */
	size_t count;
	size_t zips;            /* in zippers */
	size_t zips_most;
	uint64_t polled_at;
	bool ticking; /* store_idle is running on a thread */
	unsigned open; /* databases when it ran last */
	bool stopping;
	/* Called when the last session is gone while stopping. */
	void (*on_empty)(void *arg);
	void *arg;
};

/* Everybody who is logged in as one user, in this process. */
struct user {
	struct worker *worker;
	struct list sessions;
	struct list queue; /* sessions whose step waits for a thread */
	size_t count;
	unsigned running;  /* steps on threads */
	unsigned naming;   /* of them, those that change names of mailboxes */
	struct store_quota quota; /* see limits.h */
	uint64_t quota_at;
	uint32_t quota_asked;     /* the request under way, or 0 */
	char *address;
};

struct worker *worker_new(struct loop *l, struct store *s,
    const struct worker_config *conf);
void worker_free(struct worker *w);

/* NULL with *why when the user or the process has enough sessions. */
struct user *worker_join(struct worker *w, struct slice address,
    const char **why);
void worker_leave(struct worker *w, struct user *u);

/* Something in the user's mail changed: everybody in IDLE looks. */
void worker_poke(struct user *u, const struct session *except);

/* Says BYE to all; on_empty follows when they are gone, maybe at once. */
void worker_stop(struct worker *w, void (*on_empty)(void *arg), void *arg);

#endif
