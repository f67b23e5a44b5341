/* pillarbox.yaml: any text gives settings within their bounds, or problems. */
#include "conf/conf_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf pairs = BUF_INIT(1 << 20), why = BUF_INIT(1000);
	struct conf c, copy;
	struct conf_problems problems;

	conf_init(&c);
	conf_init(&copy);
	conf_problems_init(&problems);
	if (conf_yaml_apply(&c, "fuzz", slice_of(p, n), &problems) == 0 &&
	    problems.errors > 0)
		abort();
	/* What was accepted must survive the way to a service. */
	conf_encode(&c, CONF_TO_ALL, &pairs);
	if (conf_decode(&copy, buf_slice(&pairs), &why) == -1)
		abort();
	conf_release(&c);
	conf_release(&copy);
	conf_problems_release(&problems);
	buf_release(&pairs);
	buf_release(&why);
	return 0;
}
