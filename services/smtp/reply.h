/* Replies to the client: queued, counted, and for refusals logged. */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "services/smtp/session.h"

/*
 * One reply line, without its CRLF: "250 2.0.0 Ok". 5yz counts as an error
 * of the client. Control bytes from the arguments become "?".
 */
void reply(struct session *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same, with a log line: command refused, with from, to, proto and helo.
 * to may be empty. */
void reply_reject(struct session *s, const char *command, struct slice to,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
