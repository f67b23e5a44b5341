/*
 * AUTH (RFC 4954) on the submission ports, under TLS: PLAIN (RFC 4616) and
 * LOGIN, whose password is in memory from its line to auth's request, then
 * wiped; SCRAM (RFC 5802), whose messages go through to auth unread; and
 * EXTERNAL (RFC 4422 appendix A), for which auth looks at the client's
 * certificate.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "core/buf.h"
#include "sasl/mechanism.h"

struct session;
struct peer;

enum auth_step {
	AUTH_PLAIN,
	AUTH_LOGIN_USER,
	AUTH_LOGIN_PASSWORD,
	AUTH_EXCHANGE,
	AUTH_EXCHANGE_MORE,
	AUTH_EXTERNAL,
};

struct auth_exchange {
	const struct mechanism *mechanism;
	enum auth_step step; /* what the next line is */
	struct buf user;     /* who it says it is, as far as that is known */
	struct peer *peer;   /* where the messages go */
	uint32_t id;         /* of the exchange; 0: none is open */
};

/* What the session may choose from now. */
struct mechanism_offer auth_offer(const struct session *s);
/* Whatever is open at auth is given up. */
void auth_exchange_release(struct auth_exchange *a);

/* A line of the client in state AUTH. */
void auth_line(struct session *s, struct slice line);

/*
 * Splits a PLAIN message: authzid NUL authcid NUL password. -1 if it is
 * malformed or a part is empty that may not be.
 */
int auth_plain_parse(struct slice message, struct slice *authzid,
    struct slice *user, struct slice *password) MUST_CHECK;

#endif
