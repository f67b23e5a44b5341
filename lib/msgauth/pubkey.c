/* Public keys from DNS. See pubkey.h. */
#include "msgauth/pubkey.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "core/base64.h"
#include "msgauth/tags.h"

#define KEY_BYTES 4096

/*
 * The RSAPublicKey inside a SubjectPublicKeyInfo (RFC 5280 section 4.1), or
 * NULL: d2i_PUBKEY would try every decoder there is, at ten times the price of
 * what the key is for.
 */
static ASN1_BIT_STRING *
rsa_public_key(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	const unsigned char *end = p + der.n;
	ASN1_BIT_STRING *bits = NULL;
	const ASN1_OBJECT *oid;
	X509_ALGOR *alg;
	int tag, class;
	long n;

	if (ASN1_get_object(&p, &n, &tag, &class, (long)der.n) !=
	    V_ASN1_CONSTRUCTED || tag != V_ASN1_SEQUENCE)
		return NULL;
	alg = d2i_X509_ALGOR(NULL, &p, end - p);
	if (alg == NULL)
		return NULL;
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	if (OBJ_obj2nid(oid) == NID_rsaEncryption)
		bits = d2i_ASN1_BIT_STRING(NULL, &p, end - p);
	X509_ALGOR_free(alg);
	return bits;
}

/*
 * RFC 6376 3.6.1 names RSAPublicKey, its examples and everybody use
 * SubjectPublicKeyInfo (erratum 3017): both are read.
 */
static EVP_PKEY *
decode_rsa(struct slice der)
{
	ASN1_BIT_STRING *inner = rsa_public_key(der);
	const unsigned char *p = (const unsigned char *)der.p;
	long n = (long)der.n;
	EVP_PKEY *pkey;

	if (inner != NULL) {
		p = ASN1_STRING_get0_data(inner);
		n = ASN1_STRING_length(inner);
	}
	pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, n);
	ASN1_BIT_STRING_free(inner);
	ERR_clear_error();
	return pkey;
}

static int
load_rsa(struct pubkey *k, struct slice der, const char **why)
{
	EVP_PKEY *pkey = decode_rsa(der);

	k->pkey = pkey;
	if (pkey == NULL || !EVP_PKEY_is_a(pkey, "RSA"))
		return fail(why, "p= is not an RSA key");
	k->bits = (unsigned)EVP_PKEY_get_bits(pkey);
	/* RFC 8301 3.2; beyond 4096 a verifier need not go. */
	if (k->bits < 1024)
		return fail(why, "the RSA key is too short");
	if (k->bits > LIMIT_DKIM_RSA_BITS)
		return fail(why, "the RSA key is too long");
	return 0;
}

/* RFC 8463 section 4.2: the 32 bytes themselves. */
static int
load_ed25519(struct pubkey *k, struct slice raw, const char **why)
{
	if (raw.n == 32)
		k->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    (const unsigned char *)raw.p, raw.n);
	k->bits = 256;
	return k->pkey != NULL ? 0 : fail(why, "p= is not an Ed25519 key");
}

static const struct {
	const char *k; /* key type of the record */
	int (*load)(struct pubkey *, struct slice, const char **);
} algs[WIRE_KEYS_ALGS] = {
	[WIRE_KEYS_RSA_SHA256] = { "rsa", load_rsa },
	[WIRE_KEYS_ED25519_SHA256] = { "ed25519", load_ed25519 },
};

static int
check_tags(struct pubkey *k, const struct tags *t, enum wire_keys_alg alg,
    const char **why)
{
	const struct tag *v = tags_find(t, "v");
	const struct tag *type = tags_find(t, "k");
	const struct tag *h = tags_find(t, "h"), *s = tags_find(t, "s");
	struct slice flags = tags_value(t, "t");

	if (v != NULL && (v != &t->list[0] ||
	    !slice_eq(v->value, S("DKIM1"))))
		return fail(why, "the record is not a DKIM key");
	if (!slice_ieq(type != NULL ? type->value : S("rsa"),
	    slice_str(algs[alg].k)))
		return fail(why, "the key is of another type");
	if (h != NULL && !tags_list_has(h->value, S("sha256")))
		return fail(why, "the key is not for sha256");
	if (s != NULL && !tags_list_has(s->value, S("*")) &&
	    !tags_list_has(s->value, S("email")))
		return fail(why, "the key is not for mail");
	k->testing = tags_list_has(flags, S("y"));
	k->exact_domain = tags_list_has(flags, S("s"));
	return 0;
}

/*
 * Panels of some providers leave quotes and the zone file's "\\;" in the
 * record. Neither can mean anything in a tag list.
 */
static void
unquote(struct buf *out, struct slice txt)
{
	for (size_t i = 0; i < txt.n; i++)
		if (txt.p[i] != '"' && !(txt.p[i] == '\\' &&
		    i + 1 < txt.n && txt.p[i + 1] == ';'))
			buf_addc(out, txt.p[i]);
}

int
pubkey_parse(struct pubkey *k, struct slice txt, enum wire_keys_alg alg,
    const char **why)
{
	struct buf der = BUF_INIT(KEY_BYTES);
	struct buf plain = BUF_INIT(txt.n + 1);
	const struct tag *p;
	struct tags t;
	int r = -1;

	*k = (struct pubkey){ 0 };
	unquote(&plain, txt);
	if (tags_parse(&t, buf_slice(&plain), why) == -1 ||
	    check_tags(k, &t, alg, why) == -1) {
		buf_release(&plain);
		return -1;
	}
	p = tags_find(&t, "p");
	if (p == NULL)
		fail(why, "the record has no p= tag");
	else if (p->value.n == 0)
		fail(why, "the key was revoked");
	else if (base64_decode_folded(&der, p->value) == -1 || !buf_ok(&der))
		fail(why, "p= is not base64");
	else
		r = algs[alg].load(k, buf_slice(&der), why);
	buf_release(&der);
	buf_release(&plain);
	if (r == -1)
		pubkey_release(k);
	return r;
}

void
pubkey_release(struct pubkey *k)
{
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
}

static bool
verify_rsa(EVP_PKEY *pkey, struct slice digest, struct slice signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok;

	ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_verify(ctx, (const unsigned char *)signature.p,
	    signature.n, (const unsigned char *)digest.p, digest.n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool
verify_ed25519(EVP_PKEY *pkey, struct slice digest, struct slice signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(ctx, (const unsigned char *)signature.p,
	    signature.n, (const unsigned char *)digest.p, digest.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool
pubkey_verify(const struct pubkey *k, enum wire_keys_alg alg,
    struct slice digest, struct slice signature)
{
	bool ok = alg == WIRE_KEYS_ED25519_SHA256 ?
	    verify_ed25519(k->pkey, digest, signature) :
	    verify_rsa(k->pkey, digest, signature);

	ERR_clear_error();
	return ok;
}
