/*
 * postfix-virtual.cf: aliases, "key target[,target...]". A key is
 * user@domain, @domain (catch-all) or a bare user (at the host name only).
 * This reads the file; the lookup order and the recursion are auth's.
 */
#ifndef CONF_CONF_VIRTUAL_H
#define CONF_CONF_VIRTUAL_H

#include "conf/conf_problem.h"
#include "core/arena.h"
#include "core/map.h"

#define CONF_VIRTUAL_FILE "postfix-virtual.cf"

struct conf_alias {
	struct slice key;      /* as written */
	struct slice *targets; /* as written, in file order; at least one */
	size_t n;
	unsigned line;
};

struct conf_virtual {
	struct arena arena;
	struct conf_alias *list; /* in file order */
	size_t n;
	struct map by_key;       /* for conf_virtual_find */
};

void conf_virtual_init(struct conf_virtual *v);
void conf_virtual_release(struct conf_virtual *v);

/* Like conf_accounts_parse. A key on several lines is a warning, the first
 * line counts, as in a Postfix table. */
int conf_virtual_parse(struct conf_virtual *v, const char *path,
    struct slice text, struct conf_problems *problems);

/* The alias with exactly that key, ASCII case ignored; NULL if none. */
const struct conf_alias *conf_virtual_find(const struct conf_virtual *v,
    struct slice key);

#endif
