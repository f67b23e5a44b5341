// part: setup
/* The answer of a web server with a policy of MTA-STS, and the policy. */
#include <assert.h>
#include <stdint.h>

#include "setup/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size), body;
	struct sts_policy p;
	const char *why = NULL;

	if (sts_reply(all, &body, &why) != 0) {
		assert(why != NULL);
		body = all;
	}
	if (sts_parse(body, &p, &why) != 0)
		return 0;
	assert(p.n <= STS_HOSTS && p.max_age <= STS_AGE_MAX);
	for (size_t i = 0; i < p.n; i++)
		assert(p.mx[i].p >= body.p &&
		    p.mx[i].p + p.mx[i].n <= body.p + body.n);
	(void)sts_covers(&p, S("mail.example.com"));
	(void)sts_covers(&p, S(""));
	return 0;
}
