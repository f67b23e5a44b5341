/* What the fields of a header have in common (RFC 5322 section 3.2). */
#ifndef MAIL_LEX_H
#define MAIL_LEX_H

#include "core/slice.h"

/* A blank, or a byte of a line end. */
static inline bool
lex_is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* specials (section 3.2.3): they end an atom. */
static inline bool
lex_is_special(char c)
{
	switch (c) {
	case '(': case ')': case '<': case '>': case '[': case ']':
	case ':': case ';': case '@': case '\\': case ',': case '.':
	case '"':
		return true;
	default:
		return false;
	}
}

/*
 * Behind white space and (nested) comments (CFWS, section 3.2.2); true if
 * something is left. A comment without its end takes all.
 */
bool lex_skip_cfws(struct slice *s);

#endif
