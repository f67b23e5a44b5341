/* DMARC reports to others (RFC 7489 section 7.2): reports writes them, queue
 * sends them. */
#ifndef SERVICES_QUEUE_FETCH_H
#define SERVICES_QUEUE_FETCH_H

#include "services/queue/queue.h"

/* Waits for reports from now on, if any are sent. */
void fetch_start(struct queue *q);

#endif
