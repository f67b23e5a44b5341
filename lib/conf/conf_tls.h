/*
 * Where the certificate is: SSL_TYPE and its companions turned into the paths
 * of two files. Used by the supervisor, which opens them, and by setup.
 */
#ifndef CONF_CONF_TLS_H
#define CONF_CONF_TLS_H

#include "conf/conf.h"

/*
 * Appends the paths of the certificate chain and of the private key (the same
 * file for SSL_TYPE=custom). With an empty SSL_TYPE they are tls/cert.pem and
 * tls/key.pem in the state folder, which the supervisor has made when they are
 * missing ("setup tls selfsign"). Needs the host name (conf_load_host).
 * -1 and an error in out when a file is missing.
 */
int conf_tls_paths(const struct conf *c, struct buf *cert, struct buf *key,
    struct conf_problems *out) MUST_CHECK;

#endif
