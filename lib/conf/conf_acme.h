/*
 * acme.json, where Traefik keeps its certificates (dms-compat 10.2): an object
 * of resolvers, each with a list "Certificates" of objects with "domain"
 * ("main" and "sans"), "certificate" and "key", both base64 of PEM. Links
 * libjansson, which is why it is not in conf.c: no service calls it.
 */
#ifndef CONF_CONF_ACME_H
#define CONF_CONF_ACME_H

#include "core/buf.h"

/*
 * Appends the PEM texts of the first certificate whose main name or one of
 * whose further names is name, without regard to case. A wildcard is found by
 * its own name only. -1 with *why: there is none, or the first one has no
 * usable certificate or key (cert and key may then hold a part), or json is
 * not JSON.
 */
int conf_acme_find(struct slice json, const char *name, struct buf *cert,
    struct buf *key, const char **why) MUST_CHECK;

#endif
