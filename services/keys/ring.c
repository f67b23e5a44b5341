/* Private keys. See ring.h. */
#include "services/keys/ring.h"

#include "core/log.h"
#include "msgauth/privkey.h"

#define RSA_GOOD_BITS 2048 /* RFC 8301 3.2: signers should use this */

struct key {
	EVP_PKEY *pkey;
	enum wire_keys_alg alg;
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

static void
warn_if_weak(struct slice name, const EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);
	struct log_line l;

	if (!EVP_PKEY_is_a(pkey, "RSA") || bits >= RSA_GOOD_BITS)
		return;
	log_begin(&l, LOG_WARN, "weak-key");
	log_slice(&l, "key", name);
	log_num(&l, "bits", bits);
	log_end(&l);
}

int
ring_put(struct ring *r, struct slice name, struct slice pem,
    const char **why)
{
	EVP_PKEY *pkey = privkey_read(pem);
	struct key *old = map_get(&r->by_name, name);
	enum wire_keys_alg alg;
	struct key *k;

	if (pkey == NULL || privkey_algorithm(pkey, &alg, why) == -1) {
		if (pkey == NULL)
			*why = "not a private key in PEM without passphrase";
		EVP_PKEY_free(pkey);
		if (old != NULL)
			old->set = r->set;
		return -1;
	}
	warn_if_weak(name, pkey);
	k = mem_zero(sizeof(*k));
	k->pkey = pkey;
	k->alg = alg;
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

int
ring_sign(struct ring *r, struct slice name, enum wire_keys_alg alg,
    struct slice digest, struct buf *out, const char **why)
{
	struct key *k = map_get(&r->by_name, name);

	if (k == NULL)
		return fail(why, "no such key");
	if (digest.n != WIRE_KEYS_DIGEST)
		return fail(why, "not a SHA-256 digest");
	if (k->alg != alg)
		return fail(why, "the key is of another algorithm");
	return privkey_sign(k->pkey, alg, digest, out) == 0 ? 0 :
	    fail(why, "libcrypto cannot sign");
}
