/* DKIM-Signature fields. See signature.h. */
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
	struct slice c = tags_value(t, "c"), header;

	if (c.n == 0)
		return 0;
	slice_split(&c, '/', &header);
	if (parse_canon_word(header, &s->relaxed_header) == -1 ||
	    (c.n > 0 && parse_canon_word(c, &s->relaxed_body) == -1))
		return fail(why, "unknown canonicalization");
	return 0;
}

static int
parse_numbers(struct signature *s, const struct tags *t, const char **why)
{
	struct slice l = tags_value(t, "l"), x = tags_value(t, "x");
	struct slice at = tags_value(t, "t");
	uint64_t signed_at = 0;

	s->has_length = tags_find(t, "l") != NULL;
	if (s->has_length && num_u64(l, INT64_MAX, &s->length) == -1)
		return fail(why, "bad l= tag");
	if (at.n > 0 && num_u64(at, INT64_MAX, &signed_at) == -1)
		return fail(why, "bad t= tag");
	if (x.n == 0)
		return 0;
	/* Far dates are legal and mean "never" (RFC 6376 3.5, x=). */
	if (num_u64(x, INT64_MAX, &s->expires) == -1)
		s->expires = INT64_MAX;
	if (at.n > 0 && s->expires <= signed_at)
		return fail(why, "x= is not later than t=");
	return 0;
}

/* i= must be in d= or below (RFC 6376 3.5). */
static bool
identity_fits(struct slice i, struct slice d)
{
	struct slice domain = addr_domain_of(i);

	if (i.n == 0 || slice_ieq(domain, d))
		return true;
	return domain.n > d.n && slice_iends(domain, d) &&
	    domain.p[domain.n - d.n - 1] == '.';
}

/* RFC 6376 6.1.1 */
static int
check_required(const struct signature *s, const struct tags *t,
    const char **why)
{
	static const char *const required[] = { "a", "b", "bh", "d", "h", "s" };
	struct slice q = tags_value(t, "q");

	if (!slice_eq(tags_value(t, "v"), S("1")))
		return fail(why, "unknown version");
	for (size_t i = 0; i < LEN(required); i++)
		if (tags_value(t, required[i]).n == 0)
			return fail(why, "a required tag is missing");
	if (!addr_domain_valid(s->d, ADDR_UTF8))
		return fail(why, "bad d= tag");
	if (!addr_domain_valid(s->s, ADDR_UTF8))
		return fail(why, "bad s= tag");
	if (!tags_list_has(s->h, S("from")))
		return fail(why, "From is not signed");
	if (!identity_fits(s->i, s->d))
		return fail(why, "i= is not in d=");
	if (q.n > 0 && !tags_list_has(q, S("dns/txt")))
		return fail(why, "unknown query method");
	return 0;
}

int
signature_parse(struct signature *s, struct arena *arena, struct slice raw,
    size_t value_at, const char **why)
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
	s->i = tags_value(&t, "i");
	b = tags_find(&t, "b");
	if (b != NULL)
		s->b_raw = b->raw;
	if (check_required(s, &t, why) == -1 ||
	    parse_algorithm(s, why) == -1 || parse_canon(s, &t, why) == -1 ||
	    parse_numbers(s, &t, why) == -1)
		return -1;
	if (decode(arena, s->b, &s->bytes) == -1)
		return fail(why, "bad b= tag");
	if (decode(arena, tags_value(&t, "bh"), &s->body_hash) == -1 ||
	    s->body_hash.n != WIRE_KEYS_DIGEST)
		return fail(why, "bad bh= tag");
	return 0;
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
