#include "mail/texts.h"

#include "core/limits.h"
#include "mail/fold.h"
#include "mail/header.h"
#include "mail/html.h"
#include "mail/mime.h"

void
texts_init(struct texts *t, size_t max)
{
	buf_init(&t->header, max);
	buf_init(&t->plain, max);
	buf_init(&t->html, max);
}

void
texts_release(struct texts *t)
{
	buf_release(&t->header);
	buf_release(&t->plain);
	buf_release(&t->html);
}

void
texts_value(struct buf *out, struct slice value)
{
	struct buf plain = BUF_INIT(LIMIT_HEADER_BYTES);
	struct buf decoded = BUF_INIT(LIMIT_HEADER_BYTES * 4);

	header_unfold(&plain, value);
	word_decode(&decoded, buf_slice(&plain));
	text_fold_blanks(out, buf_slice(&decoded));
	buf_release(&plain);
	buf_release(&decoded);
}

static void
add_fields(struct buf *out, struct slice header)
{
	struct header_iter it = header_begin(header);
	struct header_field field;

	while (header_next(&it, &field)) {
		text_fold_blanks(out, field.name);
		buf_adds(out, ": ");
		texts_value(out, field.value);
		buf_addc(out, '\n');
	}
}

static bool
is_text(const struct mime_part *part)
{
	return part->kind == MIME_LEAF && slice_ieq(part->type, S("text"));
}

/* A text part as it would be read: HTML without its tags. */
static void
add_text(struct texts *t, const struct mime_tree *tree,
    const struct mime_part *part)
{
	struct buf text = BUF_INIT(t->plain.max);
	struct buf shown = BUF_INIT(t->html.max);

	mime_text(&text, tree, part);
	if (slice_ieq(part->subtype, S("html"))) {
		html_text(&shown, buf_slice(&text));
		text_fold_blanks(&t->html, buf_slice(&shown));
		buf_addc(&t->html, '\n');
	} else {
		text_fold_lines(&t->plain, buf_slice(&text));
		buf_addc(&t->plain, '\n');
	}
	buf_release(&text);
	buf_release(&shown);
}

void
texts_make(struct texts *t, struct slice msg, unsigned want,
    void (*more)(void *ctx, struct texts *t), void *ctx)
{
	const bool header = (want & TEXTS_HEADER) != 0;
	struct arena arena = ARENA_INIT;
	struct mime_tree tree;

	if (header)
		add_fields(&t->header, msg);
	if (more != NULL)
		more(ctx, t);
	mime_parse(&arena, msg, &tree);
	for (const struct mime_part *p = tree.root; p != NULL;
	     p = mime_next(p)) {
		if (header && p != tree.root)
			add_fields(&t->header, slice_of(msg.p + p->start,
			    p->body - p->start));
		if ((want & TEXTS_BODY) != 0 && is_text(p))
			add_text(t, &tree, p);
		if (more != NULL)
			more(ctx, t);
	}
	arena_release(&arena);
}
