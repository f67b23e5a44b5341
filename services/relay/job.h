/*
 * One WIRE_RELAY request: finds the way, tries the servers, answers for each
 * recipient and then for the whole. A job ends by itself.
 */
#ifndef RELAY_JOB_H
#define RELAY_JOB_H

#include "services/relay/relay.h"

/* A request came on c. Takes f->fd. -1 if it is malformed. */
int job_accept(struct relay *r, struct chan *c, struct chan_frame *f)
    MUST_CHECK;
/* c is closing: its jobs are dropped without a word. The queue does not know
 * their outcome and will send them again. */
void job_forget(struct relay *r, const struct chan *c);

#endif
