/* Private keys. See privkey.h. */
#include "msgauth/privkey.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "core/base64.h"

#define RSA_MIN_BITS 1024
#define RSA_MAX_BITS 16384
#define SIGNATURE_MAX 4096

/* Without it libcrypto would ask the terminal for a passphrase. */
static int
no_passphrase(char *out UNUSED, int size UNUSED, int rw UNUSED,
    void *arg UNUSED)
{
	return -1;
}

static EVP_PKEY *
read_pem(struct slice text)
{
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (text.n == 0 || text.n > INT32_MAX)
		return NULL;
	bio = BIO_new_mem_buf(text.p, (int)text.n);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static EVP_PKEY *
read_bare(struct slice text)
{
	struct buf raw = BUF_INIT(64);
	EVP_PKEY *key = NULL;

	if (base64_decode(&raw, slice_trim(text)) == 0 && buf_ok(&raw) &&
	    (raw.n == 32 || raw.n == 64))
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
		    (const unsigned char *)raw.p, 32);
	buf_wipe(&raw);
	return key;
}

EVP_PKEY *
privkey_read(struct slice text)
{
	EVP_PKEY *key = read_pem(text);

	return key != NULL ? key : read_bare(text);
}

int
privkey_algorithm(const EVP_PKEY *key, enum wire_keys_alg *alg,
    const char **why)
{
	int bits = EVP_PKEY_get_bits(key);

	*alg = WIRE_KEYS_ED25519_SHA256;
	if (EVP_PKEY_is_a(key, "ED25519"))
		return 0;
	*alg = WIRE_KEYS_RSA_SHA256;
	if (!EVP_PKEY_is_a(key, "RSA"))
		return fail(why, "the key is neither RSA nor Ed25519");
	if (bits < RSA_MIN_BITS)
		return fail(why, "an RSA key of less than 1024 bits");
	if (bits > RSA_MAX_BITS)
		return fail(why, "an RSA key of more than 16384 bits");
	return 0;
}

static bool
sign_rsa(EVP_PKEY *key, struct slice digest, unsigned char *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool ok;

	ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_sign(ctx, out, n, (const unsigned char *)digest.p,
	    digest.n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* RFC 8463 section 3: PureEdDSA over the SHA-256 digest. */
static bool
sign_ed25519(EVP_PKEY *key, struct slice digest, unsigned char *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, out, n, (const unsigned char *)digest.p,
	    digest.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

int
privkey_sign(EVP_PKEY *key, enum wire_keys_alg alg, struct slice digest,
    struct buf *out)
{
	static bool (*const sign[WIRE_KEYS_ALGS])(EVP_PKEY *, struct slice,
	    unsigned char *, size_t *) = {
		[WIRE_KEYS_RSA_SHA256] = sign_rsa,
		[WIRE_KEYS_ED25519_SHA256] = sign_ed25519,
	};
	unsigned char signature[SIGNATURE_MAX];
	size_t n = sizeof(signature);

	if (!sign[alg](key, digest, signature, &n)) {
		ERR_clear_error();
		return -1;
	}
	buf_add(out, signature, n);
	return buf_ok(out) ? 0 : -1;
}
