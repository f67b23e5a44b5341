/*
 * A DMARC record (RFC 7489 section 6.3; np= of RFC 9091; psd= and t= of the
 * protocol's revision, DMARCbis). What is malformed counts as not there, and
 * unknown tags are ignored.
 */
#ifndef MSGAUTH_DMARC_RECORD_H
#define MSGAUTH_DMARC_RECORD_H

#include "core/slice.h"

enum dmarc_policy {
	DMARC_UNSET, /* no such tag, or its value is none of these */
	DMARC_NONE,
	DMARC_QUARANTINE,
	DMARC_REJECT,
	DMARC_POLICIES
};

/* "none", "quarantine" ...; "" when unset. */
const char *dmarc_policy_name(enum dmarc_policy p);

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

enum { DMARC_FO_ALL = 1, DMARC_FO_ANY = 2, DMARC_FO_DKIM = 4,
	DMARC_FO_SPF = 8 };

#define DMARC_INTERVAL 86400 /* of aggregate reports, seconds */

struct dmarc_record {
	enum dmarc_policy p, sp, np;
	bool strict_dkim; /* adkim=s */
	bool strict_spf;  /* aspf=s */
	unsigned pct;     /* 0 to 100 */
	bool testing;     /* t=y */
	enum dmarc_psd psd;
	unsigned fo;      /* DMARC_FO_ bits */
	uint32_t ri;      /* seconds */
	struct slice rf;
	struct slice rua; /* URIs separated by commas, as written, or empty */
	struct slice ruf;
	const char *mended; /* why p= and sp= are taken as none, or NULL */
};

/* True if a TXT record is meant as one: it begins with v=DMARC1. */
bool dmarc_record_is(struct slice txt);

/*
 * Views into txt. Where p= or sp= is no policy, the record counts as p=none if
 * there is somebody to report to; otherwise -1 and no policy is applied (RFC
 * 7489 section 6.6.3, step 6).
 */
int dmarc_record_parse(struct dmarc_record *r, struct slice txt,
    const char **why) MUST_CHECK;

/*
 * One URI of rua= or ruf=, as below. False if it is not mailto, or malformed.
 */
bool dmarc_record_uri(struct slice uri, struct slice *address,
    uint64_t *most);

/*
 * The next URI of rua= or ruf=: its address part of "mailto:", percent encoding
 * as it is, and the largest report in bytes ("!10m"), 0 for no limit. URIs that
 * are not mailto or are malformed are passed over. False at the end.
 */
bool dmarc_record_mailto(struct slice *list, struct slice *address,
    uint64_t *most);

#endif
