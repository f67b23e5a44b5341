/*
 * Channel bindings (RFC 5056): what a login can be tied to so that nobody in
 * the middle, with another TLS connection on either side, can pass it on.
 */
#include <openssl/err.h>
#include <openssl/x509.h>

#include "io/tls_internal.h"

/* RFC 9266 section 2; it and tls-unique are only sound where the handshake
 * made a master secret of its own (RFC 7627; always in TLS 1.3). */
static size_t
exporter(SSL *ssl, unsigned char *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	return SSL_export_keying_material(ssl, out, TLS_EXPORTER, label,
	    sizeof(label) - 1, NULL, 0, 1) == 1 ? TLS_EXPORTER : 0;
}

/* RFC 5929 section 3: the first Finished message, which the server sends when
 * a session is resumed. */
static size_t
unique(SSL *ssl, unsigned char *out)
{
	bool ours = SSL_is_server(ssl) == SSL_session_reused(ssl);

	return ours ? SSL_get_finished(ssl, out, TLS_BINDING_MAX) :
	    SSL_get_peer_finished(ssl, out, TLS_BINDING_MAX);
}

/* A resumed session does not say which of two certificates the client saw. */
static bool
is_ambiguous(SSL *ssl)
{
	return SSL_session_reused(ssl) &&
	    SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST) == 1 &&
	    SSL_set_current_cert(ssl, SSL_CERT_SET_NEXT) == 1;
}

/* RFC 5929 section 4.1: the certificate under the hash of its signature;
 * MD5 and SHA-1 become SHA-256. */
static size_t
end_point(SSL *ssl, unsigned char *out)
{
	X509 *x = SSL_get_certificate(ssl);
	const EVP_MD *md;
	unsigned n = 0;
	int nid;

	if (x == NULL || is_ambiguous(ssl) ||
	    X509_get_signature_info(x, &nid, NULL, NULL, NULL) != 1 ||
	    nid == NID_undef)
		return 0;
	md = nid == NID_md5 || nid == NID_sha1 ? EVP_sha256() :
	    EVP_get_digestbynid(nid);
	return md != NULL && X509_digest(x, md, out, &n) == 1 ? n : 0;
}

void
tls_binding_of(SSL *ssl, struct tls_binding *out)
{
	bool v13 = SSL_version(ssl) >= TLS1_3_VERSION;

	*out = (struct tls_binding){ 0 };
	if (v13 || SSL_get_extms_support(ssl) == 1) {
		out->exporter_n = exporter(ssl, out->exporter);
		if (!v13)
			out->unique_n = unique(ssl, out->unique);
	}
	out->end_point_n = end_point(ssl, out->end_point);
	ERR_clear_error();
}
