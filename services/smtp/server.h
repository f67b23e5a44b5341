/*
 * What one SMTP server process has: its role, settings, certificate, peers and
 * sessions. There is one; main.c owns it.
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "core/list.h"
#include "core/map.h"
#include "io/tls.h"
#include "sasl/mechanism.h"
#include "service/service.h"
#include "services/smtp/trust.h"

struct server {
	struct service *service;
	const struct conf *conf;
	struct tls_ctx *tls;     /* NULL: no TLS offered */
	struct mechanism_offer offer; /* of AUTH */
	struct peer *lookup;     /* auth */
	struct peer *verify;     /* auth, submission only */
	struct peer *queue;
	struct peer *resolver;
	struct peer *spf;        /* dkim; NULL: SPF is not asked at RCPT */
	struct trust trust;
	struct list sessions;
	size_t count;            /* of sessions */
	struct map clients;      /* sockaddr_client_key to struct client */
	struct buf frame;        /* scratch: the frame being written */
	uint64_t connections;    /* totals since the start */
	uint64_t messages;
	bool submission;         /* smtp-submit */
	bool stopping;
};

/* Counts the connections of one client address. */
struct client {
	size_t connections;
	size_t key_length;
	unsigned char key[16];
};

/* Empties the scratch frame and hands it out, for one request. */
struct buf *server_frame(struct server *v);

/*
 * A place for one more connection from that address, or NULL with the reply
 * that refuses it. A trusted client is only counted.
 */
struct client *server_admit(struct server *v, const union sockaddr_any *from,
    const char **reply);
/* Gives the place back. */
void server_leave(struct server *v, struct client *c);

#endif
