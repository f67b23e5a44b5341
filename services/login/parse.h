/* The little of IMAP's grammar that is needed before login. */
#ifndef SERVICES_LOGIN_PARSE_H
#define SERVICES_LOGIN_PARSE_H

#include "core/slice.h"

#define LOGIN_ARGS 4
/* A literal before login holds a user name or password, nothing longer. */
#define LOGIN_LITERAL 1024

enum login_parse {
	LOGIN_PARSE_OK,      /* a whole command of used bytes */
	LOGIN_PARSE_MORE,    /* it goes on: nothing used */
	LOGIN_PARSE_LITERAL, /* the same, and the client waits for "+" */
	LOGIN_PARSE_BAD,     /* malformed: used bytes are to be skipped */
};

struct login_line {
	struct slice tag;
	struct slice verb;
	struct slice args[LOGIN_ARGS];
	size_t count;   /* of args; a parenthesised list is none */
	size_t used;
};

/*
 * Reads one command (RFC 3501 9) from in: tag, verb, then astrings, with
 * synchronizing and non-synchronizing literals (RFC 7888). The slices are
 * views into in, or into scratch for quoted strings with escapes; scratch
 * holds at least in.n bytes.
 */
enum login_parse login_parse(struct slice in, char *scratch,
    struct login_line *out);

#endif
