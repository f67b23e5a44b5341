/*
 * Conversation login -> imap (later pop3, managesieve): an authenticated
 * client moves to its worker.
 *
 * WIRE_SESSION + one end of a SOCK_STREAM socketpair: slice ticket, slice
 *	client ip, bool tls, slice command tag (the worker answers it: tagged
 *	OK with capabilities), slice input (what the client already sent behind
 *	the login command; the worker reads it first), slice session id for
 *	the log.
 * No reply: an end that closes is the worker's refusal. Login relays bytes
 * between TLS and the pair until either side closes.
 */
#ifndef WIRE_SESSION_H
#define WIRE_SESSION_H

#include "wire/wire.h"

enum wire_session_type { WIRE_SESSION = 1, WIRE_SESSION_TYPES };

#endif
