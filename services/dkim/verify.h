/*
 * Judging one message: its DKIM signatures and forged results in its header.
 * verify_read does the reading and hashing and runs on a thread; between it
 * and the report the caller asks DNS for a key per signature that needs one.
 */
#ifndef SERVICES_DKIM_VERIFY_H
#define SERVICES_DKIM_VERIFY_H

#include "services/dkim/message.h"
#include "services/dkim/signature.h"

/* RFC 8601 section 2.7.1 */
enum verify_result {
	VERIFY_NEEDS_KEY, /* not decided: the body is as it was signed */
	VERIFY_PASS,
	VERIFY_FAIL,
	VERIFY_PERMERROR,
	VERIFY_TEMPERROR,
	VERIFY_RESULTS
};

struct verify_signature {
	struct signature sig;
	enum verify_result result;
	const char *why; /* unless it passed */
	unsigned char digest[WIRE_KEYS_DIGEST]; /* of the header */
};

struct verify {
	/* Given. */
	int fd;
	uint64_t size;
	struct slice authserv_id;
	int64_t now; /* seconds since the epoch */
	/* Found by verify_read. */
	struct arena arena;
	struct buf header;
	struct verify_signature list[LIMIT_DKIM_SIGNATURES];
	size_t n;
	struct wire_cut cuts[WIRE_CUTS];
	size_t cut_count;
	bool too_many_cuts;
	int error; /* errno if the message could not be read */
};

void verify_init(struct verify *v);
void verify_release(struct verify *v);

void verify_read(struct verify *v);

/* The name to ask for the key of a signature. -1 if there is none. */
int verify_key_name(const struct verify_signature *s, struct buf *name)
    MUST_CHECK;
/* A TXT record for a signature that needs a key; true when it was decided
 * well, so no further record need be tried. */
bool verify_use_key(struct verify_signature *s, struct slice txt);
/* There is no key, or none can be had now. */
void verify_no_key(struct verify_signature *s, bool temporary,
    const char *why);

/* Appends the Authentication-Results field, at most 32 KiB. */
void verify_report(const struct verify *v, struct buf *out);

#endif
