// part: services/imap
/* APPEND's arguments, a piece a line, and each of its URLs. */
#include "services/imap/append_parse.h"
#include "services/imap/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try_urls(struct arena *a, const struct append_parse *st)
{
	for (size_t i = 0; i < st->n; i++) {
		struct imap_url url;

		if (st->ops[i].kind != APPEND_URL ||
		    imap_url_parse(a, st->ops[i].url, &url) == -1)
			continue;
		assert(url.uid > 0);
		assert(url.mailbox.n <= LIMIT_MAILBOX_NAME);
		assert(slice_find(url.mailbox, '\0') == -1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct slice rest = slice_of(bytes, n), line;
	struct append_parse st = { 0 };
	struct arena arena = ARENA_INIT;
	struct append_start start;
	struct parser p = parser_of(rest, &arena);
	struct imap_url url;
	bool sync;

	(void)append_parse_start(&p, &start);
	(void)append_literal_is_text(rest, n % 2 == 0);
	(void)imap_url_parse(&arena, rest, &url);
	while (slice_split(&rest, '\n', &line)) {
		uint64_t size;

		p = parser_of(line, &arena);
		if (append_parse_piece(&p, &st, parse_literal_header(line,
		    &size, &sync)) == -1) {
			assert(p.why != NULL);
			break;
		}
		assert(st.n == 0 || st.where != APPEND_PLAIN ||
		    st.ops[st.n - 1].kind == APPEND_LITERAL);
		try_urls(&arena, &st);
	}
	arena_release(&arena);
	return 0;
}
