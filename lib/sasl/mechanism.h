/*
 * The SASL mechanisms we know, and which of them a connection is offered.
 */
#ifndef SASL_MECHANISM_H
#define SASL_MECHANISM_H

#include "core/buf.h"
#include "sasl/scram_verifier.h"

enum mechanism_kind {
	MECHANISM_PLAIN,    /* RFC 4616 */
	MECHANISM_LOGIN,    /* two questions; never was an RFC */
	MECHANISM_SCRAM,    /* RFC 5802, RFC 7677 */
	MECHANISM_EXTERNAL, /* RFC 4422 appendix A, by TLS certificate */
};

struct mechanism {
	const char *name;
	enum mechanism_kind kind;
	enum scram_hash hash; /* of SCRAM */
	bool plus;            /* with channel binding */
};

struct mechanism_offer {
	bool scram[SCRAM_HASHES];
	bool plus; /* the connection has something to bind to */
	bool external; /* the client has shown a good certificate */
};

/* By its name, case ignored (RFC 4422 3.1 has it in upper case), or NULL. */
const struct mechanism *mechanism_find(struct slice name);
/* Appends the name of each mechanism that is offered, with before in front. */
void mechanism_list(const struct mechanism_offer *o, const char *before,
    struct buf *out);

/* Is the form of m with channel binding offered? */
bool mechanism_offers_plus(const struct mechanism_offer *o,
    const struct mechanism *m);

/*
 * Reads what the supervisor makes of the account files: the names of the hash
 * functions of SCRAM that are to be offered, one a line. text NULL: none.
 */
void mechanism_offer_read(struct mechanism_offer *o, const struct slice *text);

#endif
