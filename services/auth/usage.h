/*
 * What mailboxes hold, as deliver and imap reported it lately. Only a hint for
 * RCPT: who has the store decides.
 */
#ifndef SERVICES_AUTH_USAGE_H
#define SERVICES_AUTH_USAGE_H

#include "conf/conf_quotas.h"
#include "core/list.h"
#include "core/map.h"

struct usage {
	struct map by_user;
	struct list order; /* the oldest report first */
};

void usage_init(struct usage *u);
void usage_release(struct usage *u);

/* user holds this much now (times in milliseconds). */
void usage_report(struct usage *u, struct slice user,
    const struct conf_quota *held, uint64_t now_ms);

/*
 * True if a report that is not older than ten minutes reaches a limit. Older
 * ones are not believed: another program may have emptied the mailbox.
 */
bool usage_is_full(struct usage *u, struct slice user,
    const struct conf_quota *limit, uint64_t now_ms);

#endif
