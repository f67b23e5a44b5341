/*
 * Conversation queue -> relay: one message to one next hop by SMTP.
 *
 * WIRE_RELAY carries the read-only body descriptor. relay answers with one
 * WIRE_RELAY_RESULT per recipient (by index) and then WIRE_RELAY_END, which
 * says what holds for the whole destination.
 */
#ifndef WIRE_RELAY_H
#define WIRE_RELAY_H

#include "wire/deliver.h"

enum wire_relay_type {
	/* slice queue id, slice sender, edit, u64 size of the original,
	 * bool body_8bit, bool smtputf8, slice ret, slice envid,
	 * slice next hop: a domain (look up MX), "[host]:port" (no MX) or
	 *	"host:port" (smarthost with MX lookup),
	 * slice auth user, slice auth password ("" none; then with TLS only),
	 * u32 count, count * { slice address, slice orcpt, u8 notify }. */
	WIRE_RELAY = 1,
	/* u32 index, enum wire_outcome, slice enhanced, slice text (reply of
	 * the remote server, sanitized, one line), slice remote host
	 * ("mx.example.com [192.0.2.1]:25" or ""), bool remote supports DSN. */
	WIRE_RELAY_RESULT,
	/* bool host_unreachable: no connection could be made at all, the whole
	 * destination should rest. */
	WIRE_RELAY_END,
	WIRE_RELAY_TYPES
};

#define WIRE_RELAY_RECIPIENTS 100 /* RFC 5321 4.5.3.1.8 */

#endif
