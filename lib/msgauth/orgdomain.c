/* Organizational domains. See orgdomain.h. */
#include "msgauth/orgdomain.h"

#include <libpsl.h>

struct slice
orgdomain(struct slice name)
{
	char *text = slice_dup(name);
	const char *found = psl_registrable_domain(psl_builtin(), text);
	struct slice org = name;

	if (found != NULL)
		org = slice_from(name, (size_t)(found - text));
	mem_free(text);
	return org;
}
