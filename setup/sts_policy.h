/* The policy file of MTA-STS (RFC 8461 3.2), and the answer it comes in. */
#ifndef SETUP_STS_POLICY_H
#define SETUP_STS_POLICY_H

#include "core/slice.h"

#define STS_HOSTS 100             /* mx lines that are looked at */
#define STS_AGE_MAX 31557600      /* a year, in seconds */

enum sts_mode { STS_ENFORCE, STS_TESTING, STS_NONE };

struct sts_policy {
	enum sts_mode mode;
	uint32_t max_age;           /* seconds */
	struct slice mx[STS_HOSTS]; /* views into the text */
	size_t n;
};

/* The body of a reply of HTTP 1 with status 200. -1 with *why (constant). */
int sts_reply(struct slice reply, struct slice *body, const char **why)
    MUST_CHECK;
/* -1 with *why (constant). */
int sts_parse(struct slice text, struct sts_policy *out, const char **why)
    MUST_CHECK;
/* Does a line mx of the policy cover the host? RFC 8461 4.1. */
bool sts_covers(const struct sts_policy *p, struct slice host);

#endif
