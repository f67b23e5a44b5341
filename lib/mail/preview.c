/* The first words of a message. See preview.h. */
#include "mail/preview.h"

#include "core/limits.h"
#include "mail/charset.h"
#include "mail/html.h"
#include "mail/mime.h"

static bool
is_html(const struct mime_part *part)
{
	return slice_ieq(part->subtype, S("html"));
}

/* Text to be read, not a file or a calendar's data. */
static bool
is_readable(const struct mime_part *part)
{
	return part->kind == MIME_LEAF && slice_ieq(part->type, S("text")) &&
	    (is_html(part) || slice_ieq(part->subtype, S("plain"))) &&
	    !slice_ieq(part->disposition, S("attachment"));
}

/* Blanks of all kinds (Unicode's Zs and controls). */
static bool
is_blank(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	    c == 0x202f || c == 0x205f || c == 0x3000;
}

/* What has no width, with which mailings fill up their own previews. */
static bool
is_filler(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f ||
	    c == 0x1160 || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff;
}

static void
put_words(struct buf *out, struct slice text)
{
	bool blank = false;
	size_t chars = 0;

	while (text.n > 0 && chars < PREVIEW_CHARS) {
		uint32_t c = utf8_take(&text);

		if (is_filler(c))
			continue;
		if (is_blank(c)) {
			blank = chars > 0;
			continue;
		}
		/* A blank that nothing follows would be the last one. */
		if (blank && chars + 2 > PREVIEW_CHARS)
			return;
		if (blank)
			buf_addc(out, ' ');
		utf8_put(out, c);
		chars += blank ? 2 : 1;
		blank = false;
	}
}

void
mime_preview(struct buf *out, struct slice msg)
{
	struct buf raw = BUF_INIT(LIMIT_PREVIEW_BYTES * 4);
	struct buf text = BUF_INIT(LIMIT_PREVIEW_BYTES * 4);
	struct arena arena = ARENA_INIT;
	const struct mime_part *part;
	struct mime_tree tree;
	size_t before = out->n;

	mime_parse(&arena, slice_head(msg, LIMIT_PREVIEW_BYTES), &tree);
	for (part = tree.root; part != NULL && out->n == before;
	    part = mime_next(part)) {
		if (!is_readable(part))
			continue;
		buf_clear(&raw);
		buf_clear(&text);
		mime_text(&raw, &tree, part);
		if (is_html(part))
			html_text(&text, buf_slice(&raw));
		put_words(out, is_html(part) ? buf_slice(&text) :
		    buf_slice(&raw));
	}
	buf_release(&raw);
	buf_release(&text);
	arena_release(&arena);
}
