/* Signature fields. See signature.h. */
#include "msgauth/signature.h"

#include "core/base64.h"
#include "core/num.h"
#include "mail/addr.h"
#include "msgauth/canon.h"
#include "msgauth/tags.h"

#define SIGNATURE_BYTES 2048

static int
decode(struct arena *arena, struct slice text, struct slice *out)
{
	struct buf b = BUF_INIT(SIGNATURE_BYTES);
	int r = base64_decode_folded(&b, text);

	if (r == 0 && buf_ok(&b) && b.n > 0)
		*out = arena_slice(arena, buf_slice(&b));
	else
		r = -1;
	buf_release(&b);
	return r;
}

/* RFC 8301 3.1: rsa-sha1 has failed for good. RFC 8463 adds the other. */
static int
parse_algorithm(struct signature *s, const char **why)
{
	if (slice_ieq(s->a, S("rsa-sha256")))
		s->alg = WIRE_KEYS_RSA_SHA256;
	else if (slice_ieq(s->a, S("ed25519-sha256")))
		s->alg = WIRE_KEYS_ED25519_SHA256;
	else if (slice_ieq(s->a, S("rsa-sha1")))
		return fail(why, "rsa-sha1 is not accepted");
	else
		return fail(why, "unknown algorithm");
	return 0;
}

static int
parse_canon_word(struct slice word, bool *relaxed)
{
	*relaxed = slice_ieq(word, S("relaxed"));
	return *relaxed || slice_ieq(word, S("simple")) ? 0 : -1;
}

/* "header/body"; each is simple when it is not there. */
static int
parse_canon(struct signature *s, const struct tags *t, const char **why)
{
	const struct tag *tag = tags_find(t, "c");
	struct slice header, body;
	ssize_t slash;

	if (tag == NULL)
		return 0;
	slash = slice_find(tag->value, '/');
	header = slash < 0 ? tag->value :
	    slice_head(tag->value, (size_t)slash);
	body = slash < 0 ? S("simple") :
	    slice_from(tag->value, (size_t)slash + 1);
	if (parse_canon_word(header, &s->relaxed_header) == -1 ||
	    parse_canon_word(body, &s->relaxed_body) == -1)
		return fail(why, "unknown canonicalization");
	return 0;
}

/* Digits alone. Far dates are legal and mean "never" (RFC 6376 3.5, x=). */
static int
parse_time(const struct tag *tag, uint64_t *out)
{
	struct slice text = tag->value;

	for (size_t i = 0; i < text.n; i++)
		if (!ascii_is_digit(text.p[i]))
			return -1;
	if (text.n > 0 && num_u64(text, INT64_MAX, out) == -1)
		*out = INT64_MAX;
	return text.n > 0 ? 0 : -1;
}

static int
parse_numbers(struct signature *s, const struct tags *t, const char **why)
{
	const struct tag *at = tags_find(t, "t"), *x = tags_find(t, "x");

	s->has_length = tags_find(t, "l") != NULL;
	if (s->has_length && num_u64(tags_value(t, "l"), INT64_MAX,
	    &s->length) == -1)
		return fail(why, "bad l= tag");
	if (at != NULL && parse_time(at, &s->signed_at) == -1)
		return fail(why, "bad t= tag");
	if (x != NULL && parse_time(x, &s->expires) == -1)
		return fail(why, "bad x= tag");
	if (at != NULL && x != NULL && s->expires <= s->signed_at)
		return fail(why, "x= is not later than t=");
	return 0;
}

/* i= must be in d= or below (RFC 6376 3.5). */
static bool
identity_fits(struct slice i, struct slice d)
{
	struct slice domain = addr_domain_of(i);

	if (slice_ieq(domain, d))
		return true;
	return domain.n > d.n && slice_iends(domain, d) &&
	    domain.p[domain.n - d.n - 1] == '.';
}

/* The tags that must be there (RFC 6376 6.1.1, RFC 8617 4.1.2, 4.1.3). */
static int
check_required(const struct tags *t, enum signature_kind kind,
    const char **why)
{
	static const char *const required[][7] = {
		[SIGNATURE_DKIM] = { "a", "b", "bh", "d", "h", "s" },
		[SIGNATURE_ARC_MESSAGE] = { "i", "a", "b", "bh", "d", "h",
			"s" },
		[SIGNATURE_SEAL] = { "i", "a", "b", "cv", "d", "s" },
	};

	for (size_t i = 0; i < LEN(required[kind]); i++)
		if (required[kind][i] != NULL &&
		    tags_value(t, required[kind][i]).n == 0)
			return fail(why, "a required tag is missing");
	return 0;
}

static int
check_names(const struct signature *s, const char **why)
{
	if (!addr_domain_valid(s->d, ADDR_UTF8))
		return fail(why, "bad d= tag");
	if (!addr_domain_valid(s->s, ADDR_UTF8))
		return fail(why, "bad s= tag");
	return 0;
}

static int
check_dkim(const struct signature *s, const struct tags *t, const char **why)
{
	if (!slice_eq(tags_value(t, "v"), S("1")))
		return fail(why, "unknown version");
	return tags_find(t, "i") == NULL || identity_fits(s->i, s->d) ? 0 :
	    fail(why, "i= is not in d=");
}

/*
 * RFC 8617 4.1.2 tells signers to sign no field of ARC; 5.2 does not tell
 * validators to mind, and sealers that sign the results are about. A seal is
 * made after the signature: one that covers it was not made as it must be.
 * A v= is ignored.
 */
static int
check_arc_message(const struct signature *s, const char **why)
{
	return tags_list_has(s->h, S("arc-seal")) ?
	    fail(why, "an ARC-Seal is signed") : 0;
}

/* All that is about the body: DKIM and ARC-Message-Signature. */
static int
parse_body_tags(struct signature *s, struct arena *arena,
    const struct tags *t, const char **why)
{
	const struct tag *q = tags_find(t, "q");

	if (!tags_list_has(s->h, S("from")))
		return fail(why, "From is not signed");
	if (q != NULL && !tags_list_has(q->value, S("dns/txt")))
		return fail(why, "unknown query method");
	if (parse_canon(s, t, why) == -1)
		return -1;
	if (decode(arena, tags_value(t, "bh"), &s->body_hash) == -1 ||
	    s->body_hash.n != WIRE_KEYS_DIGEST)
		return fail(why, "bad bh= tag");
	return 0;
}

int
signature_instance(struct slice value, unsigned *instance)
{
	uint64_t n;

	if (num_u64(value, LIMIT_ARC_SETS, &n) == -1 || n == 0)
		return -1;
	*instance = (unsigned)n;
	return 0;
}

static int
parse_seal_tags(struct signature *s, const struct tags *t, const char **why)
{
	s->relaxed_header = true;
	s->cv = tags_value(t, "cv");
	/* RFC 8617 4.1.3 */
	return tags_find(t, "h") == NULL ? 0 :
	    fail(why, "a seal has no h= tag");
}

int
signature_parse(struct signature *s, struct arena *arena,
    enum signature_kind kind, struct slice raw, size_t value_at,
    const char **why)
{
	const struct tag *b;
	struct tags t;

	*s = (struct signature){ .raw = raw };
	if (tags_parse(&t, slice_from(raw, value_at), why) == -1)
		return -1;
	s->a = tags_value(&t, "a");
	s->b = tags_value(&t, "b");
	s->d = tags_value(&t, "d");
	s->s = tags_value(&t, "s");
	s->h = tags_value(&t, "h");
	if (kind == SIGNATURE_DKIM)
		s->i = tags_value(&t, "i");
	b = tags_find(&t, "b");
	if (b != NULL)
		s->b_raw = b->raw;
	if (kind == SIGNATURE_DKIM && check_dkim(s, &t, why) == -1)
		return -1;
	if (check_required(&t, kind, why) == -1 || check_names(s, why) == -1)
		return -1;
	if (kind != SIGNATURE_DKIM &&
	    signature_instance(tags_value(&t, "i"), &s->instance) == -1)
		return fail(why, "bad instance");
	if (kind == SIGNATURE_ARC_MESSAGE && check_arc_message(s, why) == -1)
		return -1;
	if (parse_algorithm(s, why) == -1 || parse_numbers(s, &t, why) == -1)
		return -1;
	if (decode(arena, s->b, &s->bytes) == -1)
		return fail(why, "bad b= tag");
	return kind == SIGNATURE_SEAL ? parse_seal_tags(s, &t, why) :
	    parse_body_tags(s, arena, &t, why);
}

void
signature_canon(const struct signature *s, struct buf *out)
{
	struct buf without = BUF_INIT(s->raw.n + 1);
	size_t at = (size_t)(s->b_raw.p - s->raw.p);

	buf_add_slice(&without, slice_head(s->raw, at));
	buf_add_slice(&without, slice_from(s->raw, at + s->b_raw.n));
	canon_field(out, s->relaxed_header, buf_slice(&without));
	buf_release(&without);
}
