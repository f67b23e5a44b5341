/*
 * Conversations with auth: who exists, who may log in, how much a mailbox may
 * hold. Four doors.
 *
 * auth.lookup (smtp-mx, smtp-submit, queue): addresses to mailboxes.
 * auth.verify (login, smtp-submit): passwords.
 * auth.redeem (imap): what a login ticket is worth; and as auth.mailbox.
 * auth.mailbox (deliver): what a mailbox may hold, and does.
 *
 * Limits have one owner, auth. What a mailbox holds is known where the store
 * is: deliver and imap report it after each change of a mailbox that has a
 * limit. auth believes a report for ten minutes, so that RCPT can refuse for a
 * full mailbox; after that, and after a restart of auth, the message comes as
 * far as deliver, which always knows, and reports again.
 *
 * smtp-mx has the door lookup only: it can learn that an address exists,
 * which RCPT tells everybody anyway, and nothing else (law 1).
 */
#ifndef WIRE_AUTH_H
#define WIRE_AUTH_H

#include "wire/wire.h"

enum wire_auth_type {
	/* lookup door.
	 * WIRE_AUTH_RCPT: slice address (as in RCPT TO, no <>).
	 * Reply WIRE_AUTH_RCPT_REPLY: enum wire_rcpt_result result,
	 *	u32 count, count * { enum wire_target_kind kind, slice address }.
	 * The targets are final: aliases followed, duplicates gone, local
	 * ones in canonical form (the login name of the mailbox; detail
	 * dropped). FULL comes with targets as OK does. */
	WIRE_AUTH_RCPT = 1,
	WIRE_AUTH_RCPT_REPLY,
	/* WIRE_AUTH_SENDER: slice user, slice address. May user send with this
	 * reverse-path (SPOOF_PROTECTION, dms-compat 6.6)?
	 * Reply WIRE_AUTH_SENDER_REPLY: bool allowed. */
	WIRE_AUTH_SENDER,
	WIRE_AUTH_SENDER_REPLY,
	/* WIRE_AUTH_DOMAIN: slice domain. Is it hosted here?
	 * Reply WIRE_AUTH_DOMAIN_REPLY: bool. */
	WIRE_AUTH_DOMAIN,
	WIRE_AUTH_DOMAIN_REPLY,

	/* mailbox and redeem doors.
	 * WIRE_AUTH_USER: slice user (canonical). Does this mailbox exist, and
	 * what may it hold?
	 * Reply WIRE_AUTH_USER_REPLY: bool exists, u64 bytes, u64 messages
	 *	(0: no limit). */
	WIRE_AUTH_USER,
	WIRE_AUTH_USER_REPLY,

	/* verify door.
	 * WIRE_AUTH_VERIFY: u8 enum wire_auth_service, slice client ip text,
	 *	slice authzid, slice user, slice password.
	 * Reply WIRE_AUTH_VERIFY_REPLY: enum wire_verify_result result,
	 *	slice user (canonical, "" unless OK),
	 *	slice ticket (16 bytes for WIRE_SERVICE_IMAP/POP3/SIEVE when OK,
	 *	else empty). The reply to a failure comes late on purpose. */
	WIRE_AUTH_VERIFY,
	WIRE_AUTH_VERIFY_REPLY,

	/* redeem door.
	 * WIRE_AUTH_REDEEM: slice ticket. Single use, valid 60 s.
	 * Reply WIRE_AUTH_REDEEM_REPLY: bool ok, slice user,
	 *	u8 enum wire_auth_service, u64 bytes, u64 messages (limits as
	 *	in WIRE_AUTH_USER_REPLY). */
	WIRE_AUTH_REDEEM,
	WIRE_AUTH_REDEEM_REPLY,

	/* mailbox and redeem doors.
	 * WIRE_AUTH_USAGE: slice user, u64 bytes, u64 messages. What it holds
	 * now. No reply. */
	WIRE_AUTH_USAGE,
	WIRE_AUTH_TYPES
};

enum wire_rcpt_result {
	WIRE_RCPT_OK,       /* targets has at least one */
	WIRE_RCPT_UNKNOWN,  /* our domain, no such user: 550 5.1.1 */
	WIRE_RCPT_NOT_OURS, /* another domain: relaying */
	WIRE_RCPT_LOOP,     /* aliases loop or expand too far: 550 5.4.6 */
	WIRE_RCPT_LATER,    /* cannot say now: 451 4.3.0 */
	WIRE_RCPT_FULL,     /* every target is a mailbox that is full: 552 5.2.2
	                       for strangers, OK for others */
	WIRE_RCPT_RESULTS
};

enum wire_target_kind { WIRE_TARGET_LOCAL, WIRE_TARGET_REMOTE, WIRE_TARGET_KINDS };

enum wire_auth_service {
	WIRE_SERVICE_SMTP,
	WIRE_SERVICE_IMAP,
	WIRE_SERVICE_POP3,
	WIRE_SERVICE_SIEVE,
	WIRE_SERVICES
};

enum wire_verify_result {
	WIRE_VERIFY_OK,
	WIRE_VERIFY_DENIED, /* wrong user or password; they look the same */
	WIRE_VERIFY_LATER,  /* overloaded or no account file yet */
	WIRE_VERIFY_RESULTS
};

#define WIRE_TICKET 16

#endif
