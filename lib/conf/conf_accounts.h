/*
 * postfix-accounts.cf: one mailbox a line, "user@domain|{SCHEME}hash|fields".
 * dovecot-masters.cf: the same for those who may open every mailbox, with any
 * name in the place of the address; they log in as "user@domain*name" (dms
 * 3.7). Read by auth (who gets the content as a descriptor), checked by the
 * supervisor and setup.
 */
#ifndef CONF_CONF_ACCOUNTS_H
#define CONF_CONF_ACCOUNTS_H

#include "conf/conf_problem.h"
#include "core/arena.h"
#include "core/map.h"

#define CONF_ACCOUNTS_FILE "postfix-accounts.cf"
#define CONF_MASTERS_FILE "dovecot-masters.cf"
/* Between the name of the account and that of the master. */
#define CONF_MASTER_SEPARATOR '*'

struct conf_account {
	struct slice address; /* as written; or the name of a master */
	struct slice domain;  /* part of address; empty for a master */
	struct slice hash;    /* with its {SCHEME} if there is one */
	struct slice extra;   /* Dovecot fields, blank separated; may be empty */
	unsigned line;
};

struct conf_accounts {
	struct arena arena;
	struct conf_account *list; /* in file order */
	size_t n;
	struct map by_address;     /* for conf_accounts_find */
};

void conf_accounts_init(struct conf_accounts *a);
void conf_accounts_release(struct conf_accounts *a);

/*
 * Reads the text (copied, it may go after the call) into a, which was just
 * initialised. A line that cannot be used is an error in problems and left
 * out; duplicates are a warning, the first one counts. 0 if no error.
 */
int conf_accounts_parse(struct conf_accounts *a, const char *path,
    struct slice text, struct conf_problems *problems);

/* The same for the file of masters. */
int conf_masters_parse(struct conf_accounts *a, const char *path,
    struct slice text, struct conf_problems *problems);
/* Can this be the name of a master? */
bool conf_is_master(struct slice name);

/* The account of that address, ASCII case ignored; NULL if there is none. */
const struct conf_account *conf_accounts_find(const struct conf_accounts *a,
    struct slice address);

/* The next "key=value" (or "key") of extra, blank-separated; false at its
 * end. */
bool conf_account_field(struct slice *extra, struct slice *key,
    struct slice *value);

/* False with Dovecot's field "nologin" (dms-compat 3.3). */
bool conf_account_may_log_in(const struct conf_account *a);

#endif
