/* The MIME parser and everything IMAP derives from its tree. */
#include "core/buf.h"
#include "mail/crlf.h"
#include "mail/header.h"
#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_part(const struct mime_tree *tree, const struct mime_part *part)
{
	struct slice body = slice_of(tree->msg.p + part->body,
	    part->end - part->body);

	assert(part->start <= part->body && part->body <= part->end);
	assert(part->end <= tree->msg.n);
	assert((part->kind == MIME_LEAF) == (part->child == NULL));
	assert(part->header_size >= part->body - part->start);
	assert(part->body_size >= body.n);
	assert(crlf_size(body, NULL) - part->body_size <= 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const specs[] = { "", "1", "1.1", "2.HEADER",
		"1.MIME", "TEXT", "HEADER.FIELDS", "1.2.3.4", "2.1.TEXT" };
	struct slice msg = slice_of(p, n), name = S("to");
	struct arena arena = ARENA_INIT;
	struct buf out = BUF_INIT(1 << 22);
	struct mime_tree tree;

	mime_parse(&arena, msg, &tree);
	for (const struct mime_part *part = tree.root; part != NULL;
	    part = mime_next(part)) {
		check_part(&tree, part);
		buf_clear(&out);
		mime_text(&out, &tree, part);
		assert(slice_is_utf8(buf_slice(&out)) || out.failed);
		word_param(&out, part->params.v, part->params.n, S("name"));
	}
	for (int extended = 0; extended < 2; extended++) {
		buf_clear(&out);
		mime_bodystructure(&out, &tree, extended);
		assert(out.failed || memchr(out.p, 0, out.n) == NULL);
	}
	buf_clear(&out);
	mime_envelope(&out, msg);
	header_select(&out, msg, &name, 1, n % 2);
	for (size_t i = 0; i < LEN(specs); i++) {
		struct mime_section section;

		if (mime_find(&tree, slice_str(specs[i]), &section, NULL) == 0)
			assert(section.start <= section.end &&
			    section.end <= n);
	}
	buf_release(&out);
	arena_release(&arena);
	return 0;
}
