/*
 * The certificate of a service that speaks TLS: the files "tls-cert",
 * "tls-key", "tls-alt-cert" and "tls-alt-key" of the supervisor, which become
 * one context when "tls", which has no content, says that they are all there.
 * With "client-ca" among them it asks clients for certificates.
 */
#ifndef SERVICE_CERTIFICATE_H
#define SERVICE_CERTIFICATE_H

#include "conf/conf.h"
#include "io/tls.h"

#define CERTIFICATE_PARTS 5

/* Zeroed is empty, as it is outside of a change. */
struct certificate {
	struct buf parts[CERTIFICATE_PARTS];
	bool asks; /* "client-ca" came, if only to say that it is gone */
};

/* TLS_LEVEL, which holds for the ports of mail programs. */
enum tls_level certificate_level(const struct conf *c);

/*
 * As service_ops.on_file. With "tls" *ctx is replaced; connections that have
 * the old one keep it. -1 with *why, and the old one stays, if the files
 * cannot be used together.
 */
int certificate_on_file(struct certificate *c, const char *name,
    const struct slice *content, enum tls_level level, struct tls_ctx **ctx,
    const char **why);

#endif
