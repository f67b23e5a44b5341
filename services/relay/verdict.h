/*
 * What became of a recipient, or of an attempt to reach a host: the outcome,
 * an enhanced code of the same class, and a line for people.
 */
#ifndef RELAY_VERDICT_H
#define RELAY_VERDICT_H

#include "services/relay/reply.h"
#include "wire/deliver.h"

#define VERDICT_TEXT 512

struct verdict {
	enum wire_outcome outcome;
	char enhanced[REPLY_ENHANCED];
	char text[VERDICT_TEXT];
};

/* Our own words; enhanced says the class: "4.4.1". */
void verdict_set(struct verdict *v, const char *enhanced, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The words of the server. A code that is out of place (2yz where it means
 * nothing, 3yz) is temporary: such a server is confused. */
void verdict_from_reply(struct verdict *v, const struct reply *r);
/* The same for RCPT, where 552 may mean "too many" (RFC 5321 4.5.3.1.10). */
void verdict_from_rcpt(struct verdict *v, const struct reply *r);

/* Makes a permanent verdict temporary: 5.7.8 becomes 4.7.8. */
void verdict_soften(struct verdict *v);

/* "sent", "deferred", "bounced". */
const char *verdict_status(const struct verdict *v);

#endif
