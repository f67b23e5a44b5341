/*
 * The lines of a docker-mailserver table file: CRLF tolerated, blank lines
 * and comments skipped, numbers kept for messages. Used by the readers of the
 * config folder.
 */
#ifndef CONF_CONF_LINES_H
#define CONF_CONF_LINES_H

#include "conf/conf_problem.h"

struct conf_lines {
	struct slice rest;
	const char *path;
	struct conf_problems *problems;
	unsigned line; /* of the line given last, from 1 */
	bool tables;   /* lines that start with a blank continue the last one */
	struct buf *joined;
	bool crlf;     /* seen and reported */
};

/* text must stay until the last conf_lines_next. */
void conf_lines_init(struct conf_lines *l, const char *path, struct slice text,
    struct conf_problems *problems);

/*
 * The next line that counts, without its line end. Lines that hold a NUL, are
 * longer than LIMIT_CONFIG_LINE or are not UTF-8 are reported and skipped.
 */
bool conf_lines_next(struct conf_lines *l, struct slice *line);

#endif
