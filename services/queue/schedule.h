/*
 * What time does to a message: when it wants attention next, who is overdue,
 * who is to be told that it takes long. Pure functions; both clocks are given.
 */
#ifndef SERVICES_QUEUE_SCHEDULE_H
#define SERVICES_QUEUE_SCHEDULE_H

#include "services/queue/envelope.h"

/* A delay is told after that long (RFC 3461 4.1, NOTIFY=DELAY). */
#define SCHEDULE_DELAY_S (4 * 3600)

struct schedule {
	uint64_t ms;      /* now, monotonic: as next_try */
	int64_t wall;     /* now, seconds since the epoch: as created */
	int64_t lifetime; /* seconds a message is tried (RFC 5321 4.5.4.1) */
};

/* True if r has been waiting too long; never before it was tried once. */
bool schedule_is_expired(const struct schedule *s, const struct envelope *e,
    const struct recipient *r);

/* True if the sender asked to be told of a delay, and it is one. */
bool schedule_is_late(const struct schedule *s, const struct envelope *e,
    const struct recipient *r);

/* True if somebody is owed a report now. */
bool schedule_owes(const struct schedule *s, const struct envelope *e);

/*
 * When something is to be done (monotonic ms): the next try, the end of the
 * lifetime, the report of a delay. At most a day away; 0 if nobody waits.
 */
uint64_t schedule_next(const struct schedule *s, const struct envelope *e);

#endif
