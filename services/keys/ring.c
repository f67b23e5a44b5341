/* Private keys. See ring.h. */
#include "services/keys/ring.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "core/base64.h"
#include "core/log.h"

#define RSA_MIN_BITS 1024  /* RFC 8301 3.2: signers must not use less */
#define RSA_GOOD_BITS 2048 /* and should use this */
#define RSA_MAX_BITS 16384
#define SIGNATURE_MAX 4096

struct key {
	EVP_PKEY *pkey;
	unsigned set;
};

void
ring_init(struct ring *r)
{
	map_init(&r->by_name);
	r->set = 0;
}

static void
key_free(void *arg)
{
	struct key *k = arg;

	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	mem_free(k);
}

void
ring_release(struct ring *r)
{
	map_release(&r->by_name, key_free);
}

/* Without it libcrypto would ask the terminal for a passphrase. */
static int
no_passphrase(char *out UNUSED, int size UNUSED, int rw UNUSED,
    void *arg UNUSED)
{
	return 0;
}

static EVP_PKEY *
read_pem(struct slice pem)
{
	EVP_PKEY *pkey = NULL;
	BIO *bio;

	if (pem.n == 0 || pem.n > INT32_MAX)
		return NULL;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	return pkey;
}

/* rspamd's form of an Ed25519 key: base64 of its 32 bytes, or of them and the
 * public key. */
static EVP_PKEY *
read_raw(struct slice text)
{
	struct buf raw = BUF_INIT(64);
	EVP_PKEY *pkey = NULL;

	if (base64_decode(&raw, slice_trim(text)) == 0 && buf_ok(&raw) &&
	    (raw.n == 32 || raw.n == 64))
		pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
		    (const unsigned char *)raw.p, 32);
	buf_wipe(&raw);
	return pkey;
}

static int
check_key(struct slice name, const EVP_PKEY *pkey, const char **why)
{
	int bits = EVP_PKEY_get_bits(pkey);
	struct log_line l;

	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return 0;
	if (!EVP_PKEY_is_a(pkey, "RSA"))
		return fail(why, "the key is neither RSA nor Ed25519");
	if (bits < RSA_MIN_BITS)
		return fail(why, "an RSA key of less than 1024 bits");
	if (bits > RSA_MAX_BITS)
		return fail(why, "an RSA key of more than 16384 bits");
	if (bits < RSA_GOOD_BITS) {
		log_begin(&l, LOG_WARN, "weak-key");
		log_slice(&l, "key", name);
		log_num(&l, "bits", bits);
		log_end(&l);
	}
	return 0;
}

int
ring_put(struct ring *r, struct slice name, struct slice pem,
    const char **why)
{
	EVP_PKEY *pkey = read_pem(pem);
	struct key *old = map_get(&r->by_name, name);
	struct key *k;

	if (pkey == NULL)
		pkey = read_raw(pem);
	if (pkey == NULL || check_key(name, pkey, why) == -1) {
		if (pkey == NULL)
			*why = "not a private key in PEM without passphrase";
		EVP_PKEY_free(pkey);
		if (old != NULL)
			old->set = r->set;
		return -1;
	}
	k = mem_zero(sizeof(*k));
	k->pkey = pkey;
	k->set = r->set;
	key_free(map_put(&r->by_name, name, k));
	return 0;
}

void
ring_remove(struct ring *r, struct slice name)
{
	key_free(map_remove(&r->by_name, name));
}

void
ring_begin(struct ring *r)
{
	r->set++;
}

void
ring_sweep(struct ring *r)
{
	struct map_iter it = { 0 };
	struct slice name;
	void *value;

	while (map_next(&r->by_name, &it, &name, &value))
		if (((struct key *)value)->set != r->set)
			ring_remove(r, name);
}

static bool
sign_rsa(EVP_PKEY *pkey, struct slice digest, unsigned char *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
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
sign_ed25519(EVP_PKEY *pkey, struct slice digest, unsigned char *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestSign(ctx, out, n, (const unsigned char *)digest.p,
	    digest.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static const struct {
	const char *type;
	bool (*sign)(EVP_PKEY *, struct slice, unsigned char *, size_t *);
} algs[WIRE_KEYS_ALGS] = {
	[WIRE_KEYS_RSA_SHA256] = { "RSA", sign_rsa },
	[WIRE_KEYS_ED25519_SHA256] = { "ED25519", sign_ed25519 },
};

int
ring_sign(struct ring *r, struct slice name, enum wire_keys_alg alg,
    struct slice digest, struct buf *out, const char **why)
{
	struct key *k = map_get(&r->by_name, name);
	unsigned char signature[SIGNATURE_MAX];
	size_t n = sizeof(signature);

	if (k == NULL)
		return fail(why, "no such key");
	if (digest.n != WIRE_KEYS_DIGEST)
		return fail(why, "not a SHA-256 digest");
	if (!EVP_PKEY_is_a(k->pkey, algs[alg].type))
		return fail(why, "the key is of another algorithm");
	if (!algs[alg].sign(k->pkey, digest, signature, &n))
		return fail(why, "libcrypto cannot sign");
	buf_add(out, signature, n);
	return 0;
}
