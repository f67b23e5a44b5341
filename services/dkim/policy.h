/*
 * What is done with a message that was judged: DMARC's verdict, ARC's, and the
 * settings about both.
 */
#ifndef SERVICES_DKIM_POLICY_H
#define SERVICES_DKIM_POLICY_H

#include "conf/conf.h"
#include "mail/authres.h"
#include "msgauth/dkim_verify.h"
#include "msgauth/dmarc.h"

/* What SMTP answers; code 0 accepts. */
struct answer {
	uint32_t code;
	const char *enhanced;
	struct slice text;
};

/* Who or what excuses a message from policies. */
enum policy_excuse {
	POLICY_NOT_EXCUSED,
	POLICY_BY_HOST,    /* it is from this host */
	POLICY_BY_NETWORK, /* of a trusted forwarder */
	POLICY_BY_SEALER,  /* trusted; ARC */
};

struct policy {
	/* Given. */
	bool enforced;                /* ENABLE_OPENDMARC */
	enum conf_invalid_from invalid_from;
	struct slice networks;        /* trusted forwarders */
	const struct slice *sealers;  /* trusted */
	size_t sealer_count;
	struct slice client;          /* IP address in text */
	struct arena *arena;          /* for texts */
	/* Found by policy_decide. */
	struct answer answer;
	bool junk;
	enum policy_excuse excused;
	struct slice excuse;          /* the same in words, or "" */
	struct slice reason;          /* why not as the policy says, or why it
				       * failed; for the header */
};

/*
 * dmarc is done and disposed, the author in v was found; the chain was judged.
 * dmarc is not looked at when there is no author.
 */
void policy_decide(struct policy *p, const struct dkim_verify *v,
    const struct dmarc *dmarc);

/* Fills in the results of arc and dmarc; how many (at most 2). */
size_t policy_report(const struct policy *p, const struct dkim_verify *v,
    const struct dmarc *dmarc, struct authres_result results[2]);

#endif
