#include "setup/peer_cert.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/limits.h"

static STACK_OF(X509) *
read_chain(struct slice der)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	const unsigned char *p = (const unsigned char *)der.p;
	const unsigned char *end = p + der.n;
	X509 *x;

	while (chain != NULL && sk_X509_num(chain) <= LIMIT_TLS_CHAIN &&
	    p < end && (x = d2i_X509(NULL, &p, end - p)) != NULL)
		if (sk_X509_push(chain, x) == 0)
			X509_free(x);
	return chain;
}

/* An error of X509_verify_cert, or X509_V_OK. */
static int
verify(X509 *leaf, STACK_OF(X509) *chain)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int r = X509_V_ERR_UNSPECIFIED;

	if (store != NULL && ctx != NULL &&
	    X509_STORE_set_default_paths(store) == 1 &&
	    X509_STORE_CTX_init(ctx, store, leaf, chain) == 1) {
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
		r = X509_verify_cert(ctx) == 1 ? X509_V_OK :
		    X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return r;
}

enum peer_cert
peer_cert_judge(struct slice der, const char *host)
{
	STACK_OF(X509) *chain = read_chain(der);
	X509 *leaf = chain != NULL ? sk_X509_value(chain, 0) : NULL;
	enum peer_cert r = PEER_CERT_GOOD;
	int e = X509_V_OK;

	if (leaf != NULL)
		e = verify(leaf, chain);
	if (leaf == NULL)
		r = PEER_CERT_NONE;
	else if (X509_check_host(leaf, host, 0, 0, NULL) != 1)
		r = PEER_CERT_NAME;
	else if (X509_cmp_current_time(X509_get0_notAfter(leaf)) != 1 ||
	    X509_cmp_current_time(X509_get0_notBefore(leaf)) != -1)
		r = PEER_CERT_EXPIRED;
	else if (e != X509_V_OK)
		r = PEER_CERT_UNTRUSTED;
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return r;
}

const char *
peer_cert_text(enum peer_cert c)
{
	static const char *const texts[] = {
		[PEER_CERT_GOOD] = "is good",
		[PEER_CERT_NONE] = "cannot be read",
		[PEER_CERT_NAME] = "is not for this name",
		[PEER_CERT_EXPIRED] = "has expired, or is not valid yet",
		[PEER_CERT_UNTRUSTED] =
		    "is not of an authority that this system trusts",
	};

	return texts[c];
}
