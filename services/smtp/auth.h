/*
 * AUTH (RFC 4954): PLAIN (RFC 4616) and LOGIN, on the submission ports, under
 * TLS. The password is in memory from its line to auth's request, then wiped.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "core/buf.h"

struct session;

enum auth_step { AUTH_PLAIN, AUTH_LOGIN_USER, AUTH_LOGIN_PASSWORD };

struct auth_exchange {
	enum auth_step step; /* what the next line is */
	struct buf user;     /* LOGIN: given already */
};

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
