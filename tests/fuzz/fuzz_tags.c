/* Tag lists (RFC 6376 3.2), which DKIM signatures, key records and ARC sets
 * are: what was found is in the text, once, and is read the same again. */
#include "core/buf.h"
#include "msgauth/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool
is_inside(struct slice part, struct slice text)
{
	return part.n == 0 || (part.p >= text.p &&
	    part.p + part.n <= text.p + text.n);
}

static void
write_again(const struct tags *t)
{
	struct buf out = BUF_INIT(1 << 20);
	struct tags again;

	for (size_t i = 0; i < t->n; i++)
		buf_addf(&out, "%.*s=%.*s;", SLICE_ARG(t->list[i].name),
		    SLICE_ARG(t->list[i].raw));
	if (t->n > 0) {
		assert(tags_parse(&again, buf_slice(&out), NULL) == 0);
		assert(again.n == t->n);
		for (size_t i = 0; i < t->n; i++)
			assert(slice_eq(again.list[i].value,
			    t->list[i].value));
	}
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text = slice_of(p, n);
	const char *why = NULL;
	struct tags t;

	if (n > 65536)
		return 0;
	if (tags_parse(&t, text, &why) == -1) {
		assert(why != NULL);
		return 0;
	}
	for (size_t i = 0; i < t.n; i++) {
		struct buf name = BUF_INIT(65536);

		assert(is_inside(t.list[i].name, text) &&
		    is_inside(t.list[i].value, text) &&
		    is_inside(t.list[i].raw, text));
		buf_add_slice(&name, t.list[i].name);
		assert(tags_find(&t, buf_str(&name)) == &t.list[i]);
		buf_release(&name);
		(void)tags_list_has(t.list[i].value, S("sha256"));
	}
	write_again(&t);
	return 0;
}
