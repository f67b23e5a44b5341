/* The domains that the mail server hosts. */
#ifndef SETUP_DOMAINS_H
#define SETUP_DOMAINS_H

#include "core/arena.h"
#include "setup/setup.h"

struct domains {
	struct arena arena;
	struct slice *list; /* A-labels, lower case, sorted, each once */
	size_t n;
};

/*
 * Those of postfix-accounts.cf and of the keys with "@" in postfix-virtual.cf.
 * Lines that cannot be used are left out. -1 after saying why a file cannot be
 * read; domains_release in every case.
 */
int domains_load(const struct setup *s, struct domains *d) MUST_CHECK;
/* Those of a comma-separated list. -1 after saying which is no domain. */
int domains_parse(const struct setup *s, struct domains *d, const char *list)
    MUST_CHECK;
void domains_release(struct domains *d);
/* True if a is a subdomain of b (not b itself). */
bool domains_is_below(struct slice a, struct slice b);

#endif
