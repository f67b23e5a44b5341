/*
 * What our IMAP can do, as CAPABILITY says it (RFC 9051 6.1.1). One table for
 * login, which answers before authentication, and imap, which does after it:
 * so they agree. Each row says in which states it is shown.
 */
#ifndef WIRE_CAPABILITY_H
#define WIRE_CAPABILITY_H

#include "core/buf.h"

enum {
	CAPABILITY_CLEAR = 1,  /* before login: passwords are refused here */
	CAPABILITY_TLS = 2,    /* before login: STARTTLS is possible */
	CAPABILITY_SECURE = 4, /* before login: passwords are taken */
	CAPABILITY_USER = 8,   /* after login */
	CAPABILITY_QUOTA = 16, /* after login, where there are quotas */
	CAPABILITY_LEAVE = 32, /* after login, where one may undo it */
};

/* Appends "IMAP4rev1 ..." for a client in these states. */
void capability_put(struct buf *out, unsigned states);

#endif
