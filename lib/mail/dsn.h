/*
 * Delivery status notifications: multipart/report as of RFC 3464 (RFC 6533
 * where an address has UTF-8), with CRLF line ends. The queue sends them.
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "core/buf.h"

enum dsn_action {
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED,
	DSN_RELAYED,
	DSN_EXPANDED,
};

/* Empty slices and zero times are left out. */
struct dsn_recipient {
	struct slice final;      /* address without brackets */
	struct slice original;   /* ORCPT decoded: "rfc822;a@b" */
	enum dsn_action action;
	struct slice status;     /* "5.1.1" */
	struct slice remote_mta; /* host name */
	struct slice diagnostic; /* the reply, "550 5.1.1 no such user" */
	int64_t last_attempt;
	int64_t retry_until;     /* delayed only */
};

struct dsn {
	struct slice host;       /* reporting MTA, ours */
	struct slice sender;     /* whom the report goes to, no brackets */
	struct slice envid;      /* decoded */
	struct slice queue_id;
	struct slice message_id; /* new, with brackets (msgid_make) */
	int64_t date;
	int zone;                /* minutes, or DATE_LOCAL */
	int64_t arrival;
	const struct dsn_recipient *recipients;
	size_t n;                /* at least one */
	struct slice original;   /* the message */
	bool full;               /* RET=FULL: all of it, else its header */
};

/*
 * Appends the report. The kind (bounce, delay warning, success) follows from
 * the worst action among the recipients. -1 if out is too small.
 */
int dsn_build(struct buf *out, const struct dsn *d) MUST_CHECK;

const char *dsn_action_name(enum dsn_action action);

/* xtext of RFC 3461 section 4, as in ENVID and ORCPT. -1 if malformed. */
int dsn_xtext_decode(struct buf *out, struct slice in) MUST_CHECK;
void dsn_xtext_encode(struct buf *out, struct slice in);

#endif
