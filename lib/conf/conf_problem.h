/*
 * What is wrong with a configuration: a list of finished lines, each with the
 * place it stands at ("postfix-accounts.cf:3: ...", "environment TLS_LEVEL:
 * ..."). Readers add to it, the supervisor logs it, setup prints it.
 */
#ifndef CONF_CONF_PROBLEM_H
#define CONF_CONF_PROBLEM_H

#include "core/log.h"

/* More than this many are counted but not kept. */
#define CONF_PROBLEMS_KEPT 200

struct conf_problem {
	enum log_level level; /* LOG_ERROR, LOG_WARN or LOG_INFO */
	char *text;           /* one line, printable UTF-8 */
};

struct conf_problems {
	struct conf_problem *list;
	size_t n;
	size_t errors;
	size_t warnings;
};

void conf_problems_init(struct conf_problems *p);
void conf_problems_release(struct conf_problems *p);

/* A problem with no place in a file. p may be NULL for all three. */
void conf_problem(struct conf_problems *p, enum log_level level,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A problem at path:line, or path:line:column when column is not 0. */
void conf_problem_at(struct conf_problems *p, enum log_level level,
    const char *path, unsigned line, unsigned column, const char *fmt, ...)
    PRINTF_LIKE(6, 7);

#endif
