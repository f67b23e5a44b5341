/* The syntax of SPF records (RFC 7208 sections 4.5, 4.6, 5, 6). */
#ifndef MSGAUTH_SPF_RECORD_H
#define MSGAUTH_SPF_RECORD_H

#include "core/slice.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT,
	SPF_EXP,
	SPF_UNKNOWN, /* a modifier that nobody knows */
	SPF_KINDS
};

/* One mechanism or modifier. Slices are views into the record. */
struct spf_term {
	enum spf_kind kind;
	char qualifier;       /* "+", "-", "~", "?" */
	struct slice text;    /* the whole term */
	struct slice spec;    /* domain-spec, or empty */
	unsigned bits4;       /* prefix lengths */
	unsigned bits6;
	unsigned char network[16]; /* of ip4 the first four */
};

struct spf_record {
	struct slice text;     /* owned by whoever gave it */
	struct slice rest;     /* terms still to be evaluated */
	struct slice redirect; /* the whole terms, or empty */
	struct slice exp;
};

/* Does text begin with the version section (section 4.5)? */
bool spf_record_is(struct slice text);

/*
 * Checks the whole record, which must have the version section. -1 with *why
 * and *bad, the term that is wrong.
 */
int spf_record_parse(struct spf_record *r, struct slice text,
    struct slice *bad, const char **why) MUST_CHECK;

/* One term; -1 with *why if it is malformed. */
int spf_term_parse(struct spf_term *t, struct slice text, const char **why)
    MUST_CHECK;

/* The next term of a parsed record that is a mechanism; false at the end. */
bool spf_record_next(struct spf_record *r, struct spf_term *t);

#endif
