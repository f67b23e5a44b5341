/* What the explain commands share: their options. */
#ifndef SETUP_EXPLAIN_H
#define SETUP_EXPLAIN_H

#include "setup/setup.h"

/* "--name VALUE" or "--name=VALUE"; with flag "--name" alone. */
struct explain_option {
	const char *name;
	const char **value; /* stays as it is if the option is not given */
	bool *flag;
};

/*
 * Reads the options; what is none goes, in order, to words, at most max of
 * them. Returns how many words there are, or -1 after saying what is wrong
 * and how it is right: the caller returns EXPLAIN_MISUSE.
 */
int explain_options(const struct setup *s, int argc, char **argv,
    const struct explain_option *options, size_t n, const char **words,
    int max) MUST_CHECK;

/* The exit status for misuse; a verdict is 0, whichever. */
#define EXPLAIN_MISUSE 2
/* Says what is wrong and how it is right; returns EXPLAIN_MISUSE. */
int explain_misuse(const struct setup *s, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

#endif
