/*
 * Which mailboxes exist and what they may hold, as auth says. Yes is
 * remembered for some seconds, so that a burst to one user asks once; no never
 * is, so that a new account works at once. What a mailbox with a limit holds
 * is reported back.
 */
#ifndef SERVICES_DELIVER_USERS_H
#define SERVICES_DELIVER_USERS_H

#include "core/map.h"
#include "service/service.h"
#include "store/store.h"

struct users {
	struct peer *auth;
	struct loop *loop;
	struct map known; /* user: struct known_user */
};

enum users_answer { USERS_EXISTS, USERS_UNKNOWN, USERS_LATER };

void users_init(struct users *u, struct peer *auth, struct loop *loop);
void users_release(struct users *u);

/*
 * Asks for one user (canonical name). cb is called once, perhaps before
 * users_ask returns; user and arg must live until then. quota is its limit
 * when it exists.
 */
typedef void users_fn(void *arg, enum users_answer answer,
    const struct store_quota *quota);
void users_ask(struct users *u, struct slice user, users_fn *cb, void *arg);

/* What is remembered of user may be wrong: the next one asks auth. */
void users_forget(struct users *u, struct slice user);

/* Tells auth what a user holds. */
void users_report(struct users *u, struct slice user,
    const struct store_usage *held);

#endif
