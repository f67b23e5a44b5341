/* Content-* fields. See mime_field.h. */
#include "mail/mime_field.h"

#include "core/limits.h"
#include "mail/header.h"
#include "mail/lex.h"

/* Bytes up to a blank or one of stop; empty if there is none. */
static struct slice
take_until(struct slice *s, const char *stop)
{
	struct slice token;
	size_t n = 0;

	while (n < s->n && !lex_is_white(s->p[n]) &&
	    (s->p[n] == 0 || strchr(stop, s->p[n]) == NULL))
		n++;
	token = slice_head(*s, n);
	*s = slice_from(*s, n);
	return token;
}

static struct slice
take_token(struct slice *s)
{
	return take_until(s, "()<>@,;:\\\"/[]?=");
}

/*
 * A quoted string without quotes; copied only when there is something to
 * remove. An unended one goes to the end of the field.
 */
static struct slice
take_quoted(struct arena *a, struct slice *s)
{
	bool dirty = false;
	size_t i = 1, n = 0;
	struct slice text;
	char *copy;

	for (; i < s->n && s->p[i] != '"'; i++) {
		dirty |= s->p[i] == '\\' || s->p[i] == '\r' || s->p[i] == '\n';
		if (s->p[i] == '\\')
			i++;
	}
	if (i > s->n)
		i = s->n;
	text = slice_of(s->p + 1, i - 1);
	*s = slice_from(*s, i + 1);
	if (!dirty)
		return text;
	copy = arena_alloc(a, text.n + 1);
	for (i = 0; i < text.n; i++) {
		if (text.p[i] == '\\' && i + 1 < text.n)
			i++;
		else if (text.p[i] == '\r' || text.p[i] == '\n')
			continue;
		copy[n++] = text.p[i];
	}
	return slice_of(copy, n);
}

/*
 * *(";" attribute "=" value), RFC 2045 5.1. Unquoted values may hold any
 * tspecial but ";", because mailers write such boundaries and file names.
 */
static void
take_params(struct arena *a, struct slice s, struct mime_params *out)
{
	struct word_param found[LIMIT_MIME_PARAMS];
	size_t n = 0;

	while (n < LEN(found) && lex_skip_cfws(&s)) {
		struct word_param p = { 0 };

		if (s.p[0] == ';') {
			s = slice_from(s, 1);
			continue;
		}
		p.name = take_until(&s, "=;(");
		if (!lex_skip_cfws(&s) || s.p[0] != '=') {
			if (p.name.n == 0 && s.n > 0)
				s = slice_from(s, 1);
			continue;
		}
		s = slice_from(s, 1);
		if (lex_skip_cfws(&s) && s.p[0] == '"')
			p.value = take_quoted(a, &s);
		else
			p.value = take_until(&s, ";");
		if (p.name.n > 0)
			found[n++] = p;
	}
	if (n == 0)
		return;
	n = mime_params_join(a, found, n);
	out->v = arena_array(a, n, sizeof(*out->v));
	memcpy(out->v, found, n * sizeof(*out->v));
	out->n = n;
}

static void
parse_type(struct arena *a, struct slice value, struct mime_part *part)
{
	struct slice type, subtype;

	lex_skip_cfws(&value);
	type = take_token(&value);
	if (type.n == 0 || !lex_skip_cfws(&value) || value.p[0] != '/')
		return;
	value = slice_from(value, 1);
	lex_skip_cfws(&value);
	subtype = take_token(&value);
	if (subtype.n == 0)
		return;
	part->type = type;
	part->subtype = subtype;
	take_params(a, value, &part->params);
}

static void
parse_disposition(struct arena *a, struct slice value, struct mime_part *part)
{
	struct slice token;

	lex_skip_cfws(&value);
	token = take_token(&value);
	if (token.n == 0)
		return;
	part->disposition = token;
	take_params(a, value, &part->disposition_params);
}

static void
parse_encoding(struct arena *a UNUSED, struct slice value,
    struct mime_part *part)
{
	struct slice token;

	lex_skip_cfws(&value);
	token = take_token(&value);
	if (token.n > 0)
		part->encoding = token;
}

/* RFC 3282: a list of tags with commas. */
static void
parse_language(struct arena *a, struct slice value, struct mime_part *part)
{
	struct slice found[LIMIT_MIME_PARAMS];
	size_t n = 0;

	while (n < LEN(found) && lex_skip_cfws(&value)) {
		struct slice tag = take_until(&value, ",;(");

		if (tag.n > 0)
			found[n++] = tag;
		else
			value = slice_from(value, 1);
	}
	if (n == 0)
		return;
	part->language = arena_array(a, n, sizeof(*part->language));
	memcpy(part->language, found, n * sizeof(*part->language));
	part->languages = n;
}

static struct slice
unfolded(struct arena *a, struct slice value)
{
	struct buf text = BUF_INIT(LIMIT_HEADER_BYTES);
	struct slice kept;

	value = slice_trim(value);
	if (slice_find(value, '\n') < 0)
		return value.n > 0 ? value : slice_of("", 0);
	header_unfold(&text, value);
	kept = arena_slice(a, buf_slice(&text));
	buf_release(&text);
	return kept;
}

static void
parse_id(struct arena *a, struct slice value, struct mime_part *part)
{
	part->id = unfolded(a, value);
}

static void
parse_description(struct arena *a, struct slice value, struct mime_part *part)
{
	part->description = unfolded(a, value);
}

static void
parse_location(struct arena *a, struct slice value, struct mime_part *part)
{
	part->location = unfolded(a, value);
}

static void
parse_md5(struct arena *a, struct slice value, struct mime_part *part)
{
	part->md5 = unfolded(a, value);
}

static const struct {
	const char *name;
	void (*parse)(struct arena *, struct slice, struct mime_part *);
} fields[] = {
	{ "Content-Type", parse_type },
	{ "Content-Transfer-Encoding", parse_encoding },
	{ "Content-Disposition", parse_disposition },
	{ "Content-ID", parse_id },
	{ "Content-Description", parse_description },
	{ "Content-Language", parse_language },
	{ "Content-Location", parse_location },
	{ "Content-MD5", parse_md5 },
};

void
mime_fields_parse(struct arena *a, struct slice header, struct mime_part *part)
{
	struct header_iter it = header_begin(header);
	bool seen[LEN(fields)] = { false };
	struct header_field f;

	while (header_next(&it, &f)) {
		if (!slice_istarts(f.name, S("Content-")))
			continue;
		for (size_t i = 0; i < LEN(fields); i++)
			if (!seen[i] && header_is(&f,
			    slice_str(fields[i].name))) {
				seen[i] = true;
				fields[i].parse(a, f.value, part);
				break;
			}
	}
}

void
mime_boundary_try(struct mime_boundary *found, struct slice line,
    struct slice boundary, size_t which)
{
	struct slice rest = slice_from(line, 2);
	bool exact;

	if (found->exact || !slice_starts(rest, boundary))
		return;
	rest = slice_trim(slice_from(rest, boundary.n));
	exact = rest.n == 0 || slice_eq(rest, S("--"));
	if (!exact && boundary.n <= found->length)
		return;
	*found = (struct mime_boundary){ which, boundary.n, exact,
		slice_starts(rest, S("--")) };
}

struct slice
mime_param_raw(const struct mime_params *params, struct slice name)
{
	for (size_t i = 0; i < params->n; i++)
		if (slice_ieq(params->v[i].name, name))
			return params->v[i].value;
	return slice_of(NULL, 0);
}
