/*
 * Reports to the sender (RFC 3464): made into a message of their own, durable
 * in the spool before the state they tell of is marked as told.
 */
#ifndef SERVICES_QUEUE_BOUNCE_H
#define SERVICES_QUEUE_BOUNCE_H

#include "services/queue/run.h"

/* A delay is told after that long (RFC 3461 4.1, NOTIFY=DELAY). */
#define BOUNCE_DELAY_S (4 * 3600)

/* True if somebody is to be told about m now. */
bool bounce_is_due(const struct message *m, int64_t now);

/*
 * Makes one report about all that is owed. m->settling holds until done is
 * called: with true the recipients are marked as told, with false nothing
 * changed.
 */
void bounce_send(struct message *m, void (*done)(struct message *m, bool ok));

#endif
