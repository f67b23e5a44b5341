/* Tag lists. See tags.h. */
#include "msgauth/tags.h"

static bool
is_name(struct slice s)
{
	if (s.n == 0 || !ascii_is_alpha(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!ascii_is_alnum(s.p[i]) && s.p[i] != '_')
			return false;
	return true;
}

/* VALCHAR and FWS; UTF-8 too (RFC 8616 section 5). */
static bool
is_value(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') ||
		    c == 0x7f)
			return false;
	}
	return true;
}

int
tags_parse(struct tags *t, struct slice text, const char **why)
{
	struct slice item;

	t->n = 0;
	while (slice_split(&text, ';', &item)) {
		ssize_t eq = slice_find(item, '=');
		struct tag *tag = &t->list[t->n];

		/* Only the end of the list may be empty. */
		if (eq < 0 && slice_trim(item).n == 0 &&
		    slice_trim(text).n == 0)
			break;
		if (eq < 0)
			return fail(why, "a tag without a value");
		if (t->n == LEN(t->list))
			return fail(why, "too many tags");
		tag->name = slice_trim(slice_head(item, (size_t)eq));
		tag->raw = slice_from(item, (size_t)eq + 1);
		tag->value = slice_trim(tag->raw);
		if (!is_name(tag->name) || !is_value(tag->value))
			return fail(why, "a malformed tag");
		for (size_t i = 0; i < t->n; i++)
			if (slice_eq(t->list[i].name, tag->name))
				return fail(why, "a tag is there twice");
		t->n++;
	}
	return 0;
}

const struct tag *
tags_find(const struct tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (slice_eq(t->list[i].name, slice_str(name)))
			return &t->list[i];
	return NULL;
}

struct slice
tags_value(const struct tags *t, const char *name)
{
	const struct tag *tag = tags_find(t, name);

	return tag != NULL ? tag->value : slice_of("", 0);
}

bool
tags_list_has(struct slice list, struct slice word)
{
	struct slice item;

	while (slice_split(&list, ':', &item))
		if (slice_ieq(slice_trim(item), word))
			return true;
	return false;
}
