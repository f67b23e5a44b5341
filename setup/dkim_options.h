/* The words behind setup config dkim (dms-compat 4.9), of open-dkim and of
 * rspamd-dkim. */
#ifndef SETUP_DKIM_OPTIONS_H
#define SETUP_DKIM_OPTIONS_H

#include "setup/setup.h"

struct dkim_options {
	unsigned bits;
	bool ed25519;
	bool bits_given;
	bool force;
	const char *selector;
	const char *domains; /* NULL: the default */
};

/* Where the answer is not an exit status. */
#define DKIM_OPTIONS_GOOD (-1)

/*
 * Fills *o, which has the defaults. rspamd: its form, with -f, -v and -vv (in
 * s) besides. DKIM_OPTIONS_GOOD, or the exit status after saying what is wrong
 * or showing the usage.
 */
int dkim_options_take(struct setup *s, int argc, char **argv, bool rspamd,
    struct dkim_options *o) MUST_CHECK;

#endif
