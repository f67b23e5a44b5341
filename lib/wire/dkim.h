/*
 * Conversations with dkim. queue: sign what leaves, judge what comes in; each
 * of its requests carries the read-only body descriptor (CRLF). smtp-mx,
 * through the door spf: may this client send at all?
 */
#ifndef WIRE_DKIM_H
#define WIRE_DKIM_H

#include "wire/edit.h"

enum wire_dkim_type {
	/* WIRE_DKIM_SIGN: u64 size, edit (headers already added and cut: the
	 *	signature covers the message as it will leave).
	 * Reply WIRE_DKIM_SIGNED: slice header fields ("DKIM-Signature: ...\r\n"
	 *	one per key; "" if no key matches the From domain). */
	WIRE_DKIM_SIGN = 1,
	WIRE_DKIM_SIGNED,
	/* WIRE_DKIM_VERIFY: u64 size, slice client ip, slice helo,
	 *	slice sender, slice authserv-id (our host name).
	 *	The client is neither trusted nor logged in.
	 * Reply WIRE_DKIM_VERDICT: slice header fields
	 *	("Received-SPF: ...\r\nAuthentication-Results: ...\r\n"),
	 *	u32 code (0: accept; else 4xx/5xx to answer), slice enhanced,
	 *	slice text, bool junk (file it as spam), bool dmarc (it
	 *	passed), u8 chain (enum wire_dkim_chain), u32 cuts, cuts * { u64 start, u64 end }:
	 *	forged Authentication-Results of our name (RFC 8601 section 5). */
	WIRE_DKIM_VERIFY,
	WIRE_DKIM_VERDICT,
	/* WIRE_SPF_CHECK (door spf): slice client ip, slice helo,
	 *	slice sender.
	 * Reply WIRE_SPF_VERDICT: slice text: why 550 5.7.23, a line of
	 *	ASCII; "" if SPF refuses nothing. */
	WIRE_SPF_CHECK,
	WIRE_SPF_VERDICT,
	/* WIRE_DKIM_SEAL: u64 size, edit (as it will leave), slice address
	 *	(of ours, to which the message came: its domain seals), slice
	 *	results (value of our Authentication-Results), u8 chain (enum
	 *	wire_dkim_chain, as the verdict had it). For what is passed on.
	 * Reply WIRE_DKIM_SIGNED: an ARC set, or "" if there is no key, or the
	 *	chain ends here. */
	WIRE_DKIM_SEAL,
	WIRE_DKIM_TYPES
};

/* What came of the ARC chain (RFC 8617 4.4). */
enum wire_dkim_chain {
	WIRE_DKIM_CHAIN_NONE,
	WIRE_DKIM_CHAIN_PASS,
	WIRE_DKIM_CHAIN_FAIL,
	WIRE_DKIM_CHAINS
};

#endif
