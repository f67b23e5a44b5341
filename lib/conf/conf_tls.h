/*
 * Where the certificates are: SSL_TYPE and its companions turned into the
 * paths of files, or into texts out of Traefik's acme.json (dms-compat 10).
 * Used by the supervisor, which hands them to the services, and by setup.
 * All calls need the host name (conf_load_host).
 */
#ifndef CONF_CONF_TLS_H
#define CONF_CONF_TLS_H

#include "conf/conf.h"

/* Chain and key; the alt pair is empty when there is none. */
struct conf_tls {
	struct buf cert;
	struct buf key;
	struct buf alt_cert;
	struct buf alt_key;
};

void conf_tls_init(struct conf_tls *t);
void conf_tls_release(struct conf_tls *t);

/*
 * Sets the paths in t (initialised) of the certificate chain and of the
 * private key (the same file for SSL_TYPE=custom), and with SSL_TYPE=manual of
 * the second pair. With an empty SSL_TYPE they are tls/cert.pem and
 * tls/key.pem in the state folder, which the supervisor has made when they are
 * missing ("setup tls selfsign"). -1 and an error in out when a file is
 * missing.
 */
int conf_tls_paths(const struct conf *c, struct conf_tls *t,
    struct conf_problems *out) MUST_CHECK;

/* -1 and an error in out if client certificates are asked for and the file of
 * those who sign them is missing. */
int conf_tls_client_ca(const struct conf *c, struct conf_problems *out)
    MUST_CHECK;

/* Appends the path of acme.json. False unless SSL_TYPE is letsencrypt. */
bool conf_tls_acme_path(const struct conf *c, struct buf *out);

/*
 * Sets cert and key to the texts in acme.json for the first of SSL_DOMAIN,
 * host name and domain name that it has; they take precedence over files.
 * -1 and warnings in out if it has none of them or cannot be read; cert and
 * key are then empty.
 */
int conf_tls_acme(const struct conf *c, struct buf *cert, struct buf *key,
    struct conf_problems *out) MUST_CHECK;

#endif
