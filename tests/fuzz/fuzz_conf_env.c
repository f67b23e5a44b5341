/*
 * The environment: any variables, one a line, give settings within their
 * bounds, or problems. Files are not asked for: their names are cut off.
 */
#include "conf/conf_env.h"

#define VARIABLES 64

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* True unless the variable names a file to read. */
static bool
is_value(struct slice line)
{
	return slice_ifind(line, S("__FILE=")) == -1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf pairs = BUF_INIT(1 << 20), why = BUF_INIT(1000);
	char *envp[VARIABLES + 1] = { NULL };
	struct slice rest = slice_of(p, n), line;
	struct conf_problems problems;
	struct conf c, copy;
	size_t count = 0;

	while (count < VARIABLES && slice_line(&rest, &line))
		if (is_value(line))
			envp[count++] = slice_dup(line);
	conf_init(&c);
	conf_init(&copy);
	conf_problems_init(&problems);
	if ((conf_env_apply(&c, envp, &problems) == 0) !=
	    (problems.errors == 0))
		abort();
	/* What was accepted must survive the way to a service. */
	conf_encode(&c, CONF_TO_ALL, &pairs);
	if (conf_decode(&copy, buf_slice(&pairs), &why) == -1)
		abort();
	for (size_t i = 0; i < count; i++)
		mem_free(envp[i]);
	conf_release(&c);
	conf_release(&copy);
	conf_problems_release(&problems);
	buf_release(&pairs);
	buf_release(&why);
	return 0;
}
