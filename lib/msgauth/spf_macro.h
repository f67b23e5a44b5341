/* SPF's macros (RFC 7208 section 7): their syntax, and expanding them. */
#ifndef MSGAUTH_SPF_MACRO_H
#define MSGAUTH_SPF_MACRO_H

#include "core/buf.h"

/* What the letters stand for (section 7.2). */
struct spf_macros {
	struct slice sender;     /* s */
	struct slice local;      /* l */
	struct slice origin;     /* o: the domain of the sender */
	struct slice domain;     /* d: whose record is being read */
	struct slice ip;         /* i */
	struct slice name;       /* p: the validated name, or "unknown" */
	struct slice family;     /* v: "in-addr" or "ip6" */
	struct slice helo;       /* h */
	struct slice readable;   /* c, in explanations only */
	struct slice receiver;   /* r, in explanations only */
	int64_t now;             /* t, in explanations only */
};

/*
 * Is text a macro-string (section 7.1)? explanation: an explain-string, which
 * may have blanks too. all_letters: "c", "r" and "t" are allowed. -1 with
 * *why if not.
 */
int spf_macro_check(struct slice text, bool explanation, bool all_letters,
    const char **why) MUST_CHECK;

/* Is text a domain-spec: a macro-string that ends in a macro or in a label
 * that a top-level domain can have? -1 with *why if not. */
int spf_macro_check_domain(struct slice text, const char **why) MUST_CHECK;

/* Does checked text use the letter (given in lower case)? */
bool spf_macro_uses(struct slice text, char letter);

/* Appends checked text, expanded. */
void spf_macro_expand(struct slice text, const struct spf_macros *m,
    struct buf *out);

/*
 * The same for a domain-spec, into an empty buffer: cut on the left to 253
 * octets (section 7.3), without a trailing dot. -1 with *why if the result is
 * no name that the DNS can be asked for.
 */
int spf_macro_name(struct slice spec, const struct spf_macros *m,
    struct buf *name, const char **why) MUST_CHECK;

/* Labels of 1 to 63 printable ASCII characters, two or more of them, at most
 * 253 octets together; a trailing dot is allowed. */
bool spf_name_valid(struct slice name);

#endif
