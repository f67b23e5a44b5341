/*
 * The Authenticated Received Chain of a message (RFC 8617 section 5.2).
 * arc_collect looks at the header; the body hashes of the message signatures
 * come from the pass that DKIM makes; then arc_step asks for keys
 * (question.h) until the chain is judged. What cannot be verified now has
 * failed for good (section 5.2.1).
 */
#ifndef MSGAUTH_ARC_H
#define MSGAUTH_ARC_H

#include "msgauth/question.h"
#include "msgauth/verified.h"

/* RFC 8617 section 4.4 */
enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_RESULTS };
const char *arc_result_name(enum arc_result r);

struct arc_set {
	struct slice results;         /* authres-payload of the AAR */
	struct slice raw[3];          /* AAR, AMS, AS; empty: not there */
	struct dkim_verified message;
	struct dkim_verified seal;
};

struct arc {
	struct arc_set *sets; /* set of instance i at i - 1; in the arena */
	unsigned n;           /* highest instance */
	bool judged;
	enum arc_result result;
	const char *why;      /* of ARC_FAIL */
	unsigned at;          /* the instance it is about, or 0 */
	unsigned oldest_pass; /* of ARC_PASS: the oldest message signature that
	                       * is still good, or 0 if all are (5.2, step 5) */
	/* While keys are asked for. */
	unsigned next;        /* how many signatures are verified */
	struct buf name;      /* of the question */
};

/*
 * unreadable: why the header cannot be judged as a whole, or NULL. All lives
 * in the arena, except a name for arc_release.
 */
void arc_collect(struct arc *c, struct arena *arena, const struct fields *f,
    int64_t now, const char *unreadable);
void arc_release(struct arc *c);

/* The message signature of a set, whose body hash is to be compared; NULL if
 * there is none or the chain is judged without it. */
struct dkim_verified *arc_message(struct arc *c, unsigned instance);

enum msgauth_step arc_step(struct arc *c, struct dns_question *q);
/* What the resolver said to the last question; NULL: it does not answer. */
void arc_answer(struct arc *c, const struct wire_dns_answer *a);

/* What arc_collect finds out about one field; seal and AMS views are raw. */
enum arc_field { ARC_AAR, ARC_AMS, ARC_AS, ARC_FIELDS };
/* ARC_FIELDS if the name is none of ARC's. */
enum arc_field arc_field_of(const struct header_field *h);
/* The instance of a field without judging the rest of it; 0 if it has none. */
unsigned arc_field_instance(enum arc_field kind, struct slice value);
/* Appends a set's fields in canonical form, each with CRLF (5.1.1). */
void arc_canon_set(struct buf *out, const struct slice raw[3]);

/*
 * Do sealers whom we trust say that the author was vouched for? Looks at a
 * chain that passed, from the newest set down as long as each is sealed by one
 * of the trusted domains (or below one). The first whose results have
 * dmarc=pass for that author, or an aligned dkim=pass or spf=pass, decides.
 * Returns its instance, or 0.
 */
unsigned arc_vouches(const struct arc *c, struct slice author,
    const struct slice *trusted, size_t n);

#endif
