#include "sasl/scram_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/rand.h"
#include "sasl/saslprep.h"

static const EVP_MD *
digest_of(enum scram_hash hash)
{
	return hash == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
}

void
scram_hmac(enum scram_hash hash, struct slice key, struct slice text,
    unsigned char *out)
{
	unsigned n;

	if (HMAC(digest_of(hash), key.p, (int)key.n,
	    (const unsigned char *)text.p, text.n, out, &n) == NULL)
		panic("libcrypto has no HMAC");
}

static void
hash_of(enum scram_hash hash, const unsigned char *in, unsigned char *out)
{
	if (EVP_Digest(in, scram_hash_size(hash), out, NULL, digest_of(hash),
	    NULL) != 1)
		panic("libcrypto has no digest");
}

void
scram_derive_raw(struct scram_verifier *v, enum scram_hash hash,
    struct slice password)
{
	size_t size = scram_hash_size(hash);
	unsigned char salted[SCRAM_KEY_MAX], client[SCRAM_KEY_MAX];

	if (PKCS5_PBKDF2_HMAC(password.p, (int)password.n, v->salt,
	    (int)v->salt_n, (int)v->rounds, digest_of(hash), (int)size,
	    salted) != 1)
		panic("libcrypto has no PBKDF2");
	scram_hmac(hash, slice_of(salted, size), S("Client Key"), client);
	hash_of(hash, client, v->stored);
	scram_hmac(hash, slice_of(salted, size), S("Server Key"), v->server);
	mem_wipe(salted, sizeof(salted));
	mem_wipe(client, sizeof(client));
}

void
scram_derive(struct scram_verifier *v, enum scram_hash hash,
    struct slice password)
{
	/* NFKC makes a text longer, but hardly ever ten times. */
	struct buf prepared = BUF_INIT(20 * LIMIT_PASSWORD);

	if (saslprep(password, &prepared) == 0 && prepared.n > 0)
		password = buf_slice(&prepared);
	scram_derive_raw(v, hash, password);
	buf_wipe(&prepared);
}

void
scram_derive_new(struct scram_verifier *v, enum scram_hash hash,
    struct slice password)
{
	*v = (struct scram_verifier){ .rounds = SCRAM_ROUNDS,
		.salt_n = SCRAM_SALT };
	rand_bytes(v->salt, v->salt_n);
	scram_derive(v, hash, password);
}

bool
scram_proof_ok(const struct scram_verifier *v, enum scram_hash hash,
    struct slice auth_message, struct slice proof)
{
	size_t size = scram_hash_size(hash);
	unsigned char key[SCRAM_KEY_MAX], got[SCRAM_KEY_MAX];
	bool ok;

	if (proof.n != size)
		return false;
	/* ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage) */
	scram_hmac(hash, slice_of(v->stored, size), auth_message, key);
	for (size_t i = 0; i < size; i++)
		key[i] ^= (unsigned char)proof.p[i];
	hash_of(hash, key, got);
	ok = CRYPTO_memcmp(got, v->stored, size) == 0;
	mem_wipe(key, sizeof(key));
	mem_wipe(got, sizeof(got));
	return ok;
}
