/*
 * The authorities that may sign certificates of clients. One reading of their
 * file for the processes that do the handshake and for the one that decides.
 */
#ifndef IO_TLS_CA_H
#define IO_TLS_CA_H

#include <openssl/x509.h>

#include "core/slice.h"

/* What a client's key has to be worth: 112 bits (SSL_CTX_set_security_level). */
#define TLS_CLIENT_LEVEL 2

/*
 * Adds every certificate of a PEM text to store. Each is trusted as it is,
 * whether or not it has signed itself (RFC 5280 section 6.1.1 d). -1 with *why
 * (constant) if there is none, one does not parse, or there are more than
 * LIMIT_TLS_CLIENT_CAS; store may then hold some of them.
 */
int tls_ca_load(X509_STORE *store, struct slice pem, const char **why)
    MUST_CHECK;

#endif
