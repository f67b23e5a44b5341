/*
 * Certificates that clients show (RFC 5280): whether one is good, and which
 * addresses it speaks for. Nothing that the process on the network says about
 * it is believed.
 */
#ifndef SERVICES_AUTH_CLIENT_CERT_H
#define SERVICES_AUTH_CLIENT_CERT_H

#include <openssl/x509.h>

#include "core/arena.h"
#include "core/limits.h"

struct client_cert {
	/* In the arena, in lower case, each once. */
	struct slice addresses[LIMIT_TLS_ADDRESSES];
	size_t n;
};

/* Replaces *store by the certificates in a PEM text (io/tls_ca.h). -1 with
 * *why, and the old ones stay. */
int client_cert_trust(X509_STORE **store, struct slice pem, const char **why)
    MUST_CHECK;

/*
 * Checks the first certificate in der; those behind it may lie between it and
 * one of store. It has to be meant for TLS clients (RFC 5280 4.2.1.12) and be
 * valid now; revocation is not looked at. Fills out with the addresses of its
 * subjectAltName (4.2.1.6), which may be none. -1 with *why (constant).
 */
int client_cert_check(X509_STORE *store, struct slice der, struct arena *arena,
    struct client_cert *out, const char **why) MUST_CHECK;

#endif
