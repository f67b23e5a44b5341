/* Password schemes. See password.h. */
#include "services/auth/password.h"

/* MD5 of a single block, which is all that CRAM-MD5 stores, has only the old
 * interface of libcrypto. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <sodium.h>

#include "core/base64.h"
#include "core/limits.h"
#include "core/num.h"
#include "sasl/scram_key.h"

#define RAW_MAX 2048 /* the decoded hash */

enum encoding { PLAIN, BASE64, HEX };

struct scheme {
	const char *name;
	enum encoding encoding; /* unless the name has a suffix */
	size_t size;            /* of the digest; 0 if not fixed */
	/* Is the decoded hash well-formed and cheap enough? */
	int (*check)(const struct scheme *s, struct slice raw,
	    const char **why);
	/* After check: does the password fit? */
	bool (*match)(const struct scheme *s, struct slice raw,
	    struct slice password);
	const char *md;         /* libcrypto's name of the digest */
	bool salted;            /* the salt follows the digest */
};

static bool
same(struct slice a, struct slice b)
{
	return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

/* --- crypt(3) ------------------------------------------------------------- */

static bool
crypt_rounds_ok(struct slice raw)
{
	struct slice rest = slice_from(raw, 3);
	uint64_t rounds;

	if (!slice_starts(rest, S("rounds=")))
		return true;
	rest = slice_from(rest, 7);
	return num_take(&rest, LIMIT_HASH_ROUNDS, &rounds) == 0;
}

static bool
bcrypt_cost_ok(struct slice raw)
{
	struct slice rest = slice_from(raw, 4);
	uint64_t cost;

	return num_take(&rest, LIMIT_HASH_BCRYPT, &cost) == 0;
}

/*
 * "$y$j9T$": the second character is the logarithm of N, the third r; "DT"
 * takes 256 MiB. Further characters would be further costs.
 */
static bool
yescrypt_cost_ok(struct slice raw)
{
	return raw.n > 7 && raw.p[3] == 'j' && raw.p[4] >= '.' &&
	    raw.p[4] <= 'D' && raw.p[5] >= '.' && raw.p[5] <= 'T' &&
	    raw.p[6] == '$';
}

static bool
cheap(struct slice raw UNUSED)
{
	return true;
}

/* The forms that Dovecot's users have; what else libxcrypt knows may cost
 * anything. */
static const struct {
	const char *prefix;
	bool (*cost_ok)(struct slice raw);
} crypt_forms[] = {
	{ "$6$", crypt_rounds_ok },
	{ "$5$", crypt_rounds_ok },
	{ "$1$", cheap },
	{ "$2a$", bcrypt_cost_ok },
	{ "$2b$", bcrypt_cost_ok },
	{ "$2y$", bcrypt_cost_ok },
	{ "$y$", yescrypt_cost_ok },
};

static int
crypt_check(const struct scheme *s UNUSED, struct slice raw, const char **why)
{
	if (raw.n == 0 || raw.n >= CRYPT_OUTPUT_SIZE ||
	    memchr(raw.p, 0, raw.n) != NULL)
		return fail(why, "malformed crypt hash");
	for (size_t i = 0; i < LEN(crypt_forms); i++)
		if (slice_starts(raw, slice_str(crypt_forms[i].prefix)))
			return crypt_forms[i].cost_ok(raw) ? 0 :
			    fail(why, "the hash is too expensive");
	/* The old DES form: two characters of salt, eleven of hash. */
	if (raw.n != 13)
		return fail(why, "unknown crypt hash");
	for (size_t i = 0; i < raw.n; i++)
		if (!ascii_is_alnum(raw.p[i]) && raw.p[i] != '.' &&
		    raw.p[i] != '/')
			return fail(why, "unknown crypt hash");
	return 0;
}

static bool
crypt_match(const struct scheme *s UNUSED, struct slice raw,
    struct slice password)
{
	struct crypt_data *data = mem_zero(sizeof(*data));
	char *setting = slice_dup(raw);
	char *phrase = slice_dup(password);
	const char *got = crypt_rn(phrase, setting, data, sizeof(*data));
	bool ok = got != NULL && same(slice_str(got), raw);

	mem_wipe(phrase, password.n);
	mem_wipe(data, sizeof(*data));
	mem_free(phrase);
	mem_free(setting);
	mem_free(data);
	return ok;
}

/* --- Argon2 --------------------------------------------------------------- */

static bool
take_param(struct slice *rest, const char *name, uint64_t max, uint64_t *out)
{
	struct slice want = slice_str(name);

	if (!slice_starts(*rest, want))
		return false;
	*rest = slice_from(*rest, want.n);
	return num_take(rest, max, out) == 0;
}

static int
argon_check(const struct scheme *s, struct slice raw, const char **why)
{
	struct slice rest = raw, prefix = slice_str(s->md);
	uint64_t version, memory, passes, lanes;

	if (!slice_starts(rest, prefix) || memchr(raw.p, 0, raw.n) != NULL ||
	    raw.n >= 256)
		return fail(why, "malformed Argon2 hash");
	rest = slice_from(rest, prefix.n);
	if (!take_param(&rest, "v=", 19, &version) ||
	    !take_param(&rest, "$m=", UINT32_MAX, &memory) ||
	    !take_param(&rest, ",t=", UINT32_MAX, &passes) ||
	    !take_param(&rest, ",p=", 64, &lanes))
		return fail(why, "malformed Argon2 hash");
	if (memory > LIMIT_HASH_MEMORY_KB ||
	    memory * passes > LIMIT_HASH_ARGON_KB)
		return fail(why, "the hash is too expensive");
	return 0;
}

static bool
argon_match(const struct scheme *s UNUSED, struct slice raw,
    struct slice password)
{
	char *text = slice_dup(raw);
	bool ok = crypto_pwhash_str_verify(text, password.p, password.n) == 0;

	mem_free(text);
	return ok;
}

/* --- PBKDF2 and what is built on it --------------------------------------- */

/* "$1$salt$rounds$hex of 20 bytes" */
static bool
pbkdf2_parse(struct slice raw, struct slice *salt, uint64_t *rounds,
    struct slice *hex, bool *expensive)
{
	struct slice part;

	*expensive = false;
	if (!slice_starts(raw, S("$1$")))
		return false;
	raw = slice_from(raw, 3);
	if (!slice_split(&raw, '$', salt) || !slice_split(&raw, '$', &part) ||
	    num_u64(part, UINT32_MAX, rounds) == -1 || *rounds == 0)
		return false;
	*expensive = *rounds > LIMIT_HASH_ROUNDS;
	*hex = raw;
	return raw.n == 40;
}

static int
pbkdf2_check(const struct scheme *s UNUSED, struct slice raw, const char **why)
{
	struct slice salt, hex;
	uint64_t rounds;
	bool expensive;

	if (!pbkdf2_parse(raw, &salt, &rounds, &hex, &expensive))
		return fail(why, "malformed PBKDF2 hash");
	return expensive ? fail(why, "the hash is too expensive") : 0;
}

static bool
pbkdf2_match(const struct scheme *s UNUSED, struct slice raw,
    struct slice password)
{
	struct slice salt, hex;
	struct buf want = BUF_INIT(64);
	unsigned char got[20];
	uint64_t rounds;
	bool expensive, ok;

	ok = pbkdf2_parse(raw, &salt, &rounds, &hex, &expensive) &&
	    hex_decode(&want, hex) == 0 &&
	    PKCS5_PBKDF2_HMAC(password.p, (int)password.n,
	    (const unsigned char *)salt.p, (int)salt.n, (int)rounds,
	    EVP_sha1(), sizeof(got), got) == 1 &&
	    same(buf_slice(&want), slice_of(got, sizeof(got)));
	mem_wipe(got, sizeof(got));
	buf_release(&want);
	return ok;
}

static enum scram_hash
scram_hash_of(const struct scheme *s)
{
	return s->size == scram_hash_size(SCRAM_SHA1) ? SCRAM_SHA1 :
	    SCRAM_SHA256;
}

static int
scram_check(const struct scheme *s, struct slice raw, const char **why)
{
	struct scram_verifier v;
	int r = scram_verifier_parse(&v, scram_hash_of(s), raw, why);

	mem_wipe(&v, sizeof(v));
	return r;
}

static bool
scram_match(const struct scheme *s, struct slice raw, struct slice password)
{
	enum scram_hash hash = scram_hash_of(s);
	struct scram_verifier want, got;
	bool ok;

	if (scram_verifier_parse(&want, hash, raw, NULL) == -1)
		return false;
	got = want;
	scram_derive(&got, hash, password);
	ok = CRYPTO_memcmp(got.stored, want.stored, s->size) == 0;
	/* Dovecot makes them without SASLprep. */
	if (!ok && !slice_is_ascii(password)) {
		scram_derive_raw(&got, hash, password);
		ok = CRYPTO_memcmp(got.stored, want.stored, s->size) == 0;
	}
	mem_wipe(&got, sizeof(got));
	mem_wipe(&want, sizeof(want));
	return ok;
}

/* --- plain digests -------------------------------------------------------- */

static int
digest_check(const struct scheme *s, struct slice raw, const char **why)
{
	if (s->salted ? raw.n < s->size : raw.n != s->size)
		return fail(why, "the hash has the wrong length");
	return 0;
}

static bool
digest_match(const struct scheme *s, struct slice raw, struct slice password)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct slice salt = slice_from(raw, s->size);
	unsigned char got[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool ok;

	ok = ctx != NULL &&
	    EVP_DigestInit_ex(ctx, EVP_get_digestbyname(s->md), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, password.p, password.n) == 1 &&
	    EVP_DigestUpdate(ctx, salt.p, salt.n) == 1 &&
	    EVP_DigestFinal_ex(ctx, got, &n) == 1 &&
	    same(slice_head(raw, s->size), slice_of(got, n));
	EVP_MD_CTX_free(ctx);
	mem_wipe(got, sizeof(got));
	return ok;
}

/* {MD5} holds what crypt(3) makes or a digest in hexadecimal or base64. */
static struct slice
md5_digest(struct slice raw, struct buf *out)
{
	int r = raw.n == 32 ? hex_decode(out, raw) : base64_decode(out, raw);

	return r == 0 ? buf_slice(out) : S("");
}

static int
md5_check(const struct scheme *s, struct slice raw, const char **why)
{
	struct buf digest = BUF_INIT(RAW_MAX);
	int r;

	if (slice_starts(raw, S("$1$")))
		return crypt_check(s, raw, why);
	r = digest_check(s, md5_digest(raw, &digest), why);
	buf_release(&digest);
	return r;
}

static bool
md5_match(const struct scheme *s, struct slice raw, struct slice password)
{
	struct buf digest = BUF_INIT(RAW_MAX);
	bool ok;

	if (slice_starts(raw, S("$1$")))
		return crypt_match(s, raw, password);
	ok = digest_match(s, md5_digest(raw, &digest), password);
	buf_release(&digest);
	return ok;
}

static void
put_le32(unsigned char *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

/* The state of MD5 behind one block of the key (RFC 2104) and a pad. */
static void
md5_pad_state(const unsigned char key[64], unsigned char pad,
    unsigned char out[16])
{
	unsigned char block[64];
	MD5_CTX ctx;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	MD5_Init(&ctx);
	MD5_Update(&ctx, block, sizeof(block));
	put_le32(out, ctx.A);
	put_le32(out + 4, ctx.B);
	put_le32(out + 8, ctx.C);
	put_le32(out + 12, ctx.D);
	mem_wipe(block, sizeof(block));
	mem_wipe(&ctx, sizeof(ctx));
}

/* The two half-done contexts of HMAC-MD5, the outer one first. */
static bool
cram_match(const struct scheme *s UNUSED, struct slice raw,
    struct slice password)
{
	unsigned char key[64] = { 0 }, got[32];
	bool ok;

	if (password.n > sizeof(key))
		MD5((const unsigned char *)password.p, password.n, key);
	else
		memcpy(key, password.p, password.n);
	md5_pad_state(key, 0x5c, got);
	md5_pad_state(key, 0x36, got + 16);
	ok = same(raw, slice_of(got, sizeof(got)));
	mem_wipe(key, sizeof(key));
	mem_wipe(got, sizeof(got));
	return ok;
}

static int
plain_check(const struct scheme *s UNUSED, struct slice raw, const char **why)
{
	return raw.n > 0 ? 0 : fail(why, "empty password");
}

/* Both sides are hashed first, so the time says nothing of the length. */
static bool
plain_match(const struct scheme *s UNUSED, struct slice raw,
    struct slice password)
{
	unsigned char a[32], b[32];
	bool ok = EVP_Digest(raw.p, raw.n, a, NULL, EVP_sha256(), NULL) == 1 &&
	    EVP_Digest(password.p, password.n, b, NULL, EVP_sha256(),
	    NULL) == 1 && CRYPTO_memcmp(a, b, sizeof(a)) == 0;

	mem_wipe(a, sizeof(a));
	mem_wipe(b, sizeof(b));
	return ok;
}

/* --- dispatch ------------------------------------------------------------- */

#define CRYPT_SCHEME(n) { n, PLAIN, 0, crypt_check, crypt_match, NULL, false }
#define DIGEST(n, enc, size, md, salted) \
	{ n, enc, size, digest_check, digest_match, md, salted }
#define CLEAR(n) { n, PLAIN, 0, plain_check, plain_match, NULL, false }

static const struct scheme schemes[] = {
	CRYPT_SCHEME("SHA512-CRYPT"), /* first: the default */
	CRYPT_SCHEME("SHA256-CRYPT"),
	CRYPT_SCHEME("MD5-CRYPT"),
	CRYPT_SCHEME("CRYPT"),
	CRYPT_SCHEME("DES-CRYPT"),
	CRYPT_SCHEME("BLF-CRYPT"),
	{ "ARGON2ID", PLAIN, 0, argon_check, argon_match, "$argon2id$", false },
	{ "ARGON2I", PLAIN, 0, argon_check, argon_match, "$argon2i$", false },
	{ "PBKDF2", PLAIN, 0, pbkdf2_check, pbkdf2_match, NULL, false },
	{ "SCRAM-SHA-1", PLAIN, 20, scram_check, scram_match, NULL, false },
	{ "SCRAM-SHA-256", PLAIN, 32, scram_check, scram_match, NULL, false },
	DIGEST("SSHA", BASE64, 20, "SHA1", true),
	DIGEST("SSHA256", BASE64, 32, "SHA256", true),
	DIGEST("SSHA512", BASE64, 64, "SHA512", true),
	DIGEST("SMD5", BASE64, 16, "MD5", true),
	DIGEST("SHA", BASE64, 20, "SHA1", false),
	DIGEST("SHA1", BASE64, 20, "SHA1", false),
	DIGEST("SHA256", BASE64, 32, "SHA256", false),
	DIGEST("SHA512", BASE64, 64, "SHA512", false),
	DIGEST("LDAP-MD5", BASE64, 16, "MD5", false),
	DIGEST("PLAIN-MD5", HEX, 16, "MD5", false),
	{ "MD5", PLAIN, 16, md5_check, md5_match, "MD5", false },
	{ "CRAM-MD5", HEX, 32, digest_check, cram_match, NULL, false },
	CLEAR("PLAIN"),
	CLEAR("CLEAR"),
	CLEAR("CLEARTEXT"),
};

static const struct {
	const char *suffix;
	enum encoding encoding;
} suffixes[] = { { ".b64", BASE64 }, { ".base64", BASE64 }, { ".hex", HEX } };

/* Finds the scheme and what follows the braces. */
static const struct scheme *
scheme_of(struct slice *hash, enum encoding *encoding)
{
	ssize_t end = slice_find(*hash, '}');
	const struct scheme *s = NULL;
	bool suffixed = false;
	struct slice name;

	*encoding = PLAIN;
	if (hash->n == 0 || hash->p[0] != '{' || end < 0)
		return &schemes[0];
	name = slice_of(hash->p + 1, (size_t)end - 1);
	*hash = slice_from(*hash, (size_t)end + 1);
	for (size_t i = 0; i < LEN(suffixes) && !suffixed; i++) {
		struct slice suffix = slice_str(suffixes[i].suffix);

		if (slice_iends(name, suffix)) {
			name.n -= suffix.n;
			*encoding = suffixes[i].encoding;
			suffixed = true;
		}
	}
	for (size_t i = 0; i < LEN(schemes) && s == NULL; i++)
		if (slice_ieq(name, slice_str(schemes[i].name)))
			s = &schemes[i];
	if (s == NULL || suffixed)
		return s;
	*encoding = s->encoding;
	/* As Dovecot does: a digest of known size tells its encoding. */
	if (s->encoding != PLAIN && s->size > 0 && !s->salted)
		*encoding = hash->n == s->size * 2 ? HEX : BASE64;
	return s;
}

static int
decode(enum encoding encoding, struct slice hash, struct buf *raw)
{
	switch (encoding) {
	case BASE64:
		return base64_decode(raw, hash);
	case HEX:
		return hex_decode(raw, hash);
	case PLAIN:
		break;
	}
	buf_add_slice(raw, hash);
	return 0;
}

static int
verify(struct slice hash, const struct slice *password, const char **why)
{
	struct buf raw = BUF_INIT(RAW_MAX);
	enum encoding encoding;
	const struct scheme *s = scheme_of(&hash, &encoding);
	int r;

	if (s == NULL)
		return fail(why, "unknown password scheme");
	if (decode(encoding, hash, &raw) == -1 || !buf_ok(&raw))
		r = fail(why, "the hash is badly encoded");
	else
		r = s->check(s, buf_slice(&raw), why);
	if (r == 0 && password != NULL)
		r = s->match(s, buf_slice(&raw), *password) ? 1 : 0;
	buf_wipe(&raw);
	return r;
}

int
password_verify(struct slice hash, struct slice password, const char **why)
{
	/* crypt(3) would stop at a NUL and accept what follows it. */
	if (password.n == 0 || password.n > LIMIT_PASSWORD ||
	    memchr(password.p, 0, password.n) != NULL)
		return 0;
	return verify(hash, &password, why);
}

int
password_check(struct slice hash, const char **why)
{
	return verify(hash, NULL, why);
}

bool
password_is_hard(struct slice hash)
{
	struct buf raw = BUF_INIT(RAW_MAX);
	enum encoding encoding;
	const struct scheme *s = scheme_of(&hash, &encoding);
	bool hard = false;

	if (s != NULL && decode(encoding, hash, &raw) == 0)
		hard = s->check == argon_check || s->check == scram_check ||
		    (s->check == crypt_check &&
		    (slice_starts(buf_slice(&raw), S("$2")) ||
		    slice_starts(buf_slice(&raw), S("$y$"))));
	buf_wipe(&raw);
	return hard;
}
