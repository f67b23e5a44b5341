/*
 * One SMTP connection: state machine, input, life. Commands are in command.h
 * and their own files; everything they do to the connection goes through here.
 *
 * A session that waits for another process pauses its connection and keeps the
 * request's id, so at most one request is under way and nothing is read
 * meanwhile; replies stay in order.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "core/log.h"
#include "io/conn.h"
#include "services/smtp/auth.h"
#include "services/smtp/rdns.h"
#include "services/smtp/server.h"
#include "services/smtp/transaction.h"

enum session_state {
	SMTP_OPENING, /* no banner yet, or in a TLS handshake */
	SMTP_NEW,     /* before EHLO */
	SMTP_IDLE,    /* between transactions */
	SMTP_AUTH,    /* inside an AUTH exchange */
	SMTP_MAIL,    /* MAIL accepted */
	SMTP_RCPT,    /* a recipient accepted */
	SMTP_DATA,    /* reading text up to the final dot */
	SMTP_CHUNK,   /* reading the octets of BDAT */
	SMTP_BDAT,    /* between chunks */
	SMTP_COMMIT,  /* data ended, waiting for the queue */
	SMTP_CLOSED,
	SMTP_STATES
};

#define IN(state) (1u << SMTP_##state)

enum session_helo { HELO_OK, HELO_INVALID };

struct session {
	struct list link;
	struct server *server;
	struct conn *conn;
	struct client *client;
	char ip[SOCKADDR_TEXT];
	uint64_t number;         /* in the log: "session" */
	enum session_state state;
	enum session_helo helo_kind;
	bool esmtp;              /* EHLO, not HELO */
	bool implicit_tls;       /* port 465 */
	bool trusted;            /* may relay without a login */
	bool stranger;           /* neither that nor on this machine */
	bool long_line;          /* throwing an overlong command away */
	bool waiting;
	unsigned errors;
	unsigned auth_failures;
	unsigned overshoot;      /* recipients over the limit */
	unsigned mails, rcpts, accepted;
	uint64_t chunk_left;     /* octets of BDAT still to come */
	bool chunk_last;
	char *helo;              /* as given, or NULL */
	char *user;              /* canonical login, or NULL */
	const char *port;        /* "25", "587", "465" */
	const char *reason;      /* why it is closing, or NULL */
	struct peer *wait_peer;
	uint32_t wait_id;
	struct auth_exchange auth;
	struct rdns rdns;
	struct transaction t;
};

/* May the state machine move so? The table, for tests too. */
bool session_may_move(enum session_state from, enum session_state to);
/* The only place that assigns s->state. */
void session_enter(struct session *s, enum session_state to);
const char *session_state_name(enum session_state state);

/* A new connection; takes over fd. */
void session_new(struct server *v, const char *port, int fd,
    const union sockaddr_any *from);

/* Waits for a request: input pauses. id 0: no request of its own. */
void session_wait(struct session *s, struct peer *p, uint32_t id);
/* The answer is here (or was given up): input goes on. */
void session_go_on(struct session *s);

/* Ends the transaction, if there is one, and is idle again. */
void session_reset(struct session *s);
/* After the end of a transaction: idle, or goodbye if we are stopping. */
void session_next(struct session *s);
/* Flushes replies and closes. reason is for the log. */
void session_close(struct session *s, const char *reason);
/* The process stops: closes now if nothing is under way. */
void session_stop(struct session *s);


/* Starts a log line with what identifies the session. */
void session_log(const struct session *s, struct log_line *l,
    enum log_level level, const char *event);

#endif
