/*
 * Conversation with queue. Two doors: queue.submit (smtp-mx, smtp-submit) puts
 * messages in; queue.admin (wire/admin.h) answers `setup queue`.
 *
 * A submission, all frames of it with the same id (the sender's choice, one
 * per transaction, reused only after its end):
 *
 *	smtp -> queue  WIRE_QUEUE_OPEN
 *	queue -> smtp  WIRE_QUEUE_OPENED + write-only descriptor, or _RESULT
 *	smtp writes the message to the descriptor: CRLF line ends, dots
 *	removed, no Received of its own
 *	smtp -> queue  WIRE_QUEUE_RCPT, one per RCPT TO, no reply
 *	smtp -> queue  WIRE_QUEUE_COMMIT or WIRE_QUEUE_ABORT (no reply)
 *	queue -> smtp  WIRE_QUEUE_RESULT: the reply of the end of data
 *
 * The result is final: a 2yz means durable (law 2). A channel that closes
 * before RESULT means nothing was promised: the client gets 451.
 */
#ifndef WIRE_QUEUE_H
#define WIRE_QUEUE_H

#include "wire/wire.h"

enum wire_queue_type {
	/* WIRE_QUEUE_OPEN: struct wire_queue_open, see wire_queue_open_put. */
	WIRE_QUEUE_OPEN = 1,
	/* WIRE_QUEUE_OPENED: slice queue id (10 characters [A-Z0-9]); fd. */
	WIRE_QUEUE_OPENED,
	/* WIRE_QUEUE_RCPT: struct wire_queue_rcpt. */
	WIRE_QUEUE_RCPT,
	/* WIRE_QUEUE_COMMIT: u64 bytes written. */
	WIRE_QUEUE_COMMIT,
	WIRE_QUEUE_ABORT, /* empty */
	/* WIRE_QUEUE_RESULT: u32 code (250, 4xx, 5xx), slice enhanced
	 * ("2.0.0"), slice text. */
	WIRE_QUEUE_RESULT,
	WIRE_QUEUE_TYPES
};

/* What is known about a transaction at DATA. Slices are views. */
struct wire_queue_open {
	bool submission;        /* authenticated (or trusted network): sign */
	struct slice user;      /* canonical login, "" on mx */
	struct slice client_ip; /* text, v4 or v6 */
	struct slice client_rdns; /* verified name, or "" */
	struct slice helo;      /* as given */
	bool esmtp;             /* EHLO was used */
	struct slice tls;       /* conn_tls_info, "" in clear */
	struct slice sender;    /* reverse-path, "" is <> */
	uint64_t size;          /* declared SIZE, 0 if none */
	bool body_8bit;         /* BODY=8BITMIME */
	bool smtputf8;
	struct slice ret;       /* RFC 3461: "", "FULL", "HDRS" */
	struct slice envid;     /* xtext as given */
};

/* One RCPT TO with the targets that auth gave for it. */
#define WIRE_QUEUE_TARGETS 1000
struct wire_queue_target {
	bool local;             /* else remote */
	struct slice address;
};
struct wire_queue_rcpt {
	struct slice address;   /* as in RCPT TO */
	struct slice orcpt;     /* RFC 3461, as given, or "" */
	uint8_t notify;         /* WIRE_NOTIFY_ bits; 0: parameter absent */
	uint32_t count;
	struct wire_queue_target *targets; /* reader: caller's array */
};
enum {
	WIRE_NOTIFY_NEVER = 1,
	WIRE_NOTIFY_SUCCESS = 2,
	WIRE_NOTIFY_FAILURE = 4,
	WIRE_NOTIFY_DELAY = 8
};

void wire_queue_open_put(struct buf *b, const struct wire_queue_open *o);
int wire_queue_open_get(struct slice payload, struct wire_queue_open *o)
    MUST_CHECK;
/* targets: array of WIRE_QUEUE_TARGETS for the reader to fill. If a frame
 * would pass LIMIT_FRAME the sender splits it: several RCPT frames with the
 * same address are fine. */
void wire_queue_rcpt_put(struct buf *b, const struct wire_queue_rcpt *r);
int wire_queue_rcpt_get(struct slice payload, struct wire_queue_rcpt *r,
    struct wire_queue_target targets[WIRE_QUEUE_TARGETS]) MUST_CHECK;

#endif
