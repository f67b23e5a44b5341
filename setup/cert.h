/* Certificates: making a self-signed one, and checking a pair of files. */
#ifndef SETUP_CERT_H
#define SETUP_CERT_H

#include "core/buf.h"

/*
 * Appends, as PEM, a new P-256 key and a certificate of it for hostname,
 * localhost, 127.0.0.1 and ::1, valid for ten years, that clients can also
 * take as their CA.
 */
int cert_selfsign(const char *hostname, struct buf *cert, struct buf *key,
    const char **why) MUST_CHECK;

/*
 * 0 if the file cert holds certificates, key a private key, and the first
 * certificate is for that key. -1 with *why and *path, the file at fault.
 */
int cert_check(const char *cert, const char *key, const char **path,
    const char **why) MUST_CHECK;
/* The same with PEM texts; *of_key tells whether the key is at fault. */
int cert_check_pem(struct slice cert, struct slice key, bool *of_key,
    const char **why) MUST_CHECK;
/* -1 with *why if a PEM text is not one of CAs (io/tls_ca.h). */
int cert_check_ca(struct slice pem, const char **why) MUST_CHECK;

#endif
