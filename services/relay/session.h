/*
 * One connection to one SMTP server, from connect to QUIT, and on it one
 * message after the other. Knows the dialogue (RFC 5321, STARTTLS, AUTH,
 * PIPELINING) and nothing of MX records or queues.
 *
 * The owner learns by callbacks what happens. They come from the loop, except
 * where session_send says otherwise; in each of them the owner may do anything
 * to the session.
 */
#ifndef RELAY_SESSION_H
#define RELAY_SESSION_H

#include "io/conn.h"
#include "io/sockaddr.h"
#include "services/relay/body.h"
#include "services/relay/verdict.h"

struct session;

enum session_failure {
	SESSION_UNREACHABLE, /* no connection */
	SESSION_REFUSED,     /* the server does not want us now, or at all */
	SESSION_TLS,         /* the handshake failed */
	SESSION_LOST,        /* it broke */
};

struct session_ops {
	/* Open: session_send may be called. */
	void (*ready)(void *arg);
	/*
	 * It is over, and no recipient of the message (if there was one) has
	 * been told anything: another server may be tried. The session frees
	 * itself after this.
	 */
	void (*failed)(void *arg, enum session_failure kind,
	    const struct verdict *v);
	/* The final word on recipient index of the message; once for each. Not
	 * the place to touch the session: done follows. */
	void (*rcpt)(void *arg, uint32_t index, const struct verdict *v);
	/* After the last rcpt. The owner goes on with session_send, or ends
	 * with session_quit. */
	void (*done)(void *arg);
};

struct session_target {
	const char *host;        /* for SNI and the log; copied */
	union sockaddr_any addr; /* with port */
	bool require_tls;
	bool avoid_tls;          /* the handshake failed before */
	bool wrapped;            /* TLS from the first byte (RFC 8314 3.3) */
	const char *user;        /* "" none; copied */
	const char *password;
};

struct message_rcpt {
	struct slice address; /* without brackets, checked */
	struct slice orcpt;   /* RFC 3461, or "" */
	uint8_t notify;       /* WIRE_NOTIFY_ bits of wire/queue.h */
};

/* Lives until done or failed. */
struct message {
	struct slice sender;  /* "" is <>; checked */
	bool body_8bit;
	bool smtputf8;
	struct slice ret;
	struct slice envid;
	int fd;
	uint64_t size;        /* of the original */
	struct wire_edit edit;
	uint32_t count;
	struct message_rcpt *rcpts;
};

/* What all sessions share; lives as long as they do. */
struct session_context {
	struct loop *loop;
	struct tls_ctx *tls;
	const char *hostname; /* for EHLO */
};

/* Starts connecting. Ends in ready or failed. */
struct session *session_open(const struct session_context *ctx,
    const struct session_target *t, const struct session_ops *ops, void *arg);
/* As session_open on a socket that is connected already. */
struct session *session_adopt(const struct session_context *ctx, int fd,
    const struct session_target *t, const struct session_ops *ops, void *arg);

/*
 * Sends a message. If the server cannot take it by what it said in EHLO, rcpt
 * and done are called at once, from here: call it last.
 */
void session_send(struct session *s, const struct message *m);

/* New owner. */
void session_set_owner(struct session *s, const struct session_ops *ops,
    void *arg);
/* May another message be sent? */
bool session_is_usable(const struct session *s);

/* Says QUIT where that makes sense; no callback any more. Frees itself. */
void session_quit(struct session *s);
/* Hangs up and frees. */
void session_abort(struct session *s);

/* "mx.example.com [192.0.2.1]:25" */
const char *session_remote(const struct session *s);
/* conn_tls_info, "" in clear. */
const char *session_tls(const struct session *s);
bool session_has_dsn(const struct session *s);
/* Messages sent so far, and loop time when it was opened. */
unsigned session_messages(const struct session *s);
uint64_t session_opened(const struct session *s);

#endif
