/*
 * Reports to the sender (RFC 3464): made into a message of their own, durable
 * in the spool before the state they tell of is marked as told.
 */
#ifndef SERVICES_QUEUE_BOUNCE_H
#define SERVICES_QUEUE_BOUNCE_H

#include "services/queue/run.h"
#include "services/queue/schedule.h"

/*
 * Makes one report about all that is owed now; there must be something. m->settling holds until done is
 * called: with true the recipients are marked as told, with false nothing
 * changed.
 */
void bounce_send(struct message *m, const struct schedule *now,
    void (*done)(struct message *m, bool ok));

#endif
