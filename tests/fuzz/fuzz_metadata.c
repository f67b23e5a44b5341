// part: services/imap
/*
 * METADATA: the bytes as arguments of GETMETADATA and SETMETADATA, and as the
 * file of a folder. What was read of a file and written is read again as it is.
 */
#include "services/imap/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try_arguments(struct parser p)
{
	struct metadata_question q = { .max = 0 };
	struct store_entry e = { .nil = false };
	struct buf out = BUF_INIT(1 << 20);
	struct entry_list list;

	if (metadata_parse_options(&p, &q) == -1) {
		assert(p.why != NULL);
		return;
	}
	if (metadata_parse_entries(&p, &list) == -1) {
		assert(p.why != NULL);
		return;
	}
	for (size_t i = 0; i < list.n; i++) {
		assert(list.names[i].n <= LIMIT_METADATA_NAME);
		assert(metadata_is_below(list.names[i], list.names[i], 0));
		(void)metadata_is_below(list.names[i], list.names[0],
		    q.depth);
	}
	if (parse_try(&p, ' ') && metadata_parse_value(&p, &e) == 0) {
		metadata_put_value(&out, &e);
		assert(out.n > 0);
	}
	buf_release(&out);
}

static void
try_file(struct slice text)
{
	struct buf out = BUF_INIT(1 << 24), again = BUF_INIT(1 << 24);
	struct store_metadata a, b;

	(void)store_metadata_parse(text, &a);
	store_metadata_format(&a, &out);
	assert(store_metadata_parse(buf_slice(&out), &b));
	assert(a.n == b.n);
	store_metadata_format(&b, &again);
	assert(slice_eq(buf_slice(&out), buf_slice(&again)));
	store_metadata_release(&a);
	store_metadata_release(&b);
	buf_release(&out);
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct slice in = slice_of(p, n);

	try_arguments(parser_of(in, &arena));
	try_file(in);
	arena_release(&arena);
	return 0;
}
