/* What an SPF check found, in header fields, replies and words. */
#ifndef MSGAUTH_SPF_REPORT_H
#define MSGAUTH_SPF_REPORT_H

#include "mail/authres.h"
#include "msgauth/spf.h"

/* RFC 8601 section 2.7.2: smtp.mailfrom with the sender, or smtp.helo. Views
 * into s and check. */
void spf_authres(const struct spf *s, const struct spf_check *check,
    struct authres_result *r);

/*
 * Appends the Received-SPF field (RFC 7208 section 9.1) in the form of
 * docker-mailserver's policyd-spf: "Received-SPF: Pass (mailfrom)
 * identity=mailfrom; client-ip=...; helo=...; envelope-from=...;
 * receiver=<UNKNOWN>".
 */
void spf_received(const struct spf *s, const struct spf_check *check,
    struct buf *out);

/* Appends the text of the reply that refuses a fail, one line of printable
 * ASCII: the reason, and what the domain itself has to say. */
void spf_refusal(const struct spf *s, struct buf *out);

/* "mailfrom" or "helo". */
const char *spf_identity_name(const struct spf *s);

#endif
