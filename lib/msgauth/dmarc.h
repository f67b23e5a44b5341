/*
 * DMARC: whose policy counts for a message, whether the author's domain is
 * vouched for, and what is to be done (RFC 7489; np= of RFC 9091; the tree walk
 * of its revision, DMARCbis).
 *
 * How the two ways to the organizational domain go together. The Public Suffix
 * List decides (RFC 7489 section 3.2), unless the owners say otherwise in their
 * records, which DMARCbis lets them:
 *
 *  - psd=n at a name makes that name the organizational domain of all below
 *    that have none nearer;
 *  - psd=y at a name makes each name right below it an organizational domain.
 *
 * These records are met by a walk up the tree, at most LIMIT_DMARC_LABELS names
 * long (DMARCbis 4.10): for the policy from the author's domain to the one the
 * list names, and beyond only while no record was found; for alignment from
 * both domains to the one they share by the list. Beyond the list's domain only
 * records with psd= count: nobody else up there speaks for those below. If the
 * organizational domain has no record, a record between it and the author's
 * domain counts, the highest one.
 *
 * No I/O: dmarc_step says what to ask (question.h).
 */
#ifndef MSGAUTH_DMARC_H
#define MSGAUTH_DMARC_H

#include "core/arena.h"
#include "core/limits.h"
#include "msgauth/dmarc_record.h"
#include "msgauth/question.h"

/* RFC 7489 section 11.2 */
enum dmarc_result {
	DMARC_RESULT_NONE, /* there is no policy */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR,
	DMARC_RESULTS
};
const char *dmarc_result_name(enum dmarc_result r);

enum dmarc_method { DMARC_SPF, DMARC_DKIM };

/* Who vouches: SPF's MAIL FROM domain (HELO's for a null sender), or d= of a
 * signature. */
struct dmarc_identifier {
	enum dmarc_method method;
	const char *result;   /* "pass", "fail", "temperror" ... */
	struct slice domain;  /* as written, or empty */
	bool aligned;         /* found by dmarc_step */
};

struct dmarc_asked {
	struct slice name;
	uint32_t type;
	enum { DMARC_ABSENT, DMARC_RECORD, DMARC_INVALID, DMARC_UNKNOWN } state;
	bool nxdomain;
	bool several;         /* more than one record, which counts as none */
	struct slice text;    /* of the record */
	const char *why;      /* of DMARC_INVALID */
	struct dmarc_record record;
};

struct dmarc {
	struct arena arena;
	struct slice author;
	struct dmarc_identifier list[LIMIT_DMARC_IDENTIFIERS];
	size_t n;
	/* What was asked so far. */
	struct dmarc_asked asked[LIMIT_DMARC_LOOKUPS];
	size_t asked_count;
	struct slice question; /* the one that waits for its answer */
	uint32_t type;
	/* Found. */
	enum dmarc_result result;
	const struct dmarc_asked *found; /* the record that counts, or NULL */
	const char *tag;       /* "p", "sp" or "np": which policy counts */
	enum dmarc_policy policy;      /* as published */
	enum dmarc_policy disposition; /* what is to be done */
	bool sampled_out;      /* pct= or t= made it milder */
	struct slice org;      /* organizational domain of the author */
	bool may_pass_later;   /* an aligned identifier had a temperror */
	struct slice why;      /* in words */
};

/* author: the domain of From in A-labels and lower case; it is copied. */
void dmarc_init(struct dmarc *d, struct slice author);
void dmarc_release(struct dmarc *d);

/* Who vouches, before or between steps; copied. More than fit are left out. */
void dmarc_vouch(struct dmarc *d, enum dmarc_method method,
    const char *result, struct slice domain);

/*
 * The questions for the policy, which need not wait for dmarc_vouch.
 * MSGAUTH_DONE: policy and org are known, or result is not
 * DMARC_RESULT_NONE.
 */
enum msgauth_step dmarc_discover(struct dmarc *d, struct dns_question *q);
/* The questions for alignment too. MSGAUTH_DONE: result and why are known. */
enum msgauth_step dmarc_step(struct dmarc *d, struct dns_question *q);
/* What the resolver said to the last question; NULL: it does not answer. */
void dmarc_answer(struct dmarc *d, const struct wire_dns_answer *a);

/* Decides disposition. sample: random, 0 to 99, for pct= (RFC 7489 6.6.4). */
void dmarc_dispose(struct dmarc *d, unsigned sample);
/* True if it might pass when the DNS answers, and must not be let through
 * because it does not: the message should come again. */
bool dmarc_puts_off(const struct dmarc *d);

#endif
