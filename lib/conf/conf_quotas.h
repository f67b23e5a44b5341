/*
 * dovecot-quotas.cf: how much a mailbox may hold, "user@domain:SIZE" a line
 * (dms-compat 3.5). Read by auth (who gets the content as a descriptor) and
 * setup, checked by the supervisor.
 */
#ifndef CONF_CONF_QUOTAS_H
#define CONF_CONF_QUOTAS_H

#include "conf/conf.h"
#include "core/map.h"

#define CONF_QUOTAS_FILE "dovecot-quotas.cf"

/* 0 is unlimited. Bytes count lines with CRLF. */
struct conf_quota {
	uint64_t bytes;
	uint64_t messages;
};

struct conf_quotas {
	struct map by_address; /* to struct conf_quota */
};

void conf_quotas_init(struct conf_quotas *q);
void conf_quotas_release(struct conf_quotas *q);

/*
 * Reads the text into q, which was just initialised. A line that cannot be
 * used is an error in problems and left out; of duplicates, a warning, the
 * first one counts. 0 if no error.
 */
int conf_quotas_parse(struct conf_quotas *q, const char *path,
    struct slice text, struct conf_problems *problems);

/* The line of that address, ASCII case ignored; NULL if there is none. */
const struct conf_quota *conf_quotas_find(const struct conf_quotas *q,
    struct slice address);

/* "0" or digits and one of B, k, M, G, T (powers of 1024). */
int conf_quota_size(struct slice text, uint64_t *bytes) MUST_CHECK;

/*
 * What a mailbox may hold: its line, else Dovecot's quota_rule among the extra
 * fields of the account ("userdb_quota_rule=*:storage=5G:messages=1000"), else
 * the defaults. All unlimited with ENABLE_QUOTAS=0.
 */
struct conf_quota conf_quota_of(const struct conf *c,
    const struct conf_quotas *q, struct slice address, struct slice extra);

#endif
