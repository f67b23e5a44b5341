/*
 * Requests to deliver and relay. The recipients of a message are given by
 * their indexes in its envelope; as many as a frame holds are put in.
 */
#ifndef SERVICES_QUEUE_FRAME_H
#define SERVICES_QUEUE_FRAME_H

#include "services/queue/envelope.h"

/*
 * Appends a WIRE_DELIVER payload; returns how many of the n recipients are in
 * it (at least one).
 */
uint32_t frame_deliver(struct buf *b, const struct envelope *e,
    const struct wire_edit *edit, const uint32_t *index, uint32_t n);
/* The same for WIRE_RELAY. */
uint32_t frame_relay(struct buf *b, const struct envelope *e,
    const struct wire_edit *edit, struct slice next_hop, const uint32_t *index,
    uint32_t n);

/* One result of either. index counts within the request; -1 if malformed. */
struct frame_result {
	uint32_t index;
	unsigned outcome; /* enum wire_outcome */
	struct slice enhanced;
	struct slice text;
	struct slice host;
	bool dsn;         /* the next hop reports by itself */
};
int frame_deliver_result(struct slice payload, struct frame_result *r)
    MUST_CHECK;
int frame_relay_result(struct slice payload, struct frame_result *r)
    MUST_CHECK;

/*
 * A WIRE_AUTH_RCPT_REPLY; targets has room for WIRE_QUEUE_TARGETS. -1 if
 * malformed.
 */
int frame_rcpt_reply(struct slice payload, unsigned *result,
    struct wire_queue_target *targets, uint32_t *n) MUST_CHECK;

#endif
