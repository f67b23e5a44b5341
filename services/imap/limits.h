/*
 * What the users that are logged in may hold. auth tells it with the ticket
 * and again, at most every few seconds, while a user's commands run, so that a
 * changed quota counts in sessions that stay open for days. What a user holds
 * is reported back.
 */
#ifndef IMAP_LIMITS_H
#define IMAP_LIMITS_H

#include "services/imap/worker.h"

/* What auth said is good for so long. */
#define LIMITS_FRESH_MS 5000

struct chan_frame;

/* Known now. */
void limits_set(struct user *u, const struct store_quota *quota);
/* Asks auth again, if it is some time ago; the answer comes later. */
void limits_refresh(struct user *u);
/*
 * Asks auth in any case; cb gives the reply (NULL: none) to limits_take.
 * Returns the id for limits_cancel.
 */
uint32_t limits_ask(struct user *u,
    void (*cb)(void *arg, struct chan_frame *reply), void *arg);
void limits_take(struct user *u, struct chan_frame *reply);
void limits_cancel(struct user *u, uint32_t id);

/* The same for anybody, whether logged in or not. */
uint32_t limits_ask_address(struct worker *w, const char *address,
    void (*cb)(void *arg, struct chan_frame *reply), void *arg);
/* What a reply says; false, and nothing changed, if it says nothing. */
bool limits_read(struct chan_frame *reply, struct store_quota *quota,
    bool *exists);

/* Tells auth what the user holds. */
void limits_report(struct worker *w, const char *address,
    const struct store_usage *held);

#endif
