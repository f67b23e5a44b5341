/*
 * Which mailboxes exist, as auth says. Yes is remembered for some seconds, so
 * that a burst to one user asks once; no never is, so that a new account works
 * at once.
 */
#ifndef SERVICES_DELIVER_USERS_H
#define SERVICES_DELIVER_USERS_H

#include "core/map.h"
#include "service/service.h"

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
 * users_ask returns; user and arg must live until then.
 */
void users_ask(struct users *u, struct slice user,
    void (*cb)(void *arg, enum users_answer answer), void *arg);

#endif
