/*
 * A DKIM-Signature header field (RFC 6376 section 3.5) taken apart, and its
 * two relatives of ARC (RFC 8617 sections 4.1.2 and 4.1.3).
 */
#ifndef MSGAUTH_SIGNATURE_H
#define MSGAUTH_SIGNATURE_H

#include "core/arena.h"
#include "wire/keys.h"

enum signature_kind { SIGNATURE_DKIM, SIGNATURE_ARC_MESSAGE, SIGNATURE_SEAL };

struct signature {
	struct slice raw;        /* the field, its last line end taken off */
	struct slice b_raw;      /* what is to be left out of raw for the hash */
	struct slice a, b, d, s, h, i; /* values as written */
	enum wire_keys_alg alg;
	bool relaxed_header;
	bool relaxed_body;
	bool has_length;
	uint64_t length;         /* l= */
	uint64_t signed_at;      /* t=, or 0 */
	uint64_t expires;        /* x=, or 0 */
	unsigned instance;       /* i= of ARC, 1 to LIMIT_ARC_SETS */
	struct slice cv;         /* of an ARC-Seal */
	struct slice body_hash;  /* bh=, decoded */
	struct slice bytes;      /* b=, decoded */
};

/*
 * raw is the whole field without its last line end; value_at is where its
 * value begins. Views into raw, decoded parts in the arena. On -1 it cannot be
 * used; what could be read of a, b, d and s is still there, for the report.
 */
int signature_parse(struct signature *s, struct arena *arena,
    enum signature_kind kind, struct slice raw, size_t value_at,
    const char **why) MUST_CHECK;

/* The instance tag of ARC (RFC 8617 section 4.2.1): 1 to LIMIT_ARC_SETS. */
int signature_instance(struct slice value, unsigned *instance) MUST_CHECK;

/* Appends the field in canonical form with an empty b= (RFC 6376 3.7). */
void signature_canon(const struct signature *s, struct buf *out);

#endif
