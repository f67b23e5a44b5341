#include "sasl/scram.h"

#include "core/base64.h"
#include "sasl/saslprep.h"
#include "sasl/scram_key.h"

/* A name may be escaped, three octets for one. */
#define NAME_MAX_OCTETS LIMIT_SASL_MESSAGE

void
scram_init(struct scram *s, enum scram_hash hash)
{
	*s = (struct scram){ .hash = hash };
	buf_init(&s->user, NAME_MAX_OCTETS);
	buf_init(&s->authzid, NAME_MAX_OCTETS);
	buf_init(&s->binding, 2 * LIMIT_SASL_MESSAGE);
	buf_init(&s->nonce, LIMIT_SASL_MESSAGE + SCRAM_NONCE);
	buf_init(&s->message, 5 * LIMIT_SASL_MESSAGE);
}

void
scram_release(struct scram *s)
{
	buf_release(&s->user);
	buf_release(&s->authzid);
	buf_release(&s->binding);
	buf_release(&s->nonce);
	buf_release(&s->message);
	mem_wipe(&s->verifier, sizeof(s->verifier));
}

static int
take_name(struct slice name, struct buf *out)
{
	struct buf decoded = BUF_INIT(NAME_MAX_OCTETS);
	int r = scram_name_decode(name, &decoded);

	if (r == 0)
		r = saslprep(buf_slice(&decoded), out);
	buf_release(&decoded);
	return r;
}

static const struct scram_binding *
find_binding(const struct scram_channel *c, struct slice name)
{
	for (size_t i = 0; i < c->n; i++)
		if (slice_eq(slice_str(c->bindings[i].name), name) &&
		    c->bindings[i].data.n > 0)
			return &c->bindings[i];
	return NULL;
}

/* RFC 5802 section 6: flag and mechanism have to agree, and "y" where we do
 * offer it means that somebody changed our list of mechanisms on its way. */
static int
check_binding(struct scram *s, bool plus, const struct scram_channel *c,
    const struct scram_client_first *m, const char **why)
{
	const struct scram_binding *b;

	buf_add_slice(&s->binding, m->header);
	if (m->flag == SCRAM_FLAG_UNOFFERED && c->offered)
		return fail(why, "channel binding was hidden from the client");
	if (plus != (m->flag == SCRAM_FLAG_BOUND))
		return fail(why, "channel binding does not fit the mechanism");
	if (!plus)
		return 0;
	b = find_binding(c, m->binding);
	if (b == NULL)
		return fail(why, "unsupported channel binding");
	buf_add_slice(&s->binding, b->data);
	return 0;
}

int
scram_first(struct scram *s, bool plus, const struct scram_channel *c,
    struct slice message, const char **why)
{
	struct scram_client_first m;

	if (message.n > LIMIT_SASL_MESSAGE)
		return fail(why, "SCRAM message too long");
	if (scram_client_first_parse(&m, message, why) == -1)
		return -1;
	if (take_name(m.user, &s->user) == -1 ||
	    take_name(m.authzid, &s->authzid) == -1) {
		buf_clear(&s->user);
		return fail(why, "malformed SCRAM name");
	}
	buf_add_slice(&s->nonce, m.nonce);
	buf_add_slice(&s->message, m.bare);
	return check_binding(s, plus, c, &m, why);
}

void
scram_challenge(struct scram *s, const struct scram_verifier *v,
    struct slice nonce, struct buf *out)
{
	size_t start = out->n;

	s->verifier = *v;
	buf_add_slice(&s->nonce, nonce);
	buf_adds(out, "r=");
	buf_add_slice(out, buf_slice(&s->nonce));
	buf_adds(out, ",s=");
	base64_encode(out, slice_of(v->salt, v->salt_n));
	buf_addf(out, ",i=%u", v->rounds);
	buf_addc(&s->message, ',');
	buf_add_slice(&s->message, slice_from(buf_slice(out), start));
}

/* "c=" repeats the header, and has the data behind it if it is bound. */
static bool
same_binding(const struct scram *s, struct slice encoded)
{
	struct buf got = BUF_INIT(2 * LIMIT_SASL_MESSAGE);
	bool same = base64_decode(&got, encoded) == 0 && buf_ok(&got) &&
	    slice_eq(buf_slice(&got), buf_slice(&s->binding));

	buf_release(&got);
	return same;
}

int
scram_final(struct scram *s, struct slice message, struct buf *out,
    const char **why)
{
	struct scram_client_final m;
	struct buf proof = BUF_INIT(SCRAM_KEY_MAX);
	unsigned char signature[SCRAM_KEY_MAX];
	size_t size = scram_hash_size(s->hash);
	bool ok;

	if (message.n > LIMIT_SASL_MESSAGE)
		return fail(why, "SCRAM message too long");
	if (scram_client_final_parse(&m, message, why) == -1)
		return -1;
	if (!slice_eq(m.nonce, buf_slice(&s->nonce)))
		return fail(why, "wrong SCRAM nonce");
	if (!same_binding(s, m.binding))
		return fail(why, "channel binding differs");
	buf_addc(&s->message, ',');
	buf_add_slice(&s->message, m.without_proof);
	ok = base64_decode(&proof, m.proof) == 0 && buf_ok(&s->message) &&
	    scram_proof_ok(&s->verifier, s->hash, buf_slice(&s->message),
	    buf_slice(&proof));
	buf_release(&proof);
	if (!ok)
		return fail(why, "wrong password");
	scram_hmac(s->hash, slice_of(s->verifier.server, size),
	    buf_slice(&s->message), signature);
	buf_adds(out, "v=");
	base64_encode(out, slice_of(signature, size));
	return 0;
}
