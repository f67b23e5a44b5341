/*
 * One WIRE_DELIVER request: taken apart, its recipients looked up and written
 * each on a thread of its own, answered one by one.
 */
#ifndef SERVICES_DELIVER_REQUEST_H
#define SERVICES_DELIVER_REQUEST_H

#include "services/deliver/deliver.h"

/* Handler of WIRE_DELIVER. -1 if the frame is malformed. */
int request_new(struct service *s, struct chan *c, struct chan_frame *f);

/* The channel is gone: what is under way is finished, nobody is told. */
void request_forget_channel(struct deliver *d, struct chan *c);

#endif
