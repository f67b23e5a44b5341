/* Authorities of client certificates. See tls_ca.h. */
#include "io/tls_ca.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "core/limits.h"

/* Nobody is asked at a terminal. */
static int
no_passphrase(char *out UNUSED, int size UNUSED, int rw UNUSED, void *u UNUSED)
{
	return 0;
}

/* The end of a text, not something broken in it, stopped the reader. */
static bool
is_at_end(void)
{
	unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

int
tls_ca_load(X509_STORE *store, struct slice pem, const char **why)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	size_t n = 0;
	int r = 0;
	X509 *x;

	ERR_clear_error();
	while (r == 0 &&
	    (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		if (++n > LIMIT_TLS_CLIENT_CAS)
			r = fail(why, "too many certificates of CAs");
		else if (X509_STORE_add_cert(store, x) != 1)
			r = fail(why, "a certificate of a CA cannot be used");
		X509_free(x);
	}
	if (r == 0 && !is_at_end())
		r = fail(why, "a certificate of a CA is not valid PEM");
	else if (r == 0 && n == 0)
		r = fail(why, "there is no certificate of a CA in it");
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}
