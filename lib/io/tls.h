/*
 * TLS contexts (OpenSSL 3 behind our names). TLS 1.2 and 1.3 only, no
 * compression, no renegotiation (RFC 9325); cipher lists as dms-compat 10.3.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "core/buf.h"

struct tls_ctx;

enum tls_level {
	TLS_MODERN,       /* submission, IMAP: TLS_LEVEL=modern */
	TLS_INTERMEDIATE, /* TLS_LEVEL=intermediate */
	TLS_OPPORTUNISTIC /* port 25 both ways: medium, any is better than none */
};

/* PEM texts: a chain with the leaf first, and the leaf's key. */
struct tls_pair {
	struct slice cert;
	struct slice key;
};

/*
 * A server context from a pair, and a second one (alt, or NULL) whose key is
 * of another type (RSA, ECDSA): the handshake takes what the client supports.
 * If both are of the same type the second is not used. NULL with *why
 * (constant) if a text does not parse or a pair does not match. The texts are
 * not kept. Reference counted: connections hold one.
 */
struct tls_ctx *tls_server_new(const struct tls_pair *pair,
    const struct tls_pair *alt, enum tls_level level, const char **why);

/*
 * The server context asks clients for a certificate from now on, and does
 * without when there is none; a bad one does not end the handshake either.
 * ca_pem: who may have signed it (io/tls_ca.h); -1 with *why as there. Before
 * the first connection.
 *
 * Sessions with a certificate are not resumed: a ticket would keep it, but not
 * the intermediate ones that the client sent with it.
 */
int tls_server_ask(struct tls_ctx *ctx, struct slice ca_pem, const char **why)
    MUST_CHECK;

/*
 * A client context. verify: the peer's chain and name are checked against the
 * CA bundle of the system (loaded now, so call before chroot) plus ca_pem
 * (may be empty). Without verify any certificate is taken (RFC 7435).
 */
struct tls_ctx *tls_client_new(bool verify, struct slice ca_pem,
    enum tls_level level, const char **why);

#define TLS_EXPORTER 32
#define TLS_BINDING_MAX 64

/* The channel bindings of one connection; n 0: not to be had. */
struct tls_binding {
	size_t exporter_n;  /* "tls-exporter", RFC 9266 */
	size_t unique_n;    /* "tls-unique", RFC 5929: TLS 1.2 only */
	size_t end_point_n; /* "tls-server-end-point", RFC 5929; of a server */
	unsigned char exporter[TLS_EXPORTER];
	unsigned char unique[TLS_BINDING_MAX];
	unsigned char end_point[TLS_BINDING_MAX];
};

struct tls_ctx *tls_ref(struct tls_ctx *ctx);
void tls_unref(struct tls_ctx *ctx); /* NULL is fine */

#endif
