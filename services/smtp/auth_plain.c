/* The message of SASL PLAIN (RFC 4616 2). See auth.h. */
#include "services/smtp/auth.h"

#include "core/limits.h"

int
auth_plain_parse(struct slice message, struct slice *authzid,
    struct slice *user, struct slice *password)
{
	ssize_t first = slice_find(message, '\0');
	struct slice rest;
	ssize_t second;

	if (first < 0)
		return -1;
	*authzid = slice_head(message, (size_t)first);
	rest = slice_from(message, (size_t)first + 1);
	second = slice_find(rest, '\0');
	if (second < 1)
		return -1;
	*user = slice_head(rest, (size_t)second);
	*password = slice_from(rest, (size_t)second + 1);
	if (password->n == 0 || slice_find(*password, '\0') >= 0)
		return -1;
	return authzid->n <= LIMIT_ADDRESS && user->n <= LIMIT_ADDRESS &&
	    password->n <= LIMIT_PASSWORD ? 0 : -1;
}
