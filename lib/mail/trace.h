/*
 * Trace fields: Received and Return-Path (RFC 5321 4.4), with CRLF line ends.
 * Values from outside are cleaned: nothing in them can end a line, open or
 * close a comment.
 */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include "core/buf.h"

struct trace_received {
	struct slice helo;
	struct slice rdns;  /* empty: "unknown" */
	struct slice ip;    /* "192.0.2.1" or "2001:db8::1"; the latter gets its
			     * "IPv6:" tag */
	struct slice by;    /* our host name */
	struct slice id;    /* queue id */
	struct slice rcpt;  /* address without brackets; empty: no "for" */
	struct slice login; /* not empty: "(Authenticated sender: ...)" */
	bool extended;      /* EHLO was used */
	bool tls;
	bool auth;
	bool utf8;          /* UTF8SMTP, UTF8SMTPSA ... (RFC 6531 4.3) */
	bool hide_client;   /* no from clause and no login: for submission */
	int64_t date;
	int zone;           /* minutes, or DATE_LOCAL */
};

/*
 * Received: from HELO (RDNS [IP])
 *	by HOST (Pillarbox) with ESMTPS id ID
 *	for <RCPT>; DATE
 */
void trace_received(struct buf *out, const struct trace_received *r);

/* "SMTP", "ESMTPS", "UTF8SMTPSA" ... (RFC 3848, RFC 6531 4.3). */
const char *trace_protocol(bool extended, bool tls, bool auth, bool utf8);

/* "Return-Path: <path>"; path has no brackets, empty is the null path. */
void trace_return_path(struct buf *out, struct slice path);

#endif
