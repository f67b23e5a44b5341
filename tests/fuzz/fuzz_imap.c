// part: services/imap
/*
 * IMAP commands: what is before the first NUL is read as arguments by each
 * parser; a SEARCH or FETCH that is understood is then asked of the message
 * behind the NUL.
 */
#include "services/imap/mailbox_filter.h"
#include "services/imap/notify.h"
#include "services/imap/pattern.h"
#include "services/imap/search.h"
#include "services/imap/section.h"
#include "services/imap/sort.h"
#include "services/imap/thread.h"
#include "services/imap/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint32_t uids[] = { 2, 3, 5, 7, 11, 13 };

static void
try_set(struct parser p)
{
	const struct view v = { .uids = uids, .n = LEN(uids) };
	struct store_set set = STORE_SET_INIT;
	struct seq_set seq;
	const char *why = NULL;

	if (parse_sequence(&p, &seq) == -1) {
		assert(p.why != NULL);
		return;
	}
	if (view_resolve(&v, &seq, false, &set, &why) == -1)
		assert(why != NULL);
	assert(view_count(&v, &set) <= v.n);
	store_set_clear(&set);
	view_resolve_lenient(&v, &seq, true, &set);
	for (size_t i = 0; i < set.n; i++)
		assert(set.r[i].first <= set.r[i].last &&
		    set.r[i].last <= 13);
	store_set_release(&set);
}

/* What SORT and THREAD have before the search keys. */
static void
try_criteria(struct parser p)
{
	enum thread_algorithm algorithm;
	struct sort_program sort;
	struct search_program prog;
	struct parser q = p;

	if ((sort_parse(&p, &sort) == -1 || parse_sp(&p) == -1) &&
	    (thread_parse(&q, &algorithm) == -1 || parse_sp(&q) == -1)) {
		assert(p.why != NULL && q.why != NULL);
		return;
	}
	if (p.why != NULL)
		p = q;
	if (search_parse_criteria(&p, &prog) == -1)
		assert(p.why != NULL);
	search_release(&prog);
}

static void
try_search(struct parser p, struct slice text)
{
	static const struct store_message row = { .uid = 7,
		.internaldate = 1000000000, .vsize = 100, .modseq = 5 };
	struct search_subject s = { .msg = &row, .now = 1000000000 };
	struct search_program prog = { 0 };
	struct search_return ret;
	size_t from, to;

	if (search_return_parse(&p, &ret) == 0 &&
	    search_parse(&p, &prog) == 0) {
		(void)search_ask(&prog, &s);
		s.opened = true;
		s.text = text;
		assert(search_ask(&prog, &s) != SEARCH_OPEN_IT);
		search_subject_release(&s);
	} else {
		assert(p.why != NULL);
	}
	search_range_of(&ret.partial, p.in.n, &from, &to);
	assert(from <= to && to <= p.in.n);
	search_release(&prog);
}

static void
try_fetch(struct parser p, struct slice text)
{
	struct fetch_plan plan;
	struct section_cache *m;

	if (fetch_plan_parse(&p, true, &plan) == -1) {
		assert(p.why != NULL);
		return;
	}
	m = section_cache_text(text);
	for (size_t i = 0; i < plan.n; i++) {
		struct buf out = BUF_INIT(1 << 24);
		struct section s;
		uint64_t want;

		section_find(&s, m, &plan.sections[i]);
		while (section_measure(&s, m, 5))
			;
		want = s.left;
		while (!s.unknown && section_write(&s, m, 7, &out))
			;
		assert(s.unknown || out.n == want);
		section_release(&s);
		buf_release(&out);
	}
	section_cache_free(m);
}

static void
try_filter(struct parser p)
{
	static const struct store_list_entry entry = { "a.b", NULL, 0 };
	struct mailbox_filter *list;

	if (mailbox_filters_parse(&p, &list) == 0)
		(void)mailbox_filters_have(list, &entry);
	else
		assert(p.why != NULL);
}

static void
try_words(struct parser p, struct arena *arena)
{
	struct parser q = p;
	struct flag_list flags;
	struct slice name, pattern;
	uint64_t size;
	bool sync;

	(void)parse_literal_header(p.in, &size, &sync);
	if (parse_tag(&q, &name) == 0)
		assert(imap_tag_is_valid(name));
	q = p;
	(void)parse_flags(&q, true, &flags);
	q = p;
	if (parse_mailbox(&q, &name) == 0)
		assert(slice_find(name, '\0') == -1);
	q = p;
	q.utf8 = true;
	if (parse_mailbox(&q, &name) == 0)
		assert(slice_is_ascii(name) &&
		    slice_is_utf8(q.spelled));
	q = p;
	q.utf8 = true;
	if (parse_list_mailbox(&q, &pattern) == 0)
		assert(slice_is_utf8(pattern));
	q = p;
	if (parse_list_mailbox(&q, &pattern) == 0) {
		pattern = pattern_make(arena, S("in"), pattern);
		(void)pattern_matches(pattern, S("INBOX.a.b.c"), '.');
		assert(pattern_matches(S("*"), pattern, '.'));
	}
}

static void
try_notify(struct parser p)
{
	struct notify_request r;
	unsigned events;

	if (notify_parse(&p, &r) == -1) {
		assert(p.why != NULL);
		return;
	}
	assert(r.n <= LIMIT_NOTIFY_GROUPS);
	events = notify_events(r.groups, r.n, S("a.b"), true);
	for (size_t i = 0; i < r.n; i++)
		for (size_t k = 0; k < r.groups[i].n; k++)
			events |= notify_events(r.groups, r.n,
			    r.groups[i].names[k], false);
	assert(r.bad_event || r.set || events == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct slice in = slice_of(bytes, n), text = slice_of(bytes, 0);
	ssize_t nul = slice_find(in, '\0');
	struct parser p;

	if (nul != -1) {
		text = slice_from(in, (size_t)nul + 1);
		in = slice_head(in, (size_t)nul);
	}
	p = parser_of(in, &arena);
	try_words(p, &arena);
	try_set(p);
	try_search(p, text);
	try_criteria(p);
	try_filter(p);
	try_fetch(p, text);
	try_notify(p);
	arena_release(&arena);
	return 0;
}
