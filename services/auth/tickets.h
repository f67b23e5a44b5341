/*
 * Login tickets: what the login process hands to a worker so that the worker
 * learns from us, not from login, who has logged in.
 */
#ifndef SERVICES_AUTH_TICKETS_H
#define SERVICES_AUTH_TICKETS_H

#include "core/list.h"
#include "core/map.h"
#include "wire/auth.h"

struct tickets {
	struct map by_key;
	struct list order; /* the oldest first */
};

void tickets_init(struct tickets *t);
void tickets_release(struct tickets *t);

/* Makes a ticket for user. -1 if too many are open. */
int tickets_issue(struct tickets *t, struct slice user,
    enum wire_auth_service service, uint64_t now_ms,
    unsigned char ticket[WIRE_TICKET]) MUST_CHECK;

/*
 * Uses a ticket up. Appends the user, or -1 if there is no such ticket, it was
 * used or it is older than 60 s.
 */
int tickets_redeem(struct tickets *t, struct slice ticket, uint64_t now_ms,
    struct buf *user, enum wire_auth_service *service) MUST_CHECK;

#endif
