/* Sealing. See arc_seal.h. */
#include "msgauth/arc_seal.h"

#include <openssl/evp.h>

#include "msgauth/canon.h"
#include "msgauth/tag_writer.h"
#include "msgauth/tags.h"

#define CANON_MAX (2 * LIMIT_HEADER_BYTES)
#define RESULTS_MAX 32768

void
arc_seal_init(struct arc_seal *s)
{
	*s = (struct arc_seal){ 0 };
	buf_init(&s->below, CANON_MAX);
	buf_init(&s->results, RESULTS_MAX);
}

void
arc_seal_release(struct arc_seal *s)
{
	buf_release(&s->below);
	buf_release(&s->results);
}

/* cv= of a seal whose other tags do not matter. */
static bool
says_fail(struct slice value)
{
	struct tags t;

	return tags_parse(&t, value, NULL) == 0 &&
	    slice_ieq(tags_value(&t, "cv"), S("fail"));
}

/* The highest instance of any field; *ended: its seal has cv=fail. */
static unsigned
highest(const struct fields *f, bool *ended)
{
	unsigned most = 0;

	*ended = false;
	for (size_t i = 0; i < f->n; i++) {
		enum arc_field kind = arc_field_of(&f->list[i]);
		unsigned n;

		if (kind == ARC_FIELDS)
			continue;
		n = arc_field_instance(kind, f->list[i].value);
		if (n > most) {
			most = n;
			*ended = false;
		}
		if (n == most && kind == ARC_AS)
			*ended = *ended || says_fail(f->list[i].value);
	}
	return most;
}

/* 5.1.1: a seal covers all sets; 5.1.2: with cv=fail only its own. */
static int
add_below(struct arc_seal *s, const struct fields *f)
{
	struct arena arena = ARENA_INIT;
	struct arc c;
	int r = 0;

	arc_collect(&c, &arena, f, 0, NULL);
	if (c.judged && c.result == ARC_FAIL)
		r = -1;
	for (unsigned i = 0; i < c.n && r == 0; i++)
		arc_canon_set(&s->below, c.sets[i].raw);
	arc_release(&c);
	arena_release(&arena);
	return r == 0 && buf_ok(&s->below) ? 0 : -1;
}

void
arc_seal_prepare(struct arc_seal *s, const struct fields *f,
    enum arc_result chain)
{
	bool ended;
	unsigned n = highest(f, &ended);

	s->instance = 0;
	s->chain = chain;
	if (ended || n == LIMIT_ARC_SETS || (chain == ARC_NONE && n > 0))
		return;
	if (chain == ARC_PASS && (n == 0 || add_below(s, f) == -1))
		return;
	s->instance = n + 1;
}

int
arc_seal_results(struct arc_seal *s, struct slice value)
{
	buf_addf(&s->results, "ARC-Authentication-Results: i=%u; ",
	    s->instance);
	buf_add_slice(&s->results, slice_trim(value));
	buf_adds(&s->results, "\r\n");
	return buf_ok(&s->results) ? 0 : -1;
}

/* A whole field with its line end, canonical, with CRLF. */
static void
add_field(struct buf *text, struct slice field)
{
	canon_field(text, true, slice_trim(field));
	buf_adds(text, "\r\n");
}

int
arc_seal_begin(const struct arc_seal *s, struct slice message,
    struct slice domain, struct slice selector, enum wire_keys_alg alg,
    int64_t now, struct buf *field, unsigned char digest[WIRE_KEYS_DIGEST])
{
	struct buf text = BUF_INIT(CANON_MAX);
	size_t start = field->n;
	struct tag_writer w;
	int r = 0;

	tag_writer_begin(&w, field, "ARC-Seal");
	tag_writer_num(&w, "i", s->instance);
	tag_writer_add(&w, "a", slice_str(tag_writer_algorithm(alg)));
	tag_writer_num(&w, "t", (uint64_t)now);
	tag_writer_add(&w, "cv", slice_str(arc_result_name(s->chain)));
	tag_writer_add(&w, "d", domain);
	tag_writer_add(&w, "s", selector);
	tag_writer_signature(&w);
	buf_add_slice(&text, buf_slice(&s->below));
	add_field(&text, buf_slice(&s->results));
	add_field(&text, message);
	canon_field(&text, true, slice_from(buf_slice(field), start));
	if (!buf_ok(field) || !buf_ok(&text) || EVP_Digest(text.p, text.n,
	    digest, NULL, EVP_sha256(), NULL) != 1)
		r = -1;
	buf_release(&text);
	return r;
}
