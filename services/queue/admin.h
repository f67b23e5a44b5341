/* The door "admin": `setup queue`, and the status of the queue. */
#ifndef SERVICES_QUEUE_ADMIN_H
#define SERVICES_QUEUE_ADMIN_H

#include "services/queue/queue.h"
#include "wire/admin.h"

/* Handler of WIRE_ADMIN. */
int admin_request(struct service *s, struct chan *c, struct chan_frame *f);

/* service_ops.status */
void admin_status(struct service *s, struct buf *out);

#endif
