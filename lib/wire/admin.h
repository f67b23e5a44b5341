/*
 * The door admin of a service: words of `setup` that the supervisor passes on,
 * and the text that goes back. Services that have it say so in the process
 * table; beside it they have conversations of their own.
 *
 * WIRE_ADMIN: words separated by NUL ("list", "show\0ID").
 * Replies: any number of WIRE_ADMIN_TEXT (raw text), then WIRE_ADMIN_END: u8
 * exit status.
 */
#ifndef WIRE_ADMIN_H
#define WIRE_ADMIN_H

#include "wire/wire.h"

/* Above the types of every conversation. */
enum wire_admin_type {
	WIRE_ADMIN = 64,
	WIRE_ADMIN_TEXT,
	WIRE_ADMIN_END,
};

#endif
