#include "io/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "core/limits.h"
#include "io/tls_ca.h"
#include "io/tls_internal.h"

/* dms-compat 10.3, in the order of preference. */
#define MODERN_CIPHERS                                                         \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"           \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"           \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
#define INTERMEDIATE_CIPHERS                                                   \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"           \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"           \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"                 \
	"ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"                   \
	"ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA384:"                   \
	"DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256"
#define OPPORTUNISTIC_CIPHERS                                                  \
	"aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH:!aNULL:!eNULL:!SEED:"         \
	"!CAMELLIA:!kRSA:!SHA1:!RC4:!MD5:!PSK:!SRP:+AESCCM8"
#define TLS13_SUITES                                                           \
	"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"                 \
	"TLS_AES_128_GCM_SHA256"

static const char *const ciphers[] = {
	[TLS_MODERN] = MODERN_CIPHERS,
	[TLS_INTERMEDIATE] = INTERMEDIATE_CIPHERS,
	[TLS_OPPORTUNISTIC] = OPPORTUNISTIC_CIPHERS,
};

struct tls_ctx {
	SSL_CTX *ssl;
	unsigned refs;
	bool server;
	bool verify;
};

static SSL_CTX *
ctx_new(bool server, enum tls_level level)
{
	SSL_CTX *ssl = SSL_CTX_new(server ? TLS_server_method() :
	    TLS_client_method());

	if (ssl == NULL)
		panic("SSL_CTX_new: %s", tls_failure());
	if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ssl, ciphers[level]) != 1 ||
	    SSL_CTX_set_ciphersuites(ssl, TLS13_SUITES) != 1)
		panic("cipher lists: %s", tls_failure());
	SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* Idle connections give their 16 KB record buffers back. */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(ssl, 1);
	/* Tickets resume sessions; a cache on our side would only grow. */
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ssl, 1);
	return ssl;
}

static struct tls_ctx *
wrap(SSL_CTX *ssl, bool server, bool verify)
{
	struct tls_ctx *ctx = mem_zero(sizeof(*ctx));

	ctx->ssl = ssl;
	ctx->refs = 1;
	ctx->server = server;
	ctx->verify = verify;
	return ctx;
}

/* No passphrase is ever asked for: there is nobody at a terminal. */
static int
no_passphrase(char *out UNUSED, int size UNUSED, int rw UNUSED, void *u UNUSED)
{
	return 0;
}

static int
load_chain(SSL_CTX *ssl, struct slice pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x;
	int r = -1;

	x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	if (x == NULL)
		goto out;
	/* A chain that is there belongs to a pair of the same type. */
	r = SSL_CTX_use_certificate(ssl, x) == 1 &&
	    SSL_CTX_clear_chain_certs(ssl) == 1 ? 0 : -1;
	X509_free(x);
	while (r == 0 &&
	    (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		if (SSL_CTX_add0_chain_cert(ssl, x) != 1) {
			X509_free(x);
			r = -1;
		}
	}
out:
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

static int
load_key(SSL_CTX *ssl, struct slice pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	int r = -1;

	if (key != NULL && SSL_CTX_use_PrivateKey(ssl, key) == 1)
		r = 0;
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

/* The context has a place for each type of key. */
static int
load_pair(SSL_CTX *ssl, const struct tls_pair *pair, const char **why)
{
	if (load_chain(ssl, pair->cert) == -1)
		return fail(why, "the certificate is not valid PEM");
	if (load_key(ssl, pair->key) == -1)
		return fail(why, "the private key is not valid PEM, or does "
		    "not belong to the certificate");
	if (SSL_CTX_check_private_key(ssl) != 1)
		return fail(why, "the private key does not belong to the "
		    "certificate");
	return 0;
}

struct tls_ctx *
tls_server_new(const struct tls_pair *pair, const struct tls_pair *alt,
    enum tls_level level, const char **why)
{
	SSL_CTX *ssl = ctx_new(true, level);

	SSL_CTX_set_dh_auto(ssl, 1);
	if (alt != NULL && load_pair(ssl, alt, why) == -1)
		fail(why, "the second certificate and key cannot be used");
	else if (load_pair(ssl, pair, why) == 0)
		return wrap(ssl, true, false);
	ERR_clear_error();
	SSL_CTX_free(ssl);
	return NULL;
}

/* The result is asked for later (tls_is_verified). */
static int
accept_any(int ok UNUSED, X509_STORE_CTX *x UNUSED)
{
	return 1;
}

static SSL_TICKET_RETURN
on_ticket(SSL *ssl UNUSED, SSL_SESSION *session,
    const unsigned char *name UNUSED, size_t n UNUSED, SSL_TICKET_STATUS status,
    void *arg UNUSED)
{
	bool whole = status == SSL_TICKET_SUCCESS ||
	    status == SSL_TICKET_SUCCESS_RENEW;

	if (!whole || SSL_SESSION_get0_peer(session) != NULL)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE :
	    SSL_TICKET_RETURN_USE_RENEW;
}

/* The names tell a client which of its certificates to show. */
static int
tell_names(SSL_CTX *ssl, X509_STORE *store)
{
	STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);

	for (int i = 0; i < sk_X509_OBJECT_num(all); i++)
		if (SSL_CTX_add_client_CA(ssl, X509_OBJECT_get0_X509(
		    sk_X509_OBJECT_value(all, i))) != 1)
			return -1;
	return 0;
}

int
tls_server_ask(struct tls_ctx *ctx, struct slice ca_pem, const char **why)
{
	static const unsigned char id[] = "pillarbox";
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl);

	if (tls_ca_load(store, ca_pem, why) == -1)
		return -1;
	if (tell_names(ctx->ssl, store) == -1)
		return fail(why, "a CA has no usable name");
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, accept_any);
	SSL_CTX_set_verify_depth(ctx->ssl, LIMIT_TLS_CHAIN);
	SSL_CTX_set_max_cert_list(ctx->ssl, LIMIT_TLS_CERTIFICATES);
	/* Without this a session of a server that asks is never resumed. */
	SSL_CTX_set_session_id_context(ctx->ssl, id, sizeof(id) - 1);
	SSL_CTX_set_session_ticket_cb(ctx->ssl, NULL, on_ticket, NULL);
	return 0;
}

struct tls_ctx *
tls_client_new(bool verify, struct slice ca_pem, enum tls_level level,
    const char **why)
{
	SSL_CTX *ssl = ctx_new(false, level);

	if (verify && SSL_CTX_set_default_verify_paths(ssl) != 1) {
		fail(why, "no CA bundle");
		SSL_CTX_free(ssl);
		return NULL;
	}
	if (ca_pem.n > 0) {
		BIO *bio = BIO_new_mem_buf(ca_pem.p, (int)ca_pem.n);
		X509_STORE *store = SSL_CTX_get_cert_store(ssl);
		X509 *x;

		while ((x = PEM_read_bio_X509(bio, NULL, no_passphrase,
		    NULL)) != NULL) {
			X509_STORE_add_cert(store, x);
			X509_free(x);
		}
		BIO_free(bio);
		ERR_clear_error();
	}
	SSL_CTX_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
	    NULL);
	return wrap(ssl, false, verify);
}

struct tls_ctx *
tls_ref(struct tls_ctx *ctx)
{
	ctx->refs++;
	return ctx;
}

void
tls_unref(struct tls_ctx *ctx)
{
	if (ctx == NULL || --ctx->refs > 0)
		return;
	SSL_CTX_free(ctx->ssl);
	mem_free(ctx);
}

SSL *
tls_session_new(struct tls_ctx *ctx, int fd, const char *host)
{
	SSL *ssl = SSL_new(ctx->ssl);

	if (ssl == NULL)
		return NULL;
	if (SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	if (ctx->server) {
		SSL_set_accept_state(ssl);
		return ssl;
	}
	SSL_set_connect_state(ssl);
	if (host != NULL) {
		/* An address is no SNI name (RFC 6066 section 3). */
		if (strspn(host, "0123456789.:") != strlen(host))
			SSL_set_tlsext_host_name(ssl, host);
		if (ctx->verify && SSL_set1_host(ssl, host) != 1) {
			SSL_free(ssl);
			return NULL;
		}
	}
	return ssl;
}

bool
tls_is_verified(SSL *ssl)
{
	return SSL_get0_peer_certificate(ssl) != NULL &&
	    SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE &&
	    SSL_get_verify_result(ssl) == X509_V_OK;
}

static void
put_der(X509 *x, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	if (n > 0)
		buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
}

void
tls_peer(SSL *ssl, struct buf *out)
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

	if (leaf == NULL)
		return;
	put_der(leaf, out);
	/* A client's view of its server has the leaf in the chain again. */
	for (int i = SSL_is_server(ssl) ? 0 : 1; i < sk_X509_num(chain); i++)
		put_der(sk_X509_value(chain, i), out);
	ERR_clear_error();
}

const char *
tls_failure(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e != 0 ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return text != NULL ? text : "TLS failure";
}
