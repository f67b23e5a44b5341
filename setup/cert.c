#include "setup/cert.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "io/tls_ca.h"

#define VALID_SECONDS (10L * 365 * 86400)

static bool
add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool
set_serial(X509 *x)
{
	unsigned char raw[16];
	BIGNUM *n;
	bool ok;

	/* RFC 5280 4.1.2.2: positive, at most 20 octets. */
	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return false;
	raw[0] = (raw[0] & 0x7f) | 0x40;
	n = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = n != NULL &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool
fill(X509 *x, EVP_PKEY *key, const char *hostname)
{
	X509_NAME *name = X509_get_subject_name(x);
	char alt[600];

	snprintf(alt, sizeof(alt), "%s%s%sDNS:localhost,IP:127.0.0.1,IP:::1",
	    strcmp(hostname, "localhost") != 0 ? "DNS:" : "",
	    strcmp(hostname, "localhost") != 0 ? hostname : "",
	    strcmp(hostname, "localhost") != 0 ? "," : "");
	/* The common name has at most 64 characters (RFC 5280 A.1). */
	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), VALID_SECONDS) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)(strlen(hostname) <= 64 ? hostname :
		"mail server"), -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    X509_set_pubkey(x, key) == 1 &&
	    add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
	    add_extension(x, NID_key_usage,
		"critical,digitalSignature,keyCertSign") &&
	    add_extension(x, NID_ext_key_usage, "serverAuth") &&
	    add_extension(x, NID_subject_key_identifier, "hash") &&
	    add_extension(x, NID_subject_alt_name, alt) &&
	    X509_sign(x, key, EVP_sha256()) > 0;
}

/* Moves what is in the memory BIO to out. */
static bool
drain(BIO *bio, struct buf *out)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	if (n <= 0)
		return false;
	buf_add(out, p, (size_t)n);
	return buf_ok(out);
}

int
cert_selfsign(const char *hostname, struct buf *cert, struct buf *key,
    const char **why)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	int r = 0;

	if (pair == NULL || x == NULL || c == NULL || k == NULL)
		r = fail(why, "cannot make a key");
	else if (!fill(x, pair, hostname))
		r = fail(why, "cannot make a certificate for that name");
	else if (PEM_write_bio_X509(c, x) != 1 || !drain(c, cert) ||
	    PEM_write_bio_PrivateKey(k, pair, NULL, NULL, 0, NULL, NULL) != 1 ||
	    !drain(k, key))
		r = fail(why, "cannot write the certificate");
	BIO_free(c);
	BIO_free(k);
	X509_free(x);
	EVP_PKEY_free(pair);
	return r;
}

/* No terminal question for an encrypted key: nobody is there at start. */
static int
no_passphrase(char *p UNUSED, int n UNUSED, int rw UNUSED, void *arg UNUSED)
{
	return -1;
}

static int
check(BIO *c, BIO *k, bool *of_key, const char **why)
{
	X509 *x = NULL;
	EVP_PKEY *pair = NULL;
	int r = 0;

	*of_key = false;
	if (c == NULL)
		r = fail(why, "cannot be read");
	else if ((x = PEM_read_bio_X509(c, NULL, NULL, NULL)) == NULL)
		r = fail(why, "is not a certificate in PEM form");
	else if (*of_key = true, k == NULL)
		r = fail(why, "cannot be read");
	else if ((pair = PEM_read_bio_PrivateKey(k, NULL, no_passphrase,
	    NULL)) == NULL)
		r = fail(why, "is not a private key in PEM form without "
		    "passphrase");
	else if (X509_check_private_key(x, pair) != 1)
		r = fail(why, "is not the key of the certificate");
	ERR_clear_error();
	EVP_PKEY_free(pair);
	X509_free(x);
	BIO_free(c);
	BIO_free(k);
	return r;
}

int
cert_check(const char *cert, const char *key, const char **path,
    const char **why)
{
	bool of_key;
	int r = check(BIO_new_file(cert, "r"), BIO_new_file(key, "r"), &of_key,
	    why);

	*path = of_key ? key : cert;
	return r;
}

int
cert_check_pem(struct slice cert, struct slice key, bool *of_key,
    const char **why)
{
	return check(BIO_new_mem_buf(cert.p, (int)cert.n),
	    BIO_new_mem_buf(key.p, (int)key.n), of_key, why);
}

int
cert_check_ca(struct slice pem, const char **why)
{
	X509_STORE *store = X509_STORE_new();
	int r;

	if (store == NULL)
		return fail(why, "out of memory");
	r = tls_ca_load(store, pem, why);
	X509_STORE_free(store);
	return r;
}
