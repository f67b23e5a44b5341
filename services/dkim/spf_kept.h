/*
 * What SPF found at RCPT is kept for a minute, for the message that should
 * follow: so it need not be found twice.
 */
#ifndef SERVICES_DKIM_SPF_KEPT_H
#define SERVICES_DKIM_SPF_KEPT_H

#include "services/dkim/spf_work.h"

/*
 * Moves the results of finished work out of it, unless time may bring better
 * ones (temperror). The oldest make room for more than LIMIT_SPF_KEPT.
 */
void spf_kept_put(struct spf_work *w);

/* Moves kept results of the same client, HELO name and sender into w, of which
 * dkim, check and began are set. False if there are none. */
bool spf_kept_take(struct spf_work *w);

#endif
