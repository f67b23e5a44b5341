/* Shared by session.c (opening and closing) and transaction.c (a message). */
#ifndef RELAY_SESSION_INTERNAL_H
#define RELAY_SESSION_INTERNAL_H

#include "services/relay/ehlo.h"
#include "services/relay/session.h"

/* host, address and port as text */
#define HOST_TEXT 384

enum session_state {
	STATE_CONNECT,
	STATE_GREETING,
	STATE_EHLO,
	STATE_HELO,
	STATE_STARTTLS,
	STATE_TLS,
	STATE_AUTH_PLAIN,
	STATE_AUTH_LOGIN,    /* waits for the challenge "Username:" */
	STATE_AUTH_USER,     /* ... "Password:" */
	STATE_AUTH_PASSWORD, /* ... the result */
	STATE_IDLE,
	STATE_ENVELOPE,
	STATE_BODY,
	STATE_END,
	STATE_QUIT,
	STATE_DEAD,
	STATES
};

/* Where a recipient stands. */
enum rcpt_state { RCPT_PENDING, RCPT_ACCEPTED, RCPT_SETTLED };

struct session {
	const struct session_context *ctx;
	const struct session_ops *ops; /* NULL: nobody listens */
	void *arg;
	struct session_target target;
	char *host;
	char *user;
	char *password;
	char remote[HOST_TEXT];
	enum session_state state;
	struct conn *conn;
	struct conn_connect *connecting;
	struct reply reply;
	struct ehlo ehlo;
	unsigned messages;
	uint64_t opened;
	/* The message under way. */
	const struct message *m;
	struct body body;
	unsigned char *rcpt; /* enum rcpt_state of each */
	uint32_t sent;       /* steps of the envelope sent, and answered */
	uint32_t got;
	uint32_t first;      /* the first step of this message */
	uint32_t accepted;
	bool mail_ok;
	bool broken;         /* not fit for another message */
};

/* The only place that assigns s->state; also sets the timeout of the state. */
void session_enter(struct session *s, enum session_state to);
/* What was going on, for people: "sending MAIL FROM". */
const char *session_doing(const struct session *s);
/* Opening or idle: tells the owner and frees. */
void session_fail(struct session *s, enum session_failure kind,
    const struct verdict *v);
/* The connection is not to be used any more; the session remains. */
void session_hang_up(struct session *s);

/* Replies in the states of a message. */
void transaction_envelope_reply(struct session *s);
void transaction_body_reply(struct session *s);
void transaction_end_reply(struct session *s);
/* More room for output. */
void transaction_drain(struct session *s);
/* The connection broke in the middle. */
void transaction_lost(struct session *s, const struct verdict *v);

#endif
