#include "setup/dkim_key.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "core/base64.h"
#include "core/file.h"
#include "msgauth/privkey.h"

/* A string of a TXT record has at most 255 bytes (RFC 1035 3.3); with "p=" in
 * front this leaves some. opendkim-genkey cuts there, too. */
#define CHUNK 250
/* Of the file with a private key: RSA of 16384 bits, and what is written above
 * it. */
#define KEY_MAX 65536

EVP_PKEY *
dkim_key_new(bool ed25519, unsigned bits)
{
	return ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") :
	    EVP_RSA_gen(bits);
}

EVP_PKEY *
dkim_key_load(const char *path)
{
	struct buf text = BUF_INIT(KEY_MAX);
	EVP_PKEY *key = NULL;

	if (file_read(path, &text) == 0)
		key = privkey_read(buf_slice(&text));
	buf_wipe(&text);
	return key;
}

int
dkim_key_private(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p;
	long n;
	int r = -1;

	if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0,
	    NULL, NULL) == 1 && (n = BIO_get_mem_data(bio, &p)) > 0) {
		buf_add(out, p, (size_t)n);
		r = buf_ok(out) ? 0 : -1;
	}
	BIO_free(bio);
	return r;
}

int
dkim_key_public(EVP_PKEY *key, struct buf *out, const char **type)
{
	unsigned char raw[32], *der = NULL;
	size_t n = sizeof(raw);
	int len;

	if (EVP_PKEY_get_id(key) == EVP_PKEY_ED25519) {
		*type = "ed25519";
		if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1)
			return -1;
		base64_encode(out, slice_of(raw, n));
		return 0;
	}
	if (EVP_PKEY_get_id(key) != EVP_PKEY_RSA)
		return -1;
	*type = "rsa";
	len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return -1;
	base64_encode(out, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	return 0;
}

int
dkim_key_record(EVP_PKEY *key, struct slice owner, struct slice selector,
    struct slice domain, struct buf *out)
{
	struct buf p = BUF_INIT(8192);
	struct slice rest, chunk;
	const char *type;
	int r = -1;

	if (dkim_key_public(key, &p, &type) == 0) {
		buf_add_slice(out, owner);
		buf_addf(out, "\tIN\tTXT\t( \"v=DKIM1; h=sha256; k=%s; \"\n"
		    "\t  \"p=", type);
		for (rest = buf_slice(&p); rest.n > 0;) {
			chunk = slice_head(rest, CHUNK);
			rest = slice_from(rest, chunk.n);
			buf_add_slice(out, chunk);
			buf_adds(out, rest.n > 0 ? "\"\n\t  \"" : "\" )");
		}
		buf_addf(out, "  ; ----- DKIM key %.*s for %.*s\n",
		    SLICE_ARG(selector), SLICE_ARG(domain));
		r = buf_ok(out) ? 0 : -1;
	}
	buf_release(&p);
	return r;
}
