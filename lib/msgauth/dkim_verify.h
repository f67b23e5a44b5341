/*
 * Judging one message: its DKIM signatures and forged results in its header.
 * dkim_verify_read does the reading and hashing and runs on a thread; between
 * it and the report the caller asks DNS for a key per signature that needs
 * one.
 */
#ifndef MSGAUTH_DKIM_VERIFY_H
#define MSGAUTH_DKIM_VERIFY_H

#include "mail/authres.h"
#include "msgauth/reader.h"
#include "msgauth/signature.h"

/* RFC 8601 section 2.7.1 */
enum dkim_result {
	DKIM_NEEDS_KEY, /* not decided: the body is as it was signed */
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_PERMERROR,
	DKIM_TEMPERROR,
	DKIM_RESULTS
};

struct dkim_verified {
	struct signature sig;
	enum dkim_result result;
	const char *why; /* unless it passed */
	unsigned char digest[WIRE_KEYS_DIGEST]; /* of the header */
};

struct dkim_verify {
	/* Given. */
	int fd;
	uint64_t size;
	struct slice authserv_id;
	int64_t now; /* seconds since the epoch */
	/* Found by dkim_verify_read. */
	struct arena arena;
	struct buf header;
	struct dkim_verified list[LIMIT_DKIM_SIGNATURES];
	size_t n;
	struct wire_cut cuts[WIRE_CUTS];
	size_t cut_count;
	bool too_many_cuts;
	int error; /* errno if the message could not be read */
};

void dkim_verify_init(struct dkim_verify *v);
void dkim_verify_release(struct dkim_verify *v);

void dkim_verify_read(struct dkim_verify *v);

/* The name to ask for the key of a signature. -1 if there is none. */
int dkim_verify_key_name(const struct dkim_verified *s, struct buf *name)
    MUST_CHECK;
/* A TXT record for a signature that needs a key; true when it was decided
 * well, so no further record need be tried. */
bool dkim_verify_use_key(struct dkim_verified *s, struct slice txt);
/* There is no key, or none can be had now. */
void dkim_verify_no_key(struct dkim_verified *s, bool temporary,
    const char *why);

/* Appends the Authentication-Results field, at most 32 KiB: DKIM's results,
 * then the n others, at most 8. */
void dkim_verify_report(const struct dkim_verify *v,
    const struct authres_result *others, size_t n, struct buf *out);

#endif
