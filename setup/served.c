#include "setup/served.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "conf/conf_tls.h"
#include "core/file.h"

/* Organizations in the issuer's name, and the domain that CAA records (RFC
 * 8659 4.2) know them by. */
static const char *
authority_of(const X509 *x)
{
	static const struct {
		const char *organization, *domain;
	} known[] = {
		{ "Let's Encrypt", "letsencrypt.org" },
		{ "ZeroSSL", "sectigo.com" },
		{ "Sectigo", "sectigo.com" },
		{ "Google Trust Services", "pki.goog" },
		{ "Buypass", "buypass.com" },
		{ "DigiCert", "digicert.com" },
		{ "GlobalSign", "globalsign.com" },
		{ "SSL Corp", "ssl.com" },
	};
	char text[256];

	if (X509_NAME_get_text_by_NID(X509_get_issuer_name(x),
	    NID_organizationName, text, sizeof(text)) <= 0)
		return NULL;
	for (size_t i = 0; i < LEN(known); i++)
		if (slice_istarts(slice_str(text),
		    slice_str(known[i].organization)))
			return known[i].domain;
	return NULL;
}

static int64_t
seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
add(struct served *out, X509 *x, const char *hostname)
{
	struct served_cert *c = &out->list[out->n++];
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	*c = (struct served_cert){
		.authority = authority_of(x),
		.ends = seconds(X509_get0_notAfter(x)),
		.self_signed = X509_NAME_cmp(X509_get_issuer_name(x),
		    X509_get_subject_name(x)) == 0,
		.names_host = X509_check_host(x, hostname, 0, 0, NULL) == 1,
	};
	if (n > 0)
		SHA256(der, (size_t)n, c->spki);
	else
		out->n--;
	OPENSSL_free(der);
}

static void
add_pem(struct served *out, BIO *bio, const char *hostname)
{
	X509 *x = NULL;

	if (bio != NULL)
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (x != NULL)
		add(out, x, hostname);
	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
}

void
served_load(const struct conf *c, struct served *out)
{
	struct buf cert = BUF_INIT(LIMIT_CONFIG_FILE);
	struct buf key = BUF_INIT(LIMIT_CONFIG_FILE);
	struct buf path = BUF_INIT(8192);
	struct conf_problems problems;
	struct conf_tls tls;

	*out = (struct served){ 0 };
	conf_problems_init(&problems);
	conf_tls_init(&tls);
	/* As the supervisor: acme.json takes precedence over files. */
	if (conf_tls_acme_path(c, &path) && file_exists(buf_str(&path)) &&
	    conf_tls_acme(c, &cert, &key, &problems) == 0) {
		add_pem(out, BIO_new_mem_buf(cert.p, (int)cert.n),
		    c->hostname);
	} else if (conf_tls_paths(c, &tls, &problems) == 0) {
		add_pem(out, BIO_new_file(buf_str(&tls.cert), "r"),
		    c->hostname);
		if (tls.alt_cert.n > 0)
			add_pem(out, BIO_new_file(buf_str(&tls.alt_cert),
			    "r"), c->hostname);
	}
	conf_tls_release(&tls);
	conf_problems_release(&problems);
	buf_release(&path);
	buf_wipe(&key);
	buf_release(&cert);
}
