/*
 * What the commands of setup share: the configuration, messages, questions.
 * A command is int run(struct setup *, int argc, char **argv) with the words
 * behind its name in argv, and returns the exit status.
 */
#ifndef SETUP_SETUP_H
#define SETUP_SETUP_H

#include "conf/conf.h"

struct setup {
	struct conf conf;
	struct conf_problems problems; /* of loading conf */
	const char *tool;  /* docker-mailserver's name: "addmailuser" */
	const char *usage;
	const char *group; /* the words that chose the command: "queue", */
	const char *verb;  /* "flush"; NULL if there is no second one */
};

/*
 * One message in docker-mailserver's format, "DATE LEVEL TOOL: text", if
 * LOG_LEVEL lets it through; warnings and errors to stderr, others to stdout.
 */
void say(const struct setup *s, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* An error, then "Aborting"; returns 1, the exit status. */
int say_abort(const struct setup *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The usage on stdout; returns status. */
int say_usage(const struct setup *s, int status);

/*
 * 0 if arg looks like the address of an account (dms-compat 4.2, step 1);
 * else -1 after saying why not.
 */
int account_check(const struct setup *s, const char *arg) MUST_CHECK;

/*
 * Asks on stderr if stdin is a terminal, and reads one line from stdin without
 * its line end. hidden: not echoed. -1 at the end of stdin or if the answer is
 * longer than answer's maximum.
 */
int ask(const char *question, bool hidden, struct buf *answer) MUST_CHECK;

/*
 * The password argument, or the answer to "Enter Password" and "Confirm
 * Password". -1 after saying why not.
 */
int ask_password(const struct setup *s, const char *argument,
    struct buf *password) MUST_CHECK;

#endif
