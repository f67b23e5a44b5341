/*
 * Conversation supervisor <-> every service, on descriptor 3. A service gets
 * its whole world here: settings, files, listening sockets, channels to the
 * peers the process table grants it. It holds no path and opens no socket.
 */
#ifndef WIRE_CONTROL_H
#define WIRE_CONTROL_H

#include "wire/wire.h"

#define WIRE_CONTROL_FD 3

enum wire_control_type {
	/* Supervisor to service. */

	/* slice build id, slice process name ("smtp-mx"), u32 uid, u32 gid
	 * (uid 0: do not drop, running as an ordinary user), slice root folder
	 * (chroot; "" none), slice settings (name NUL value NUL ...). First. */
	WIRE_CONTROL_CONFIG = 1,
	/* + fd. slice name ("tls-cert", "accounts" ...): a file's content,
	 * read-only. At start and again at each change. A name that ends in
	 * "/" starts over a set; without fd (-1) the file is gone. */
	WIRE_CONTROL_FILE,
	/* + fd. slice name ("25", "993"), listening socket. */
	WIRE_CONTROL_LISTEN,
	/* + fd. slice peer name, slice door, bool dial: a channel to (dial) or
	 * from a peer. Again whenever the peer was restarted. A peer to dial
	 * that is not running now comes without descriptor. */
	WIRE_CONTROL_PEER,
	WIRE_CONTROL_GO,   /* all given: start, answer READY */
	WIRE_CONTROL_STOP, /* finish what is under way, then exit 0 */
	/* id echoed in STATUS_REPLY. */
	WIRE_CONTROL_STATUS,

	/* Service to supervisor. */
	WIRE_CONTROL_READY,
	/* slice key=value text for `setup status`. */
	WIRE_CONTROL_STATUS_REPLY,
	/* slice file name, slice reason: a FILE could not be used; the old one
	 * stays. */
	WIRE_CONTROL_FILE_BAD,
	/* Only auth. slice account, slice line: a line for the file of SCRAM
	 * verifiers (conf/conf_scram.h), made at a login. */
	WIRE_CONTROL_SCRAM,
	WIRE_CONTROL_TYPES
};

#endif
