/* The one object of the dkim process, and what its parts offer main.c. */
#ifndef SERVICES_DKIM_DKIM_H
#define SERVICES_DKIM_DKIM_H

#include "conf/conf_dkim.h"
#include "core/map.h"
#include "service/service.h"

struct dkim {
	struct loop *loop;
	struct peer *keys;
	struct peer *resolver;
	struct peer *reports; /* NULL: nothing is noted for owners */
	const struct conf *conf;
	bool enabled;         /* ENABLE_OPENDKIM */
	struct slice sealers[LIMIT_TRUSTED_SEALERS]; /* trusted */
	size_t sealer_count;
	const char *host; /* our name */
	bool spf_policy; /* a fail refuses, Received-SPF is added */
	struct conf_dkim tables;
	struct map algs;      /* key name: 1 + enum wire_keys_alg, as learnt */
	struct list signing;  /* requests under way */
	struct list sealing;
	struct list verifying;
	struct list checking; /* SPF at RCPT */
	struct list kept;     /* its results; see spf_kept.h */
	size_t kept_count;
	size_t requests;
	size_t checks;        /* of SPF at RCPT, under way */
	uint64_t signatures;  /* since the start */
	uint64_t verdicts;
};

/* Handlers of WIRE_DKIM_SIGN, _SEAL and _VERIFY, and WIRE_SPF_CHECK; -1 if
 * malformed. */
int sign_request(struct dkim *d, struct chan *c, struct chan_frame *f);
int seal_request(struct dkim *d, struct chan *c, struct chan_frame *f);
int verify_request(struct dkim *d, struct chan *c, struct chan_frame *f);
int spf_request(struct dkim *d, struct chan *c, struct chan_frame *f);

/* The channel is gone: nobody waits for its answers any more. */
void sign_forget(struct dkim *d, struct chan *c);
void seal_forget(struct dkim *d, struct chan *c);
void verify_forget(struct dkim *d, struct chan *c);
void spf_forget(struct dkim *d, struct chan *c);

#endif
