/* Parameters that come in pieces: RFC 2231 3 and 4. See mime_field.h. */
#include "mail/mime_field.h"

#include "core/limits.h"
#include "core/num.h"

/* "name*", "name*1" or "name*1*". */
struct segment {
	struct word_param param; /* as written */
	struct slice base;
	uint32_t number;
	bool extended;
};

static bool
segment_parse(struct segment *s, const struct word_param *param)
{
	ssize_t star = slice_find(param->name, '*');
	struct slice rest;

	if (star <= 0)
		return false;
	*s = (struct segment){ .param = *param,
		.base = slice_head(param->name, (size_t)star) };
	rest = slice_from(param->name, (size_t)star + 1);
	s->extended = rest.n == 0 || rest.p[rest.n - 1] == '*';
	if (rest.n == 0)
		return true;
	if (s->extended)
		rest.n--;
	return num_u32(rest, &s->number) == 0;
}

static int
compare(struct slice a, struct slice b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		int x = ascii_lower(a.p[i]), y = ascii_lower(b.p[i]);

		if (x != y)
			return x - y;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

/* Sorts by name and number; the sort is stable. */
static void
insert(struct segment *v, size_t n, const struct segment *s)
{
	while (n > 0) {
		int order = compare(v[n - 1].base, s->base);

		if (order < 0 || (order == 0 && v[n - 1].number <= s->number))
			break;
		v[n] = v[n - 1];
		n--;
	}
	v[n] = *s;
}

/* The segments of one parameter; whole if they are 0, 1, 2 ... */
static size_t
group_length(const struct segment *v, size_t n, bool *whole)
{
	size_t i = 0;

	for (*whole = true; i < n && slice_ieq(v[i].base, v[0].base); i++)
		*whole = *whole && v[i].number == i;
	return i;
}

/*
 * One value, still encoded if any segment was: then its name ends in "*", and
 * it starts with charset and language, empty ones if need be.
 */
static struct word_param
join(struct arena *a, const struct segment *v, size_t n)
{
	struct buf text = BUF_INIT(LIMIT_HEADER_BYTES * 3);
	struct word_param joined;
	bool extended = false;

	for (size_t i = 0; i < n; i++)
		extended = extended || v[i].extended;
	buf_add_slice(&text, v[0].base);
	if (extended)
		buf_addc(&text, '*');
	joined.name = arena_slice(a, buf_slice(&text));
	buf_clear(&text);
	if (extended && !v[0].extended)
		buf_adds(&text, "''");
	for (size_t i = 0; i < n; i++) {
		struct slice value = v[i].param.value;

		for (size_t k = 0; k < value.n; k++)
			if (value.p[k] == '%' && extended && !v[i].extended)
				buf_adds(&text, "%25");
			else
				buf_addc(&text, value.p[k]);
	}
	joined.value = arena_slice(a, buf_slice(&text));
	buf_release(&text);
	return joined;
}

size_t
mime_params_join(struct arena *a, struct word_param *v, size_t n)
{
	struct segment segments[LIMIT_MIME_PARAMS], one;
	size_t found = 0, kept = 0;

	for (size_t i = 0; i < n; i++)
		if (segment_parse(&one, &v[i]))
			insert(segments, found++, &one);
		else
			v[kept++] = v[i];
	for (size_t i = 0, length; i < found; i += length) {
		bool whole;

		length = group_length(&segments[i], found - i, &whole);
		if (whole && length == 1 && segments[i].param.name.n ==
		    segments[i].base.n + 1)
			whole = false; /* "name*" is what it is */
		if (whole) {
			v[kept++] = join(a, &segments[i], length);
			continue;
		}
		for (size_t k = 0; k < length; k++)
			v[kept++] = segments[i + k].param;
	}
	return kept;
}
