/* Verifying signatures. See dkim_verify.h. */
#include "msgauth/dkim_verify.h"

#include "mail/addr.h"

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
	arc_release(&v->arc);
	arena_release(&v->arena);
	if (v->fd != -1)
		close(v->fd);
	v->fd = -1;
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
	if (signature_parse(&s->sig, &v->arena, SIGNATURE_DKIM, raw,
	    (size_t)(h->value.p - raw.p), &s->why) == -1)
		s->result = DKIM_PERMERROR;
	else
		dkim_verified_check_time(s, v->now);
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

/* --- the body ------------------------------------------------------------- */

static void
verify_body(struct dkim_verify *v, struct reader *m, struct slice first)
{
	struct body_hash *h = mem_alloc(sizeof(*h));
	struct dkim_verified *list[BODY_HASHES], *message;
	size_t of[LEN(list)], n = 0;

	body_hash_init(h);
	for (size_t i = 0; i < v->n; i++)
		list[n++] = &v->list[i];
	for (unsigned i = 1; (message = arc_message(&v->arc, i)) != NULL; i++)
		list[n++] = message;
	for (size_t i = 0; i < n; i++)
		if (list[i]->result == DKIM_NEEDS_KEY)
			of[i] = body_hash_want(h, list[i]->sig.relaxed_body,
			    list[i]->sig.has_length, list[i]->sig.length);
	if (body_hash_read(h, m, first) == -1)
		v->error = errno;
	for (size_t i = 0; i < n && v->error == 0; i++)
		if (list[i]->result == DKIM_NEEDS_KEY)
			dkim_verified_compare_body(list[i], &h->list[of[i]]);
	body_hash_release(h);
	mem_free(h);
}

void
dkim_verify_read(struct dkim_verify *v)
{
	const char *why = NULL;
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
	if (too_long)
		why = "the header is too long";
	else if (f.cut_off)
		why = "the header has too many fields";
	scan_header(v, &f);
	for (size_t i = 0; i < v->n; i++) {
		struct dkim_verified *s = &v->list[i];

		if (s->result != DKIM_NEEDS_KEY)
			continue;
		/* What is not looked at might be what was signed. */
		if (why != NULL)
			dkim_verified_decide(s, DKIM_PERMERROR, why);
		else
			dkim_verified_hash_header(s, &f);
	}
	author_find(&v->author, &f, why, &v->arena);
	arc_collect(&v->arc, &v->arena, &f, v->now, why);
	verify_body(v, &m, slice_from(buf_slice(&v->header), body_at));
	fields_release(&f);
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
		.result = dkim_result_name(s->result),
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
	    DKIM_VERIFY_OTHERS];
	struct shown shown[LIMIT_DKIM_SIGNATURES];
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++, n++)
		put_dkim(&v->list[i], &shown[i], &results[n]);
	if (n == 0)
		results[n++] = (struct authres_result){
			.method = "dkim",
			.result = "none",
		};
	assert(other_count <= DKIM_VERIFY_OTHERS);
	for (size_t i = 0; i < other_count; i++)
		results[n++] = others[i];
	authres_write(out, v->authserv_id, results, n);
}
