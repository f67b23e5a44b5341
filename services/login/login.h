/*
 * login: TLS and the IMAP dialogue before authentication. It can read no mail
 * and no hash: after LOGIN or AUTHENTICATE it hands the client, with a ticket
 * that auth gave it, to an imap worker and from then on only moves bytes
 * between TLS and that worker.
 */
#ifndef SERVICES_LOGIN_LOGIN_H
#define SERVICES_LOGIN_LOGIN_H

#include "core/map.h"
#include "io/conn.h"
#include "sasl/mechanism.h"
#include "service/certificate.h"
#include "service/service.h"

#define LOGIN_TAG 64
#define LOGIN_USER LIMIT_ADDRESS
#define LOGIN_REPLY 4096 /* a line of ours */
#define LOGIN_COMMAND_MS 180000 /* RFC 3501 5.4: 30 minutes after login */

enum login_state {
	LOGIN_HANDSHAKE, /* implicit TLS, no greeting yet */
	LOGIN_COMMAND,
	LOGIN_SASL,      /* AUTHENTICATE waits for a response */
	LOGIN_VERIFY,    /* auth is asked; input waits */
	LOGIN_PROXY,     /* the worker has the client */
	LOGIN_CLOSED,
	LOGIN_STATES
};

struct login;
struct login_return;

struct login_session {
	struct list link;
	struct login *login;
	struct conn *client;
	struct conn *worker;      /* LOGIN_PROXY only */
	struct peer *worker_peer; /* and what it may say beside */
	uint32_t worker_id;       /* of that request; 0: it is over */
	struct login_return *back; /* on its way back from there, or NULL */
	enum login_state state;
	union sockaddr_any from;
	bool local;               /* client is this machine's own address */
	bool starttls;            /* came in on a port with STARTTLS */
	bool exchange;            /* request is one of SASL messages */
	size_t literal_asked;     /* length of the command so far when "+" was
	                           * sent for its last literal; 0: none */
	unsigned errors;
	unsigned failures;        /* refused passwords */
	const struct mechanism *mechanism; /* NULL: the LOGIN command */
	uint32_t request;         /* at auth; 0: none */
	char tag[LOGIN_TAG + 1];
	char id[12];              /* session id of the log */
	char *user;               /* as typed; NULL outside a login */
};

struct login {
	struct service *service;
	struct tls_ctx *tls;
	struct certificate certificate;
	struct mechanism_offer offer;
	struct peer *auth;
	struct list sessions;
	struct map per_address;   /* client key to a counter */
	size_t count;
	struct buf line;          /* the one of ours being written */
};

/* session.c: a client from accept to the worker. Takes fd. */
void login_accept(struct login *l, const char *listener, int fd,
    const union sockaddr_any *from);
/* Everybody goes: BYE before login, an end of stream after it. */
void login_stop(struct login *l);
/* Moves to another state; the only place that assigns it. */
void login_enter(struct login_session *s, enum login_state to);
/* BYE with that text, then the end. */
void login_bye(struct login_session *s, const char *text);
/* A tagged BAD; too many of them end the connection. */
void login_bad(struct login_session *s, struct slice tag, const char *text);
bool login_is_secure(const struct login_session *s);

/* command.c: uses up to in.n bytes, as conn_ops.on_input. */
size_t login_command(struct login_session *s, struct slice in);
/* What this session may choose from now. */
struct mechanism_offer login_offer(const struct login_session *s);
/* Appends "IMAP4rev1 ..." for this session now. */
void login_capabilities(const struct login_session *s, struct buf *out);

/* sasl.c: AUTHENTICATE. */
size_t login_sasl_line(struct login_session *s, struct slice in);
void login_authenticate(struct login_session *s, struct slice tag,
    struct slice name, const struct slice *initial);

/* verify.c: the conversation with auth, and what the client hears of it. */
void login_keep_tag(struct login_session *s, struct slice tag);
/* Asks about a password, which is not kept. */
void login_verify(struct login_session *s, struct slice tag,
    struct slice authzid, struct slice user, struct slice password);
/* Asks about the client's certificate, and whether it may act as authzid. */
void login_external(struct login_session *s, struct slice authzid);
/* Passes SASL messages (decoded) on: the first, and the others. */
void login_exchange(struct login_session *s, struct slice message);
void login_exchange_more(struct login_session *s, struct slice message);
/* Whatever was asked, the answer is not wanted any more. */
void login_forget(struct login_session *s);

/* proxy.c: to the worker, with what auth said the client is. */
void login_proxy(struct login_session *s, struct slice user,
    struct slice ticket);
/* The client is gone, and what is left of the worker. */
void login_proxy_free(struct login_session *s);
/* Passes in on; all of it is used. from waits while to is full. */
size_t login_move(struct conn *from, struct conn *to, struct slice in);

#endif
