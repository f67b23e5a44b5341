/*
 * One signature being verified: a DKIM-Signature, an ARC-Message-Signature or
 * an ARC-Seal, from its header hash to the key that decides.
 */
#ifndef MSGAUTH_VERIFIED_H
#define MSGAUTH_VERIFIED_H

#include "msgauth/body_hash.h"
#include "msgauth/fields.h"
#include "msgauth/signature.h"
#include "wire/resolver.h"

/* RFC 8601 section 2.7.1 */
enum dkim_result {
	DKIM_NEEDS_KEY, /* not decided: the body is as it was signed */
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_PERMERROR,
	DKIM_TEMPERROR,
	DKIM_RESULTS
};

/* "pass", "fail" ...; what still needs a key counts as "temperror". */
const char *dkim_result_name(enum dkim_result r);

struct dkim_verified {
	struct signature sig;
	enum dkim_result result;
	const char *why; /* unless it passed */
	unsigned char digest[WIRE_KEYS_DIGEST]; /* of the header */
};

void dkim_verified_decide(struct dkim_verified *s, enum dkim_result result,
    const char *why);

/* Expired, or from the future? now in seconds since the epoch. */
void dkim_verified_check_time(struct dkim_verified *s, int64_t now);

/* RFC 6376 3.7: the chosen fields, then the signature's own without b=. */
void dkim_verified_hash_header(struct dkim_verified *s,
    const struct fields *f);

/* Has the body the hash that bh= says? */
void dkim_verified_compare_body(struct dkim_verified *s,
    const struct body_digest *d);

/* The name to ask for the key of a signature. -1 if there is none. */
int dkim_verify_key_name(const struct dkim_verified *s, struct buf *name)
    MUST_CHECK;
/* A TXT record for a signature that needs a key; true when it was decided
 * well, so no further record need be tried. */
bool dkim_verify_use_key(struct dkim_verified *s, struct slice txt);
/* There is no key, or none can be had now. */
void dkim_verify_no_key(struct dkim_verified *s, bool temporary,
    const char *why);
/* What the resolver said to that name; NULL: it does not answer. */
void dkim_verify_answer(struct dkim_verified *s,
    const struct wire_dns_answer *a);

/* Appends a name as A-labels in lower case (RFC 8616 section 4). -1 if it
 * is none. */
int msgauth_ascii_name(struct slice name, struct buf *out) MUST_CHECK;

#endif
