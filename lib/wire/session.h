/*
 * Conversation login -> imap (later pop3, managesieve): an authenticated
 * client moves to its worker, and may come back.
 *
 * WIRE_SESSION + one end of a SOCK_STREAM socketpair: slice ticket, slice
 *	client ip, bool tls, slice command tag (the worker answers it: tagged
 *	OK with capabilities), slice input (what the client already sent behind
 *	the login command; the worker reads it first), slice session id for
 *	the log.
 * An end that closes is the worker's refusal. Login relays bytes between TLS
 * and the pair until either side closes, without any reply, or until the
 * client says UNAUTHENTICATE (RFC 8437). Then the worker has two, under the
 * id of the request:
 *
 * WIRE_SESSION_LEAVE: nothing. Login passes no more of the client's input on
 *	and ends its direction of the pair, so that the worker knows what has
 *	come already.
 * WIRE_SESSION_LEFT: bool ok, slice tag, slice input. The worker has closed
 *	the pair, or will at once; what is in it is the last that it says.
 *	Login then answers the command of that tag (an empty one is answered)
 *	and reads the input, which followed it, before any other. Not ok: the
 *	client cannot go on.
 */
#ifndef WIRE_SESSION_H
#define WIRE_SESSION_H

#include "wire/wire.h"

enum wire_session_type {
	WIRE_SESSION = 1,
	WIRE_SESSION_LEAVE,
	WIRE_SESSION_LEFT,
	WIRE_SESSION_TYPES
};

#endif
