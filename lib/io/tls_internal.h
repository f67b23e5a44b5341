/* What io/conn.c needs of io/tls.c and nobody else. */
#ifndef IO_TLS_INTERNAL_H
#define IO_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "io/tls.h"

/* A new SSL object on fd; server or client by the context. Panics never:
 * NULL when OpenSSL is out of memory. host as in conn_tls_client. */
SSL *tls_session_new(struct tls_ctx *ctx, int fd, const char *host);

/* After the handshake. */
void tls_binding_of(SSL *ssl, struct tls_binding *out);

/* conn_tls_is_verified, conn_tls_peer. */
bool tls_is_verified(SSL *ssl);
void tls_peer(SSL *ssl, struct buf *out);

/* The reason of the last failure on this thread as a constant text. */
const char *tls_failure(void);

#endif
