/*
 * The server's side of one SCRAM exchange (RFC 5802, RFC 7677):
 *
 *	client-first  -> scram_first
 *	                 scram_challenge -> server-first
 *	client-final  -> scram_final     -> server-final
 *
 * The caller finds the verifier between the first two, and has one for users
 * that do not exist too.
 */
#ifndef SASL_SCRAM_H
#define SASL_SCRAM_H

#include "sasl/scram_message.h"
#include "sasl/scram_verifier.h"

#define SCRAM_NONCE 24 /* characters of ours */

/* What ties an exchange to its TLS connection (RFC 5929, RFC 9266): a name
 * and its data; empty data: not to be had on this connection. */
struct scram_binding {
	const char *name;
	struct slice data;
};

struct scram_channel {
	bool offered; /* the mechanisms with -PLUS were advertised */
	const struct scram_binding *bindings;
	size_t n;
};

struct scram {
	enum scram_hash hash;
	struct buf user;    /* decoded, prepared */
	struct buf authzid; /* the same; may be empty */
	struct buf binding; /* what the client-final has to say in "c=" */
	struct buf nonce;   /* the client's, then with ours */
	struct buf message; /* AuthMessage, as far as it is known */
	struct scram_verifier verifier;
};

void scram_init(struct scram *s, enum scram_hash hash);
void scram_release(struct scram *s);

/* plus: the mechanism's name ended so. -1 with a constant reason; user is
 * empty unless it could be read. */
int scram_first(struct scram *s, bool plus, const struct scram_channel *c,
    struct slice message, const char **why) MUST_CHECK;

/* Appends server-first. nonce is ours: at most SCRAM_NONCE printable characters
 * without a comma, that nobody can foresee. */
void scram_challenge(struct scram *s, const struct scram_verifier *v,
    struct slice nonce, struct buf *out);

/* 0 if the client knows the password: appends server-final. -1 with a constant
 * reason if not. */
int scram_final(struct scram *s, struct slice message, struct buf *out,
    const char **why) MUST_CHECK;

#endif
