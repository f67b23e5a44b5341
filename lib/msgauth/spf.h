/*
 * The Sender Policy Framework (RFC 7208): may this client send mail in the
 * name of this domain? A machine that asks the DNS through its caller
 * (question.h):
 *
 *	spf_init(&s, &check, SPF_MAILFROM);
 *	while (spf_step(&s, &q) == MSGAUTH_ASK)
 *		spf_answer(&s, look_up(q.name, q.type));
 *	... s.result, s.why ...
 *	spf_release(&s);
 *
 * What a hostile domain can make it do is bounded by the LIMIT_SPF_ of
 * core/limits.h.
 */
#ifndef MSGAUTH_SPF_H
#define MSGAUTH_SPF_H

#include "core/arena.h"
#include "core/limits.h"
#include "msgauth/question.h"
#include "msgauth/spf_ip.h"
#include "msgauth/spf_macro.h"
#include "msgauth/spf_record.h"

enum spf_result { /* section 2.6 */
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
	SPF_RESULTS
};

enum spf_identity { SPF_MAILFROM, SPF_HELO };

/* What is known about the client. */
struct spf_check {
	struct spf_ip ip;
	struct slice helo;     /* as given, or empty */
	struct slice sender;   /* reverse-path without brackets; empty: <> */
	struct slice receiver; /* our host name */
	int64_t now;           /* seconds since the epoch */
	bool tell;             /* keep the lookups, for a person to read */
};

/* One question that was asked. */
struct spf_lookup {
	struct slice name;
	uint32_t type;
	enum wire_dns_status status;
	struct slice term;     /* the term that needed it, or empty */
	struct slice domain;   /* whose record has the term */
	struct slice text;     /* what came, readable; some 500 octets */
};

/* One record being evaluated. */
struct spf_frame {
	struct slice domain;       /* "d" */
	struct slice from;         /* the include or redirect that led here */
	struct slice from_domain;
	struct spf_record record;
	struct spf_term term;
	bool fetched;
	bool open;                 /* term was begun and not decided yet */
	bool counted;              /* it was counted as one that asks */
	bool empty;                /* it was counted as one with no answer */
};

struct spf {
	/* The answer, once spf_step says MSGAUTH_DONE. */
	enum spf_result result;
	struct slice domain;       /* that was checked, A-labels; or empty */
	struct slice why;          /* a sentence */
	struct slice rule;         /* the term that decided; "" if none did */
	struct slice rule_domain;  /* whose record has it */
	struct slice inner;        /* with include: what matched there */
	struct slice inner_domain;
	/* What the domain wants to be said with a fail (section 6.2), printable
	 * ASCII; or empty. Whose words they are is explained_by. */
	struct slice explanation;
	struct slice explained_by;
	struct spf_lookup *lookups; /* asked of them, with check.tell */
	size_t asked;

	/* Private. */
	struct arena arena;
	enum spf_identity identity;
	struct spf_ip ip;
	struct spf_macros macros;
	bool tell, done;
	enum { SPF_EVALUATES, SPF_NAMES_EXP, SPF_EXPANDS_EXP } phase;
	struct spf_frame stack[LIMIT_SPF_DEPTH];
	size_t depth;
	unsigned terms, voids;
	size_t text;                /* octets of all records */
	unsigned ask;               /* what the question is for */
	struct buf name;            /* the question */
	uint32_t type;
	struct slice hosts[LIMIT_SPF_MX > LIMIT_SPF_PTR ? LIMIT_SPF_MX :
	    LIMIT_SPF_PTR];         /* names whose addresses are asked for */
	size_t host_count, host_at;
	struct slice validated[LIMIT_SPF_PTR]; /* the client's names */
	size_t validated_count;
	bool validation;            /* was made */
	bool nameless;              /* and there was no PTR record */
	struct slice exp;           /* explain-string that waits for it */
};

/*
 * Begins. With SPF_HELO the identity is the HELO name; with SPF_MAILFROM the
 * sender, or postmaster at the HELO name for the null path (section 2.4).
 * Slices in check must stay until spf_release.
 */
void spf_init(struct spf *s, const struct spf_check *check,
    enum spf_identity identity);
void spf_release(struct spf *s);

/* MSGAUTH_ASK: *q is the next question, valid until the answer. */
enum msgauth_step spf_step(struct spf *s, struct dns_question *q);
/* The answer; NULL: none came. Nothing of it is kept. */
void spf_answer(struct spf *s, const struct wire_dns_answer *a);
/* Time is up (section 4.6.4): a check that is not done is a temperror. */
void spf_give_up(struct spf *s);

/* "pass", "fail" ...; RFC 8601 section 2.7.2 has the same words. */
const char *spf_result_name(enum spf_result result);

/*
 * The domain of an address or a HELO name as the DNS has it: lower case,
 * A-labels, no trailing dot. -1 if it is no name of several labels (an address
 * literal, a single word).
 */
int spf_domain(struct slice text, struct buf *out) MUST_CHECK;

#endif
