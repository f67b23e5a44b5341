#include "sasl/scram_verifier.h"

#include "core/base64.h"
#include "core/num.h"

static const struct {
	const char *name;
	size_t size;
} hashes[SCRAM_HASHES] = {
	[SCRAM_SHA1] = { "SCRAM-SHA-1", 20 },
	[SCRAM_SHA256] = { "SCRAM-SHA-256", 32 },
};

const char *
scram_hash_name(enum scram_hash hash)
{
	return hashes[hash].name;
}

size_t
scram_hash_size(enum scram_hash hash)
{
	return hashes[hash].size;
}

/* The next part of text, in base64, of at most max octets; its length or -1. */
static ssize_t
take_part(struct slice *text, unsigned char *to, size_t max)
{
	struct buf b = BUF_INIT(max);
	struct slice part;
	ssize_t n = -1;

	if (slice_split(text, ',', &part) && base64_decode(&b, part) == 0 &&
	    buf_ok(&b) && b.n > 0) {
		memcpy(to, b.p, b.n);
		n = (ssize_t)b.n;
	}
	buf_wipe(&b);
	return n;
}

int
scram_verifier_parse(struct scram_verifier *v, enum scram_hash hash,
    struct slice text, const char **why)
{
	ssize_t size = (ssize_t)hashes[hash].size, salt;
	struct slice part;
	uint64_t rounds;

	*v = (struct scram_verifier){ 0 };
	if (!slice_split(&text, ',', &part) ||
	    num_u64(part, UINT32_MAX, &rounds) == -1 || rounds == 0)
		return fail(why, "malformed SCRAM hash");
	salt = take_part(&text, v->salt, sizeof(v->salt));
	if (salt == -1 ||
	    take_part(&text, v->stored, sizeof(v->stored)) != size ||
	    take_part(&text, v->server, sizeof(v->server)) != size ||
	    text.n > 0)
		return fail(why, "malformed SCRAM hash");
	if (rounds > LIMIT_HASH_ROUNDS)
		return fail(why, "the hash is too expensive");
	v->rounds = (unsigned)rounds;
	v->salt_n = (size_t)salt;
	return 0;
}

void
scram_verifier_format(const struct scram_verifier *v, enum scram_hash hash,
    struct buf *out)
{
	buf_addf(out, "%u,", v->rounds);
	base64_encode(out, slice_of(v->salt, v->salt_n));
	buf_addc(out, ',');
	base64_encode(out, slice_of(v->stored, hashes[hash].size));
	buf_addc(out, ',');
	base64_encode(out, slice_of(v->server, hashes[hash].size));
}
