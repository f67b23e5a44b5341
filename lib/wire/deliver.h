/*
 * Conversation queue -> deliver: one message into local mailboxes.
 *
 * WIRE_DELIVER carries the read-only body descriptor. deliver answers with one
 * WIRE_DELIVER_RESULT per recipient, in any order, when each is durable (or
 * failed); then it is done with the request. Deliveries are idempotent by
 * (queue id, user): a repeated request for a user who has the message already
 * is answered with success.
 */
#ifndef WIRE_DELIVER_H
#define WIRE_DELIVER_H

#include "wire/edit.h"

enum wire_deliver_type {
	/* slice queue id, slice sender (reverse-path, for Return-Path), edit,
	 * u64 size of the original, bool junk (spam), u32 count, count * { slice user (mailbox
	 * login name), slice original recipient (for Delivered-To) }. */
	WIRE_DELIVER = 1,
	/* u32 index of the recipient, enum wire_outcome, slice enhanced,
	 * slice text. */
	WIRE_DELIVER_RESULT,
	WIRE_DELIVER_TYPES
};

enum wire_outcome {
	WIRE_DONE,  /* durable / accepted by the next hop */
	WIRE_LATER, /* temporary: try again */
	WIRE_NEVER, /* permanent: bounce */
	WIRE_OUTCOMES
};

#define WIRE_DELIVER_RECIPIENTS 100 /* per request; queue splits */

#endif
