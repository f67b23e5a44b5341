/*
 * Judging one message: its DKIM signatures, its ARC chain, its author and
 * forged results in its header. dkim_verify_read does the reading and hashing and runs on a thread; between
 * it and the report the caller asks DNS for a key per signature that needs
 * one.
 */
#ifndef MSGAUTH_DKIM_VERIFY_H
#define MSGAUTH_DKIM_VERIFY_H

#include "mail/authres.h"
#include "msgauth/arc.h"
#include "msgauth/author.h"
#include "msgauth/reader.h"
#include "msgauth/verified.h"

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
	struct arc arc;       /* the chain; its newest body is looked at */
	struct author author; /* whose policy counts: DMARC */
	struct wire_cut cuts[WIRE_CUTS];
	size_t cut_count;
	bool too_many_cuts;
	int error; /* errno if the message could not be read */
};

void dkim_verify_init(struct dkim_verify *v);
void dkim_verify_release(struct dkim_verify *v);

void dkim_verify_read(struct dkim_verify *v);

#define DKIM_VERIFY_OTHERS 8

/* Appends the Authentication-Results field, at most 32 KiB; the results of
 * other methods, at most DKIM_VERIFY_OTHERS, come behind those of DKIM. */
void dkim_verify_report(const struct dkim_verify *v,
    const struct authres_result *others, size_t n, struct buf *out);

#endif
