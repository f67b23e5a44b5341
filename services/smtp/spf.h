/*
 * May this client send for the domain it names? dkim knows (wire/dkim.h, door
 * spf); it is asked once a transaction, at the first recipient, so that a mail
 * that will be refused is not sent first (RFC 7208 section 2.5). The results
 * for the header come from dkim's verdict at the end of the data.
 */
#ifndef SMTP_SPF_H
#define SMTP_SPF_H

#include "services/smtp/session.h"

/* Is the answer still missing, and does it matter for this client? */
bool spf_is_open(const struct session *s);

/*
 * Asks; then is called once, later, with the session going on. What refuses
 * the mail is in s->t.spf_refusal. If dkim is away nothing is refused here: its
 * verdict at the end of the data still stands.
 */
void spf_ask(struct session *s, void (*then)(struct session *));

#endif
