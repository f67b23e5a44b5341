/* Received chains. See arc.h. */
#include "msgauth/arc.h"

#include <openssl/evp.h>

#include "mail/authres_read.h"
#include "msgauth/orgdomain.h"
#include "msgauth/tags.h"

/* Names of keys; longer than a name of the DNS can be. */
#define NAME_MAX_BYTES 1024
#define CANON_MAX (2 * LIMIT_HEADER_BYTES)

static const char *const result_names[ARC_RESULTS] = {
	[ARC_NONE] = "none",
	[ARC_PASS] = "pass",
	[ARC_FAIL] = "fail",
};

const char *
arc_result_name(enum arc_result r)
{
	return result_names[r];
}

static void
judge(struct arc *c, enum arc_result result, unsigned at, const char *why)
{
	c->judged = true;
	c->result = result;
	c->at = at;
	c->why = why;
}

/* --- fields --------------------------------------------------------------- */

enum arc_field
arc_field_of(const struct header_field *h)
{
	static const char *const names[ARC_FIELDS] = {
		[ARC_AAR] = "ARC-Authentication-Results",
		[ARC_AMS] = "ARC-Message-Signature",
		[ARC_AS] = "ARC-Seal",
	};
	unsigned kind = 0;

	while (kind < ARC_FIELDS && !header_is(h, slice_str(names[kind])))
		kind++;
	return kind;
}

unsigned
arc_field_instance(enum arc_field kind, struct slice value)
{
	struct slice digits = S(""), payload;
	struct tags t;
	unsigned n = 0;

	if (kind != ARC_AAR && tags_parse(&t, value, NULL) == 0)
		digits = tags_value(&t, "i");
	else if (kind == ARC_AAR && authres_read_instance(value, &digits,
	    &payload) == -1)
		return 0;
	return signature_instance(digits, &n) == 0 ? n : 0;
}

void
arc_canon_set(struct buf *out, const struct slice raw[3])
{
	for (unsigned i = 0; i < ARC_FIELDS; i++) {
		canon_field(out, true, raw[i]);
		buf_adds(out, "\r\n");
	}
}

/* --- collecting: 5.2, steps 1 to 3 ---------------------------------------- */

static int
take_field(struct arc *c, struct arena *arena, const struct fields *f,
    const struct header_field *h, enum arc_field kind)
{
	struct slice raw = fields_raw(f, h), digits;
	size_t value_at = (size_t)(h->value.p - raw.p);
	unsigned i = arc_field_instance(kind, h->value);
	struct arc_set *set;
	const char *why = NULL;
	struct tags t;
	int r = 0;

	if (i == 0) {
		if (kind == ARC_AAR || tags_parse(&t, h->value, &why) == 0)
			why = "a field has no instance of 1 to 50";
		judge(c, ARC_FAIL, 0, why);
		return -1;
	}
	if (c->sets == NULL)
		c->sets = arena_array(arena, LIMIT_ARC_SETS,
		    sizeof(*c->sets));
	set = &c->sets[i - 1];
	if (i > c->n)
		c->n = i;
	if (set->raw[kind].n > 0) {
		judge(c, ARC_FAIL, i, "a field is there twice");
		return -1;
	}
	set->raw[kind] = raw;
	if (kind == ARC_AS) {
		r = signature_parse(&set->seal.sig, arena, SIGNATURE_SEAL, raw,
		    value_at, &why);
	} else if (kind == ARC_AMS) {
		r = signature_parse(&set->message.sig, arena,
		    SIGNATURE_ARC_MESSAGE, raw, value_at, &why);
	} else {
		r = authres_read_instance(h->value, &digits, &set->results);
	}
	/* An older message signature need not be good (5.2, step 4). */
	if (r == -1 && kind == ARC_AMS) {
		dkim_verified_decide(&set->message, DKIM_PERMERROR, why);
	} else if (r == -1) {
		judge(c, ARC_FAIL, i, why);
		return -1;
	}
	return 0;
}

/* 5.2, steps 2 and 3 */
static int
check_structure(struct arc *c)
{
	for (unsigned i = c->n; i > 0; i--) {
		const struct arc_set *set = &c->sets[i - 1];
		struct slice cv = set->seal.sig.cv;
		const char *why = NULL;

		if (set->raw[ARC_AAR].n == 0 || set->raw[ARC_AMS].n == 0 ||
		    set->raw[ARC_AS].n == 0)
			why = "a set is not complete";
		else if (slice_ieq(cv, S("fail")))
			why = "a sealer found the chain broken";
		else if (!slice_ieq(cv, i > 1 ? S("pass") : S("none")))
			why = "cv= is not what it must be";
		if (why != NULL) {
			judge(c, ARC_FAIL, i, why);
			return -1;
		}
	}
	return 0;
}

/* 5.1.1: each seal covers the sets below it and its own. */
static void
hash_seals(struct arc *c)
{
	EVP_MD_CTX *run = EVP_MD_CTX_new(), *one = EVP_MD_CTX_new();
	struct buf text = BUF_INIT(CANON_MAX);

	if (run == NULL || one == NULL ||
	    EVP_DigestInit_ex(run, EVP_sha256(), NULL) != 1)
		panic("SHA-256 failed");
	for (unsigned i = 0; i < c->n; i++) {
		struct arc_set *set = &c->sets[i];

		buf_clear(&text);
		for (unsigned k = ARC_AAR; k < ARC_AS; k++) {
			canon_field(&text, true, set->raw[k]);
			buf_adds(&text, "\r\n");
		}
		signature_canon(&set->seal.sig, &text);
		if (EVP_MD_CTX_copy_ex(one, run) != 1 ||
		    EVP_DigestUpdate(one, text.p, text.n) != 1 ||
		    EVP_DigestFinal_ex(one, set->seal.digest, NULL) != 1)
			panic("SHA-256 failed");
		/* For those above, the seal counts as it is. */
		buf_clear(&text);
		arc_canon_set(&text, set->raw);
		assert(buf_ok(&text));
		if (EVP_DigestUpdate(run, text.p, text.n) != 1)
			panic("SHA-256 failed");
	}
	EVP_MD_CTX_free(run);
	EVP_MD_CTX_free(one);
	buf_release(&text);
}

/*
 * What a message signature says beside the body and the key. An older one with
 * l= is not looked into: so all the sets together ask for no more hashes of
 * the body than one for each canonicalization, besides the newest's.
 */
static void
check_message(struct dkim_verified *s, const struct fields *f, int64_t now,
    bool newest)
{
	if (s->result == DKIM_NEEDS_KEY && !newest && s->sig.has_length)
		dkim_verified_decide(s, DKIM_PERMERROR, "l= in an older set");
	if (s->result == DKIM_NEEDS_KEY)
		dkim_verified_check_time(s, now);
	if (s->result == DKIM_NEEDS_KEY)
		dkim_verified_hash_header(s, f);
}

void
arc_collect(struct arc *c, struct arena *arena, const struct fields *f,
    int64_t now, const char *unreadable)
{
	*c = (struct arc){ 0 };
	buf_init(&c->name, NAME_MAX_BYTES);
	for (size_t i = 0; i < f->n; i++) {
		enum arc_field kind = arc_field_of(&f->list[i]);

		if (kind != ARC_FIELDS &&
		    take_field(c, arena, f, &f->list[i], kind) == -1)
			return;
	}
	if (c->n == 0) {
		judge(c, ARC_NONE, 0, NULL);
		return;
	}
	if (unreadable != NULL) {
		judge(c, ARC_FAIL, 0, unreadable);
		return;
	}
	if (check_structure(c) == -1)
		return;
	for (unsigned i = 0; i < c->n; i++)
		check_message(&c->sets[i].message, f, now, i + 1 == c->n);
	hash_seals(c);
}

void
arc_release(struct arc *c)
{
	buf_release(&c->name);
}

struct dkim_verified *
arc_message(struct arc *c, unsigned instance)
{
	return c->judged || instance == 0 || instance > c->n ? NULL :
	    &c->sets[instance - 1].message;
}

/* --- keys: 5.2, steps 4 to 6 ---------------------------------------------- */

/*
 * What is to be verified next, and its instance: the newest message signature,
 * the seals, and only if the chain is good the older message signatures.
 */
static struct dkim_verified *
next_signature(struct arc *c, unsigned *instance)
{
	if (c->next > 0 && c->next <= c->n) {
		*instance = c->n + 1 - c->next;
		return &c->sets[*instance - 1].seal;
	}
	*instance = c->next == 0 ? c->n : 2 * c->n - c->next;
	return &c->sets[*instance - 1].message;
}

enum msgauth_step
arc_step(struct arc *c, struct dns_question *q)
{
	while (!c->judged && c->next < 2 * c->n) {
		unsigned i;
		struct dkim_verified *s = next_signature(c, &i);

		if (s->result == DKIM_NEEDS_KEY) {
			buf_clear(&c->name);
			c->name.failed = false;
			if (dkim_verify_key_name(s, &c->name) == -1) {
				dkim_verify_no_key(s, false,
				    "bad domain name");
				continue;
			}
			q->name = buf_slice(&c->name);
			q->type = DNS_TXT;
			return MSGAUTH_ASK;
		}
		if (s->result == DKIM_PASS) {
			c->next++;
		} else if (c->next <= c->n) {
			judge(c, ARC_FAIL, i, s->why);
		} else {
			c->oldest_pass = i + 1;
			judge(c, ARC_PASS, 0, NULL);
		}
	}
	if (!c->judged)
		judge(c, ARC_PASS, 0, NULL);
	return MSGAUTH_DONE;
}

void
arc_answer(struct arc *c, const struct wire_dns_answer *a)
{
	unsigned i;

	dkim_verify_answer(next_signature(c, &i), a);
}

/* --- trust ---------------------------------------------------------------- */

static bool
is_trusted(struct slice d, const struct slice *trusted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq(d, trusted[i]) || (d.n > trusted[i].n &&
		    slice_iends(d, trusted[i]) &&
		    d.p[d.n - trusted[i].n - 1] == '.'))
			return true;
	return false;
}

/* The domain in the value of a property: behind an "@", if there is one. */
static bool
is_aligned(struct slice value, struct slice author)
{
	struct buf name = BUF_INIT(LIMIT_DOMAIN + 1);
	ssize_t at = slice_rfind(value, '@');
	bool same = false;

	value = slice_from(value, (size_t)(at + 1));
	if (value.n > 0 && msgauth_ascii_name(value, &name) == 0)
		same = slice_eq(orgdomain(buf_slice(&name)),
		    orgdomain(author));
	buf_release(&name);
	return same;
}

/* The results of one set: does a method vouch for the author? */
static bool
results_vouch(struct slice payload, struct slice author)
{
	static const struct {
		const char *method, *ptype, *property;
	} ways[] = {
		{ "dmarc", "header", "from" },
		{ "dkim", "header", "d" },
		{ "dkim", "header", "i" },
		{ "spf", "smtp", "mailfrom" },
	};
	struct authres_reader r;
	struct authres_read result;

	if (authres_read_begin(&r, payload) == -1)
		return false;
	while (authres_read_next(&r, &result)) {
		if (!slice_ieq(result.result, S("pass")))
			continue;
		for (size_t i = 0; i < LEN(ways); i++) {
			struct slice value;

			if (!slice_ieq(result.method,
			    slice_str(ways[i].method)) ||
			    !authres_read_property(&result, ways[i].ptype,
			    ways[i].property, &value))
				continue;
			/* dmarc= is about this very author, not his
			 * neighbours. */
			if (i == 0 ? slice_ieq(value, author) :
			    is_aligned(value, author))
				return true;
		}
	}
	return false;
}

unsigned
arc_vouches(const struct arc *c, struct slice author,
    const struct slice *trusted, size_t n)
{
	if (!c->judged || c->result != ARC_PASS || author.n == 0)
		return 0;
	for (unsigned i = c->n; i > 0; i--) {
		const struct arc_set *set = &c->sets[i - 1];

		if (!is_trusted(set->seal.sig.d, trusted, n))
			return 0;
		if (results_vouch(set->results, author))
			return i;
	}
	return 0;
}
