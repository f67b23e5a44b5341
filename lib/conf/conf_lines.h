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
	/* NULL, or where the caller wants lines joined: as in a Postfix table,
	 * a line that starts with a blank continues the one before it. */
	struct buf *joined;
	unsigned next; /* lines taken from rest so far */
	bool crlf;     /* seen and reported */
	bool bad;      /* a line was reported as an error */
};

/* text and path must stay until the last conf_lines_next. */
void conf_lines_init(struct conf_lines *l, const char *path, struct slice text,
    struct conf_problems *problems);

/*
 * The next line that counts, without its line end. Lines that hold a NUL, are
 * longer than LIMIT_CONFIG_LINE or are not UTF-8 are reported and skipped.
 */
bool conf_lines_next(struct conf_lines *l, struct slice *line);

#endif
