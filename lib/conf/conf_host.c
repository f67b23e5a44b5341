#include "conf/conf_host.h"

#include <netdb.h>

#include "conf/conf.h"

/*
 * dms-compat 1.4: the domain is what is behind the first dot when there are
 * more than two labels, and the whole name otherwise.
 */
int
conf_host_resolve(struct slice override, struct slice fqdn,
    struct slice domain, struct buf *hostname, struct buf *domainname,
    const char **why)
{
	struct slice name = override.n > 0 ? override : fqdn;
	ssize_t dot = slice_find(name, '.');

	if (name.n == 0)
		return fail(why, "the system has no host name");
	if (dot < 0)
		return fail(why, "the host name has no domain, set "
		    "OVERRIDE_HOSTNAME to a name such as mail.example.com");
	if (!conf_is_host(name))
		return fail(why, "the host name is not a valid name");
	buf_add_slice(hostname, name);
	if (slice_find(slice_from(name, (size_t)dot + 1), '.') < 0)
		buf_add_slice(domainname, name);
	else if (override.n > 0)
		buf_add_slice(domainname, slice_from(name, (size_t)dot + 1));
	else
		buf_add_slice(domainname, domain.n > 0 ? domain : name);
	return 0;
}

int
conf_host_fqdn(struct buf *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_CANONNAME };
	struct addrinfo *list = NULL;
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) == -1)
		return -1;
	/* A name that already is one needs no question that could hang. */
	if (strchr(name, '.') == NULL &&
	    getaddrinfo(name, NULL, &hints, &list) == 0 && list != NULL &&
	    list->ai_canonname != NULL)
		buf_adds(out, list->ai_canonname);
	else
		buf_adds(out, name);
	if (list != NULL)
		freeaddrinfo(list);
	return buf_ok(out) ? 0 : -1;
}
