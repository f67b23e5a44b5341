/*
 * Lines with a name and a password: mailboxes and masters (dms-compat 4.2,
 * 4.8).
 */
#ifndef SETUP_ACCOUNT_H
#define SETUP_ACCOUNT_H

#include "setup/setup.h"

struct account_kind {
	const char *file;
	/* -1 after saying why the argument is none, as docker-mailserver
	 * does. */
	int (*check)(const struct setup *s, const char *arg);
	/* Ours, and what is said where it is false. */
	bool (*is_name)(struct slice name);
	const char *wrong;
	const char *scram_prefix; /* of the name, in the file of verifiers */
};

/* The command "add" or "update": argv is the name and perhaps the password.
 * Returns the exit status. */
int account_put(const struct setup *s, int argc, char **argv,
    const struct account_kind *kind, bool update);
/* Removes the line of the name from a table that may not exist. -1 after
 * saying why not. */
int account_drop_line(const struct setup *s, const char *file,
    struct slice name, const char *delimiters) MUST_CHECK;

#endif
