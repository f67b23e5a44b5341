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
	 * Reply WIRE_AUTH_VERIFY_REPLY: struct wire_auth_reply. The reply to a
	 * failure comes late on purpose. */
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

	/* verify door: an exchange of SASL messages. The caller passes them on
	 * and understands none, so it sees neither password nor verifier.
	 * WIRE_AUTH_SASL: struct wire_auth_sasl, the client's first message.
	 * Each reply is a WIRE_AUTH_VERIFY_REPLY. With WIRE_VERIFY_CHALLENGE it
	 * has a message for the client, and the client's answer follows under
	 * the same id:
	 * WIRE_AUTH_SASL_MORE: slice message.
	 * WIRE_AUTH_SASL_ABORT: nothing. The client gave up or is gone; no
	 * reply. Any other reply ends the exchange; so does a minute's silence
	 * of the client, with WIRE_VERIFY_LATER. */
	WIRE_AUTH_SASL,
	WIRE_AUTH_SASL_MORE,
	WIRE_AUTH_SASL_ABORT,

	/* verify door: SASL EXTERNAL.
	 * WIRE_AUTH_EXTERNAL: struct wire_auth_external.
	 * Reply WIRE_AUTH_VERIFY_REPLY, as to a password. The caller has seen
	 * the client prove that it has the certificate's key; whose it is it
	 * does not say: auth checks the certificate itself and takes the
	 * addresses from it. A caller that is taken over can so become the
	 * owner of a certificate that it has, and nobody else. */
	WIRE_AUTH_EXTERNAL,
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
	WIRE_VERIFY_FORBIDDEN, /* the right password, but no right to act as
	                        * the account that was asked for */
	WIRE_VERIFY_LATER,  /* overloaded or no account file yet */
	WIRE_VERIFY_CHALLENGE, /* SASL goes on */
	WIRE_VERIFY_RESULTS
};

#define WIRE_TICKET 16

struct wire_auth_reply {
	enum wire_verify_result result;
	struct slice user;    /* canonical when OK; else who it said it is, as
	                       * far as that is known, for the log */
	struct slice master;  /* who opens the mailbox of user with a password
	                       * of its own; "" if it is user itself */
	struct slice ticket;  /* when OK and not for SMTP: WIRE_TICKET bytes */
	struct slice message; /* of WIRE_VERIFY_CHALLENGE */
};

void wire_auth_reply_put(struct buf *b, const struct wire_auth_reply *r);
int wire_auth_reply_get(struct slice payload, struct wire_auth_reply *r)
    MUST_CHECK;

struct wire_auth_sasl {
	enum wire_auth_service service;
	struct slice client_ip;
	struct slice mechanism;
	struct slice message;
	/* Channel bindings (io/tls.h), empty where there are none, and whether
	 * the mechanisms that use them were offered. */
	bool plus_offered;
	struct slice tls_exporter;
	struct slice tls_unique;
	struct slice tls_end_point;
};

#define WIRE_BINDING 64 /* most bytes of a channel binding */

void wire_auth_sasl_put(struct buf *b, const struct wire_auth_sasl *s);
int wire_auth_sasl_get(struct slice payload, struct wire_auth_sasl *s)
    MUST_CHECK;

struct wire_auth_external {
	enum wire_auth_service service;
	struct slice client_ip;
	struct slice authzid;
	struct slice certificates; /* in DER, the client's own first, then what
	                            * it sent with it; empty: it has none */
};

void wire_auth_external_put(struct buf *b, const struct wire_auth_external *e);
int wire_auth_external_get(struct slice payload, struct wire_auth_external *e)
    MUST_CHECK;

#endif
