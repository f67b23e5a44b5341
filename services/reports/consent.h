/*
 * Whom a report goes to: the addresses of rua=, and whether those elsewhere
 * want it (RFC 7489 section 7.1). No I/O: consent_step says what to ask.
 */
#ifndef REPORTS_CONSENT_H
#define REPORTS_CONSENT_H

#include "core/arena.h"
#include "msgauth/question.h"

struct consent_address {
	struct slice address;
	uint64_t most;  /* octets of a report, 0: any */
	bool asked;     /* the answer of its host is waited for */
	bool good;
};

struct consent {
	struct arena arena;
	struct slice domain; /* where the policy was found */
	struct consent_address list[LIMIT_NOTES_RECIPIENTS];
	size_t n;
	size_t at;           /* the next to look at */
	bool unknown;        /* somebody's host could not be asked now */
};

/* record: the text of the policy. */
void consent_init(struct consent *c, struct slice domain, struct slice record);
void consent_release(struct consent *c);

/* MSGAUTH_DONE: the good ones are known. */
enum msgauth_step consent_step(struct consent *c, struct dns_question *q);
/* What the resolver said; NULL: it does not answer. */
void consent_answer(struct consent *c, const struct wire_dns_answer *a);

#endif
