/* The host name and its domain, by the rules of docker-mailserver. */
#ifndef CONF_CONF_HOST_H
#define CONF_CONF_HOST_H

#include "core/buf.h"

/*
 * override: OVERRIDE_HOSTNAME, may be empty. fqdn and domain: what "hostname
 * -f" and "hostname -d" say, may be empty. Appends the host name and the
 * domain name; -1 with a reason when there is no fully qualified name.
 */
int conf_host_resolve(struct slice override, struct slice fqdn,
    struct slice domain, struct buf *hostname, struct buf *domainname,
    const char **why) MUST_CHECK;

/* What "hostname -f" says: gethostname, then its canonical name. Appends. */
int conf_host_fqdn(struct buf *out) MUST_CHECK;

#endif
