/* Which mails may be DMARC aggregate reports of others (RFC 7489 7.2.1.1). */
#ifndef QUEUE_REPORT_H
#define QUEUE_REPORT_H

#include "services/queue/envelope.h"

enum report_kind {
	REPORT_NONE,
	REPORT_MAYBE, /* it speaks of DMARC, or is to an address for it */
	REPORT_NAMED, /* its subject is that of a report */
};

/* By its header and its recipients that have a mailbox here. */
enum report_kind report_kind(const struct envelope *e, struct slice header);

#endif
