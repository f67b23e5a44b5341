/* Verifying signatures. See verify.h. */
#include "msgauth/dkim_verify.h"

#include <idn2.h>
#include <openssl/evp.h>

#include "mail/addr.h"
#include "msgauth/canon.h"
#include "msgauth/fields.h"
#include "msgauth/pubkey.h"

/* Results of other methods in one report. */
#define AUTHRES_OTHERS 8
#define READ_SIZE 65536
/* Relaxing and CRLF make a header hardly longer. */
#define CANON_MAX (2 * LIMIT_HEADER_BYTES)

/* Signatures that hash the same bytes of the body share the work. */
struct group {
	bool relaxed;
	bool has_length;
	uint64_t length;
	uint64_t seen; /* canonical bytes */
	EVP_MD_CTX *md;
	unsigned char digest[WIRE_KEYS_DIGEST];
};

struct hashing {
	struct group groups[LIMIT_DKIM_SIGNATURES];
	size_t n;
	size_t of[LIMIT_DKIM_SIGNATURES]; /* signature to group */
	struct canon_body bodies[2];      /* simple, relaxed */
	bool wanted[2];
};

static const char *const result_names[DKIM_RESULTS] = {
	[DKIM_NEEDS_KEY] = "temperror",
	[DKIM_PASS] = "pass",
	[DKIM_FAIL] = "fail",
	[DKIM_PERMERROR] = "permerror",
	[DKIM_TEMPERROR] = "temperror",
};

void
dkim_verify_init(struct dkim_verify *v)
{
	*v = (struct dkim_verify){ .fd = -1 };
	buf_init(&v->header, LIMIT_HEADER_BYTES * 2);
}

void
dkim_verify_release(struct dkim_verify *v)
{
	buf_release(&v->header);
	arena_release(&v->arena);
	if (v->fd != -1)
		close(v->fd);
	v->fd = -1;
}

static void
decide(struct dkim_verified *s, enum dkim_result result, const char *why)
{
	s->result = result;
	s->why = why;
}

/* --- the header ----------------------------------------------------------- */

/* RFC 8601 section 5: who claims to be us is not believed. */
static void
cut(struct dkim_verify *v, const struct header_field *h)
{
	if (v->cut_count > 0 && v->cuts[v->cut_count - 1].end == h->start) {
		v->cuts[v->cut_count - 1].end = h->end;
	} else if (v->cut_count < WIRE_CUTS) {
		v->cuts[v->cut_count].start = h->start;
		v->cuts[v->cut_count].end = h->end;
		v->cut_count++;
	} else {
		v->too_many_cuts = true;
	}
}

static void
add_signature(struct dkim_verify *v, const struct fields *f,
    const struct header_field *h)
{
	struct slice raw = fields_raw(f, h);
	struct dkim_verified *s;

	if (v->n == LEN(v->list))
		return;
	s = &v->list[v->n++];
	if (signature_parse(&s->sig, &v->arena, raw,
	    (size_t)(h->value.p - raw.p), &s->why) == -1)
		s->result = DKIM_PERMERROR;
	else if (s->sig.expires != 0 && (int64_t)s->sig.expires < v->now)
		decide(s, DKIM_FAIL, "signature expired");
}

static void
scan_header(struct dkim_verify *v, const struct fields *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct header_field *h = &f->list[i];

		if (header_is(h, S("Authentication-Results")) &&
		    authres_is_ours(h->value, v->authserv_id))
			cut(v, h);
		else if (header_is(h, S("DKIM-Signature")))
			add_signature(v, f, h);
	}
}

/* RFC 6376 3.7: the chosen fields, then the signature's own without b=. */
static void
hash_header(const struct fields *f, struct dkim_verified *s)
{
	struct buf text = BUF_INIT(CANON_MAX);

	fields_select(f, s->sig.h, s->sig.relaxed_header, &text);
	signature_canon(&s->sig, &text);
	if (!buf_ok(&text) || EVP_Digest(text.p, text.n, s->digest, NULL,
	    EVP_sha256(), NULL) != 1)
		decide(s, DKIM_PERMERROR, "the header is too long");
	buf_release(&text);
}

/* --- the body ------------------------------------------------------------- */

static void
hash_bytes(struct hashing *h, bool relaxed, struct slice bytes)
{
	for (size_t i = 0; i < h->n; i++) {
		struct group *g = &h->groups[i];
		size_t n = bytes.n;

		if (g->relaxed != relaxed)
			continue;
		if (g->has_length) {
			uint64_t left = g->length > g->seen ?
			    g->length - g->seen : 0;

			n = n > left ? (size_t)left : n;
		}
		if (n > 0 && EVP_DigestUpdate(g->md, bytes.p, n) != 1)
			panic("SHA-256 failed");
		g->seen += bytes.n;
	}
}

static void
on_simple(void *arg, struct slice bytes)
{
	hash_bytes(arg, false, bytes);
}

static void
on_relaxed(void *arg, struct slice bytes)
{
	hash_bytes(arg, true, bytes);
}

static size_t
group_for(struct hashing *h, const struct signature *s)
{
	struct group *g;

	for (size_t i = 0; i < h->n; i++) {
		g = &h->groups[i];
		if (g->relaxed == s->relaxed_body &&
		    g->has_length == s->has_length && g->length == s->length)
			return i;
	}
	g = &h->groups[h->n];
	g->relaxed = s->relaxed_body;
	g->has_length = s->has_length;
	g->length = s->length;
	g->md = EVP_MD_CTX_new();
	if (g->md == NULL || EVP_DigestInit_ex(g->md, EVP_sha256(), NULL) != 1)
		panic("SHA-256 failed");
	h->wanted[g->relaxed ? 1 : 0] = true;
	return h->n++;
}

static void
feed(struct hashing *h, struct slice bytes)
{
	for (size_t i = 0; i < 2; i++)
		if (h->wanted[i])
			canon_body_feed(&h->bodies[i], bytes);
}

static int
hash_body(struct hashing *h, struct reader *m, struct slice first)
{
	char *chunk = mem_alloc(READ_SIZE);
	ssize_t n;

	canon_body_init(&h->bodies[0], false, on_simple, h);
	canon_body_init(&h->bodies[1], true, on_relaxed, h);
	feed(h, first);
	while ((n = reader_read(m, chunk, READ_SIZE)) > 0)
		feed(h, slice_of(chunk, (size_t)n));
	for (size_t i = 0; i < 2; i++)
		if (h->wanted[i])
			canon_body_end(&h->bodies[i]);
	for (size_t i = 0; i < h->n; i++)
		if (EVP_DigestFinal_ex(h->groups[i].md, h->groups[i].digest,
		    NULL) != 1)
			panic("SHA-256 failed");
	mem_free(chunk);
	return n == 0 ? 0 : -1;
}

/* Does the body have the hash that bh= says? */
static void
compare_body(struct dkim_verified *s, const struct group *g)
{
	if (g->has_length && g->length > g->seen)
		decide(s, DKIM_PERMERROR, "l= is longer than the body");
	else if (memcmp(g->digest, s->sig.body_hash.p, sizeof(g->digest)) != 0)
		decide(s, DKIM_FAIL, "body hash did not verify");
}

static void
verify_body(struct dkim_verify *v, struct reader *m, struct slice first)
{
	struct hashing *h = mem_zero(sizeof(*h));

	for (size_t i = 0; i < v->n; i++)
		if (v->list[i].result == DKIM_NEEDS_KEY)
			h->of[i] = group_for(h, &v->list[i].sig);
	if (h->n > 0 && hash_body(h, m, first) == -1)
		v->error = errno;
	for (size_t i = 0; i < v->n && v->error == 0; i++)
		if (v->list[i].result == DKIM_NEEDS_KEY)
			compare_body(&v->list[i], &h->groups[h->of[i]]);
	for (size_t i = 0; i < h->n; i++)
		EVP_MD_CTX_free(h->groups[i].md);
	mem_free(h);
}

void
dkim_verify_read(struct dkim_verify *v)
{
	struct reader m;
	struct fields f;
	size_t body_at;
	bool too_long;

	reader_init(&m, v->fd, v->size, NULL);
	if (reader_header(&m, &v->header, &body_at, &too_long) == -1) {
		v->error = errno;
		return;
	}
	fields_init(&f, slice_head(buf_slice(&v->header), body_at));
	scan_header(v, &f);
	for (size_t i = 0; i < v->n; i++) {
		struct dkim_verified *s = &v->list[i];

		if (s->result != DKIM_NEEDS_KEY)
			continue;
		if (too_long)
			decide(s, DKIM_PERMERROR, "the header is too long");
		else
			hash_header(&f, s);
	}
	verify_body(v, &m, slice_from(buf_slice(&v->header), body_at));
	fields_release(&f);
}

/* --- keys ----------------------------------------------------------------- */

int
dkim_verify_key_name(const struct dkim_verified *s, struct buf *name)
{
	char *ascii = NULL;
	int r;

	buf_add_slice(name, s->sig.s);
	buf_adds(name, "._domainkey.");
	buf_add_slice(name, s->sig.d);
	if (!buf_ok(name))
		return -1;
	if (slice_is_ascii(buf_slice(name)))
		return 0;
	/* RFC 8616 section 5: U-labels are asked for as A-labels. */
	r = idn2_to_ascii_8z(buf_str(name), &ascii, IDN2_NONTRANSITIONAL);
	if (r != IDN2_OK)
		return -1;
	buf_clear(name);
	buf_adds(name, ascii);
	idn2_free(ascii);
	return buf_ok(name) ? 0 : -1;
}

bool
dkim_verify_use_key(struct dkim_verified *s, struct slice txt)
{
	struct slice domain = addr_domain_of(s->sig.i);
	struct pubkey key;
	const char *why;

	if (pubkey_parse(&key, txt, s->sig.alg, &why) == -1) {
		decide(s, DKIM_PERMERROR, why);
		return false;
	}
	if (key.exact_domain && domain.n > 0 && !slice_ieq(domain, s->sig.d))
		decide(s, DKIM_PERMERROR, "i= is below d=, the key forbids it");
	else if (pubkey_verify(&key, s->sig.alg,
	    slice_of(s->digest, sizeof(s->digest)), s->sig.bytes))
		decide(s, DKIM_PASS, NULL);
	else
		decide(s, DKIM_FAIL, key.testing ?
		    "signature did not verify; the domain is testing" :
		    "signature did not verify");
	pubkey_release(&key);
	return s->result == DKIM_PASS;
}

void
dkim_verify_no_key(struct dkim_verified *s, bool temporary, const char *why)
{
	decide(s, temporary ? DKIM_TEMPERROR : DKIM_PERMERROR, why);
}

/* --- the report ----------------------------------------------------------- */

/* Room for what identifies one signature in the report. */
struct shown {
	char b[8];
	size_t n;
};

/* RFC 6008 section 4: enough of b= to tell signatures apart. */
static struct slice
short_b(struct shown *shown, struct slice b)
{
	shown->n = 0;
	for (size_t i = 0; i < b.n && shown->n < sizeof(shown->b); i++)
		if (slice_trim(slice_of(b.p + i, 1)).n > 0)
			shown->b[shown->n++] = b.p[i];
	return slice_of(shown->b, shown->n);
}

/* What is no name is not repeated in a header of ours. */
static struct slice
name_or_nothing(struct slice s)
{
	return addr_domain_valid(s, ADDR_UTF8) ? s : S("");
}

static void
put_dkim(const struct dkim_verified *s, struct shown *shown,
    struct authres_result *r)
{
	*r = (struct authres_result){
		.method = "dkim",
		.result = result_names[s->result],
		.reason = slice_str(s->result == DKIM_PASS ? "" : s->why),
		.properties = {
			{ "header", "d", name_or_nothing(s->sig.d) },
			{ "header", "s", name_or_nothing(s->sig.s) },
			{ "header", "a", name_or_nothing(s->sig.a) },
			{ "header", "b", short_b(shown, s->sig.b) },
		},
	};
}

void
dkim_verify_report(const struct dkim_verify *v,
    const struct authres_result *others, size_t other_count, struct buf *out)
{
	struct authres_result results[LIMIT_DKIM_SIGNATURES + 1 +
	    AUTHRES_OTHERS];
	struct shown shown[LIMIT_DKIM_SIGNATURES];
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++, n++)
		put_dkim(&v->list[i], &shown[i], &results[n]);
	if (n == 0)
		results[n++] = (struct authres_result){
			.method = "dkim",
			.result = "none",
		};
	for (size_t i = 0; i < other_count && i < AUTHRES_OTHERS; i++)
		results[n++] = others[i];
	authres_write(out, v->authserv_id, results, n);
}
