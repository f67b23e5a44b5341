/*
 * Sealing a message (RFC 8617 section 5.1): an ARC set of three fields. The
 * ARC-Message-Signature is made by dkim_sign.h with the instance set; this is
 * what comes before and behind it.
 */
#ifndef MSGAUTH_ARC_SEAL_H
#define MSGAUTH_ARC_SEAL_H

#include "msgauth/arc.h"

struct arc_seal {
	unsigned instance; /* of the new set; 0: nothing may be sealed */
	enum arc_result chain;
	struct buf below;  /* the sets that the seal covers, canonical */
	struct buf results; /* the new ARC-Authentication-Results field */
};

void arc_seal_init(struct arc_seal *s);
void arc_seal_release(struct arc_seal *s);

/*
 * Looks at the chain there is. chain: what validating it said, with which the
 * new set will speak. After a seal with cv=fail nothing is sealed any more
 * (5.1, step 2), nor beyond LIMIT_ARC_SETS.
 */
void arc_seal_prepare(struct arc_seal *s, const struct fields *f,
    enum arc_result chain);

/* value: of our Authentication-Results; -1 if it does not fit. */
int arc_seal_results(struct arc_seal *s, struct slice value) MUST_CHECK;

/*
 * Appends the ARC-Seal field up to its empty b= to field, and writes the
 * digest. message is the new ARC-Message-Signature with its line end.
 * dkim_sign_end completes it. -1 if it does not fit.
 */
int arc_seal_begin(const struct arc_seal *s, struct slice message,
    struct slice domain, struct slice selector, enum wire_keys_alg alg,
    int64_t now, struct buf *field, unsigned char digest[WIRE_KEYS_DIGEST])
    MUST_CHECK;

#endif
