// part: services/imap
/* The IMAP worker's pure parts: syntax, sets, search programs, sections. */
#include "check.h"
#include "services/imap/metadata.h"
#include "services/imap/notify.h"
#include "services/imap/output.h"
#include "services/imap/pattern.h"
#include "services/imap/search.h"
#include "services/imap/section.h"
#include "services/imap/view.h"

static struct arena arena;

/* ---- syntax --------------------------------------------------------------- */

TEST(tags_are_checked)
{
	static const char *const good[] = { "a", "A001", "x]", "a.b-c_d" };
	static const char *const bad[] = { "", "a+", "a b", "a\r", "(", "\"a\"",
		"a{", "a%", "a*", "\x80", "a\\" };

	for (size_t i = 0; i < LEN(good); i++)
		CHECK(imap_tag_is_valid(slice_str(good[i])), "%s", good[i]);
	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(!imap_tag_is_valid(slice_str(bad[i])), "%s", bad[i]);
}

TEST(astrings_are_read_in_each_form)
{
	static const struct {
		const char *in;
		const char *want; /* NULL: refused */
	} cases[] = {
		{ "abc", "abc" },
		{ "a]b", "a]b" },
		{ "\"a \\\"b\\\\\"", "a \"b\\" },
		{ "\"\"", "" },
		{ "{3}\r\nabc", "abc" },
		{ "{3+}\r\na\r\n", "a\r\n" },
		{ "{0}\r\n", "" },
		{ "{4}\r\nabc", NULL },
		{ "{3\r\nabc", NULL },
		{ "\"a", NULL },
		{ "\"a\\x\"", NULL },
		{ "\"a\nb\"", NULL },
		{ "(a", NULL },
		{ "", NULL },
		{ "\xc3\xa4", NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct parser p = parser_of(slice_str(cases[i].in), &arena);
		struct slice got;
		int r = parse_astring(&p, &got);

		if (cases[i].want == NULL) {
			CHECK(r == -1 && p.why != NULL, "%s", cases[i].in);
			continue;
		}
		CHECK(r == 0 && parse_end(&p) == 0, "%s", cases[i].in);
		CHECK_SLICE(got, cases[i].want);
	}
}

TEST(mailbox_names_are_kept_encoded)
{
	static const struct {
		const char *in;
		bool utf8;
		const char *want; /* NULL: refused */
		const char *spelled;
	} cases[] = {
		{ "inbox", false, "INBOX", "" },
		{ "inbox", true, "INBOX", "inbox" },
		{ "INBOX", true, "INBOX", "" },
		{ "a&b", false, "a&b", "" },
		{ "a&b", true, "a&-b", "" },
		{ "\"\xc3\xa4\"", true, "&AOQ-", "" },
		{ "\"a\xcc\x88\"", true, "&AOQ-", "a\xcc\x88" },
		{ "\"a\xcc\x88\"", false, "a\xcc\x88", "" },
		{ "\"\xc3\"", true, NULL, NULL },
		{ "\"\xc0\xaf\"", true, NULL, NULL },
		{ "\"\xed\xa0\x80\"", true, NULL, NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct parser p = parser_of(slice_str(cases[i].in), &arena);
		struct slice got;
		int r;

		p.utf8 = cases[i].utf8;
		r = parse_mailbox(&p, &got);
		if (cases[i].want == NULL) {
			CHECK(r == -1 && p.why != NULL, "%s", cases[i].in);
			continue;
		}
		CHECK(r == 0 && parse_end(&p) == 0, "%s", cases[i].in);
		CHECK_SLICE(got, cases[i].want);
		CHECK_SLICE(p.spelled, cases[i].spelled);
	}
}

TEST(literal_headers_are_found_at_the_end_of_a_line)
{
	static const struct {
		const char *line;
		bool found;
		uint64_t size;
		bool sync;
	} cases[] = {
		{ "a CREATE {5}", true, 5, true },
		{ "a CREATE {5+}", true, 5, false },
		{ "{0}", true, 0, true },
		{ "a {99999999999999999}", true, UINT32_MAX, true },
		{ "a {}", false, 0, false },
		{ "a {+}", false, 0, false },
		{ "a {5} ", false, 0, false },
		{ "a 5}", false, 0, false },
		{ "}", false, 0, false },
		{ "", false, 0, false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		uint64_t size = 0;
		bool sync = false;

		CHECK(parse_literal_header(slice_str(cases[i].line), &size,
		    &sync) == cases[i].found, "%s", cases[i].line);
		if (cases[i].found)
			CHECK(size == cases[i].size && sync == cases[i].sync,
			    "%s", cases[i].line);
	}
}

TEST(flag_lists_know_system_flags)
{
	struct parser p =
	    parser_of(S("(\\seen $Work \\DELETED x)"), &arena);
	struct flag_list flags;

	CHECK(parse_flags(&p, false, &flags) == 0);
	CHECK(flags.flags == (STORE_SEEN | STORE_DELETED), "%x", flags.flags);
	CHECK(flags.n == 2);
	CHECK_SLICE(flags.keywords[0], "$Work");
	p = parser_of(S("\\Recent"), &arena);
	CHECK(parse_flags(&p, true, &flags) == -1);
	p = parser_of(S("\\Seen"), &arena);
	CHECK(parse_flags(&p, false, &flags) == -1);
	p = parser_of(S("()"), &arena);
	CHECK(parse_flags(&p, false, &flags) == 0 && flags.n == 0);
}

/* ---- sequence sets -------------------------------------------------------- */

static struct view
view_of(uint32_t *uids, size_t n)
{
	return (struct view){ .uids = uids, .n = n };
}

TEST(sequence_sets_become_uids)
{
	static const struct {
		const char *set;
		bool uid;
		const char *want; /* NULL: no such number */
	} cases[] = {
		{ "1", false, "10" },
		{ "2:3", false, "20:30" },
		{ "3:2", false, "20:30" },
		{ "*", false, "40" },
		{ "*:3", false, "30:40" },
		{ "4,1", false, "10,40" },
		{ "1:*", false, "10:40" },
		{ "5", false, NULL },
		{ "1:5", false, NULL },
		{ "10", true, "10" },
		{ "15:25", true, "15:25" },
		{ "1:*", true, "1:40" },
		{ "50:*", true, "40" },
		{ "41:99", true, "" },
		{ "35:4294967295", true, "35:40" },
	};
	uint32_t uids[] = { 10, 20, 30, 40 };
	struct view v = view_of(uids, 4);

	for (size_t i = 0; i < LEN(cases); i++) {
		struct parser p = parser_of(slice_str(cases[i].set), &arena);
		struct store_set out = STORE_SET_INIT;
		struct buf text = BUF_INIT(1000);
		struct seq_set set;
		const char *why;
		int r;

		CHECK(parse_sequence(&p, &set) == 0, "%s", cases[i].set);
		r = view_resolve(&v, &set, cases[i].uid, &out, &why);
		CHECK((r == 0) == (cases[i].want != NULL), "%s", cases[i].set);
		if (r == 0) {
			store_set_format(&out, &text);
			CHECK_SLICE(buf_slice(&text), cases[i].want);
		}
		buf_release(&text);
		store_set_release(&out);
	}
}

TEST(malformed_sequence_sets_are_refused)
{
	static const char *const bad[] = { "", "0", "1:", ":1", "1,", ",1",
		"1::2", "a", "4294967296", "1-2", "1:*:2x" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct parser p = parser_of(slice_str(bad[i]), &arena);
		struct seq_set set;

		CHECK(parse_sequence(&p, &set) == -1 || parse_end(&p) == -1,
		    "%s", bad[i]);
	}
}

TEST(an_empty_mailbox_takes_only_the_star)
{
	struct view v = view_of(NULL, 0);
	struct store_set out = STORE_SET_INIT;
	struct seq_range star = { 1, 0 }, one = { 1, 1 };
	struct seq_set set = { &star, 1, false };

	CHECK(view_resolve(&v, &set, false, &out, NULL) == 0 && out.n == 0);
	set.r = &one;
	CHECK(view_resolve(&v, &set, false, &out, NULL) == -1);
	CHECK(view_resolve(&v, &set, true, &out, NULL) == 0 && out.n == 0);
}

TEST(a_huge_unordered_set_is_resolved_quickly)
{
	enum { N = 20000 };
	uint32_t *uids = mem_array(2 * N, sizeof(*uids));
	struct seq_range *r = mem_array(N, sizeof(*r));
	struct view v = view_of(uids, 2 * N);
	struct seq_set set = { r, N, false };
	struct store_set out = STORE_SET_INIT;

	for (uint32_t i = 0; i < 2 * N; i++)
		uids[i] = 2 * i + 1;
	for (uint32_t i = 0; i < N; i++)
		r[i].first = r[i].last = 2 * (N - i);
	CHECK(view_resolve(&v, &set, false, &out, NULL) == 0);
	CHECK(out.n == N && view_count(&v, &out) == N, "%zu", out.n);
	store_set_release(&out);
	mem_free(uids);
	mem_free(r);
}

/* ---- patterns ------------------------------------------------------------- */

TEST(list_patterns_match)
{
	static const struct {
		const char *reference;
		const char *pattern;
		const char *name;
		bool match;
	} cases[] = {
		{ "", "*", "a.b.c", true },
		{ "", "%", "a", true },
		{ "", "%", "a.b", false },
		{ "", "%.%", "a.b", true },
		{ "", "a*c", "a.b.c", true },
		{ "", "a%c", "a.b.c", false },
		{ "", "a%*", "a.b.c", true },
		{ "a.", "%", "a.b", true },
		{ "a.", "%", "a.b.c", false },
		{ "", "inbox", "INBOX", true },
		{ "", "inBox.%", "INBOX.x", true },
		{ "", "inboxes", "INBOXes", false },
		{ "", "*b*c*", "aaabbbccc", true },
		{ "", "abc", "ab", false },
		{ "", "ab", "abc", false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice p = pattern_make(&arena,
		    slice_str(cases[i].reference), slice_str(cases[i].pattern));

		CHECK(pattern_matches(p, slice_str(cases[i].name), '.') ==
		    cases[i].match, "%s %s", cases[i].pattern, cases[i].name);
	}
}

TEST(patterns_reach_other_namespaces)
{
	static const struct {
		const char *pattern;
		bool reaches;
	} cases[] = {
		{ "*", true }, { "%", true }, { "", true }, { "O%", true },
		{ "Other Users", true }, { "Other Users/a*", true },
		{ "Other Users/a@x.test/Work", true }, { "INBOX", false },
		{ "Others*", false }, { "other users/*", false },
		{ "Other Users.a", false },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK(pattern_reaches(slice_str(cases[i].pattern),
		    S("Other Users/")) == cases[i].reaches, "%s",
		    cases[i].pattern);
	CHECK(pattern_matches(S("O/%"), S("O/a@x.test"), '/'));
	CHECK(!pattern_matches(S("O/%"), S("O/a@x.test/Work"), '/'));
	CHECK(pattern_matches(S("O/%/%"), S("O/a@x.test/Work"), '/'));
}

/* ---- FETCH ---------------------------------------------------------------- */

TEST(fetch_plans_are_read)
{
	static const struct {
		const char *in;
		unsigned items;
		size_t sections;
		bool seen;
	} cases[] = {
		{ "ALL", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE |
		    FETCH_ENVELOPE, 0, false },
		{ "fast", FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE, 0,
		    false },
		{ "(FLAGS BODY)", FETCH_FLAGS | FETCH_BODY, 0, false },
		{ "BODY[]", 0, 1, true },
		{ "BODY.PEEK[]", 0, 1, false },
		{ "(RFC822.HEADER UID)", FETCH_UID, 1, false },
		{ "RFC822", 0, 1, true },
		{ "(BODY.PEEK[1.2.MIME]<0.10> BODY[TEXT])", 0, 2, true },
		{ "BODY[header.fields (Subject \"X Y\")]", 0, 1, true },
		{ "FLAGS (CHANGEDSINCE 12)", FETCH_FLAGS | FETCH_MODSEQ, 0,
		    false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct parser p = parser_of(slice_str(cases[i].in), &arena);
		struct fetch_plan plan;

		CHECK(fetch_plan_parse(&p, false, &plan) == 0, "%s: %s",
		    cases[i].in, p.why);
		CHECK(plan.items == cases[i].items, "%s", cases[i].in);
		CHECK(plan.n == cases[i].sections, "%s", cases[i].in);
		CHECK(plan.sets_seen == cases[i].seen, "%s", cases[i].in);
	}
}

TEST(malformed_fetches_are_refused)
{
	static const char *const bad[] = { "", "()", "(FLAGS", "FLAGS)",
		"BODY[", "BODY[1", "BODY[0]", "BODY[1.]", "BODY[MIME]",
		"BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]",
		"BODY[TEXT (a)]", "BODY[]<1>", "BODY[]<1.0>", "BODY[]<.1>",
		"NONSENSE", "(ALL)", "FLAGS FLAGS", "FLAGS (CHANGEDSINCE)",
		"FLAGS (VANISHED)", "BODY.PEEK" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct parser p = parser_of(slice_str(bad[i]), &arena);
		struct fetch_plan plan;

		CHECK(fetch_plan_parse(&p, true, &plan) == -1, "%s", bad[i]);
	}
}

static const char message[] =
    "From: a@b.test\nSubject: one\n two\nX-A: 1\n\nline 1\nline 2\n";

static void
section_text(const char *item, size_t piece, struct buf *out)
{
	struct section_cache *m = section_cache_text(slice_str(message));
	struct parser p = parser_of(slice_str(item), &arena);
	struct fetch_plan plan;
	struct section s;

	CHECK(fetch_plan_parse(&p, false, &plan) == 0, "%s", item);
	section_find(&s, m, &plan.sections[0]);
	if (!s.exists)
		buf_adds(out, "NIL");
	while (section_write(&s, m, piece, out))
		;
	section_release(&s);
	section_cache_free(m);
}

TEST(sections_come_with_crlf_in_pieces_of_any_size)
{
	static const struct {
		const char *item;
		const char *want;
	} cases[] = {
		{ "BODY[]", "From: a@b.test\r\nSubject: one\r\n two\r\n"
		    "X-A: 1\r\n\r\nline 1\r\nline 2\r\n" },
		{ "BODY[TEXT]", "line 1\r\nline 2\r\n" },
		{ "BODY[1]", "line 1\r\nline 2\r\n" },
		{ "BODY[HEADER]", "From: a@b.test\r\nSubject: one\r\n two\r\n"
		    "X-A: 1\r\n\r\n" },
		{ "BODY[HEADER.FIELDS (subject x-none)]",
		    "Subject: one\r\n two\r\n\r\n" },
		{ "BODY[HEADER.FIELDS.NOT (subject from)]", "X-A: 1\r\n\r\n" },
		{ "BODY[TEXT]<6.4>", "\r\nli" },
		{ "BODY[TEXT]<7.100>", "\nline 2\r\n" },
		{ "BODY[TEXT]<99.1>", "" },
		{ "BODY[2]", "NIL" },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t piece = 1; piece < 20; piece++) {
			struct buf out = BUF_INIT(1000);

			section_text(cases[i].item, piece, &out);
			CHECK_SLICE(buf_slice(&out), cases[i].want);
			buf_release(&out);
		}
}

TEST(a_nul_never_gets_into_a_literal)
{
	struct section_cache *m =
	    section_cache_text(slice_of("a: b\n\nx\0y\n", 10));
	struct fetch_section want = { .spec = S("TEXT"), .what = MIME_TEXT };
	struct buf out = BUF_INIT(100);
	struct section s;

	section_find(&s, m, &want);
	section_write(&s, m, 100, &out);
	CHECK_SLICE(buf_slice(&out), "x\x80y\r\n");
	buf_release(&out);
	section_cache_free(m);
}

/* ---- SEARCH --------------------------------------------------------------- */

/* ---- NOTIFY, METADATA ----------------------------------------------------- */

TEST(notify_requests_are_read)
{
	static const char text[] = " SET STATUS (selected (MessageNew (UID "
	    "BODY.PEEK[HEADER.FIELDS (\")\")]) MessageExpunge)) (subtree (a "
	    "inbox) (MailboxName)) (subscribed NONE)";
	struct parser p = parser_of(slice_str(text), &arena);
	struct notify_request r;

	CHECK(notify_parse(&p, &r) == 0, "%s", p.why);
	CHECK(r.set && r.status && !r.bad_event && !r.too_much);
	CHECK(r.n == 3 && r.n_names == 2);
	CHECK(r.groups[0].filter == NOTIFY_SELECTED);
	CHECK(r.groups[0].events == (NOTIFY_NEW | NOTIFY_EXPUNGE));
	CHECK_SLICE(r.atts, "(UID BODY.PEEK[HEADER.FIELDS (\")\")])");
	CHECK(r.groups[1].events == NOTIFY_NAME);
	CHECK_SLICE(r.groups[1].names[1], "INBOX");
	CHECK(r.groups[2].events == 0);
}

TEST(notify_groups_cover_mailboxes)
{
	struct slice a[] = { S("a"), S("c") }, b[] = { S("b") };
	const struct notify_group groups[] = {
		{ NOTIFY_SELECTED, NOTIFY_FLAGS, NULL, 0 },
		{ NOTIFY_SUBTREE, NOTIFY_NEW, a, 2 },
		{ NOTIFY_MAILBOXES, NOTIFY_EXPUNGE, b, 1 },
		{ NOTIFY_SUBSCRIBED, NOTIFY_NAME, NULL, 0 },
	};
	static const struct {
		const char *name;
		bool subscribed;
		unsigned want;
	} cases[] = {
		{ "a", false, NOTIFY_NEW }, { "a.b", false, NOTIFY_NEW },
		{ "ab", false, 0 }, { "b", true, NOTIFY_EXPUNGE | NOTIFY_NAME },
		{ "b.c", false, 0 }, { "c.x.y", false, NOTIFY_NEW },
		{ "d", true, NOTIFY_NAME },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK(notify_events(groups, LEN(groups),
		    slice_str(cases[i].name), cases[i].subscribed) ==
		    cases[i].want, "%s", cases[i].name);
}

TEST(entries_are_below_each_other)
{
	static const struct {
		const char *name;
		unsigned depth;
		bool want;
	} cases[] = {
		{ "/a/b", 0, true }, { "/a/b/c", 0, false },
		{ "/a/b/c", 1, true }, { "/a/b/c/d", 1, false },
		{ "/a/b/c/d", METADATA_DEPTH_ALL, true },
		{ "/a/bc", METADATA_DEPTH_ALL, false }, { "/a", 1, false },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK(metadata_is_below(slice_str(cases[i].name), S("/a/b"),
		    cases[i].depth) == cases[i].want, "%s", cases[i].name);
}

static const char *const keywords[] = { "$Work" };

static const struct store_message index_row = {
	.uid = 7,
	.flags = STORE_SEEN,
	.keywords = keywords,
	.n_keywords = 1,
	.modseq = 50,
	.internaldate = 1000000000, /* 9 September 2001 */
	.savedate = 1100000000,     /* 9 November 2004 */
	.vsize = 100,
};

static const char searched[] =
    "From: =?iso-8859-1?q?J=F6rg?= <j@b.test>\n"
    "Subject: Big\n  News\n"
    "Date: Mon, 10 Sep 2001 00:10:00 +1200\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: base64\n\n"
    "R3LDvMOfZSBhdXMgS8O2bG4=\n";

static enum search_answer
ask(const char *keys, bool opened)
{
	struct parser p = parser_of(slice_str(keys), &arena);
	struct search_subject s = { .msg = &index_row, .now = 1000000100,
		.recent = true, .opened = opened,
		.text = slice_str(searched) };
	struct search_program prog;
	enum search_answer a;

	CHECK(search_parse(&p, &prog) == 0, "%s: %s", keys, p.why);
	for (size_t i = 0; i < prog.n_sets; i++)
		store_set_add(&prog.sets[i]->resolved,
		    prog.sets[i]->set.r[0].first, prog.sets[i]->set.r[0].last);
	a = search_ask(&prog, &s);
	search_subject_release(&s);
	search_release(&prog);
	return a;
}

TEST(search_keys_are_answered)
{
	static const struct {
		const char *keys;
		enum search_answer closed; /* without the text */
		enum search_answer open;
	} cases[] = {
		{ "ALL", SEARCH_YES, SEARCH_YES },
		{ "SEEN RECENT", SEARCH_YES, SEARCH_YES },
		{ "NEW", SEARCH_NO, SEARCH_NO },
		{ "OLD", SEARCH_NO, SEARCH_NO },
		{ "KEYWORD $work", SEARCH_YES, SEARCH_YES },
		{ "UNKEYWORD $other", SEARCH_YES, SEARCH_YES },
		{ "LARGER 99 SMALLER 101", SEARCH_YES, SEARCH_YES },
		{ "UID 7", SEARCH_YES, SEARCH_YES },
		{ "8", SEARCH_NO, SEARCH_NO },
		{ "MODSEQ 50", SEARCH_YES, SEARCH_YES },
		{ "MODSEQ \"/flags/\\\\draft\" all 51", SEARCH_NO, SEARCH_NO },
		{ "YOUNGER 100", SEARCH_YES, SEARCH_YES },
		{ "OLDER 101", SEARCH_NO, SEARCH_NO },
		{ "BODY \"grüße AUS\"", SEARCH_OPEN_IT, SEARCH_YES },
		{ "BODY big", SEARCH_OPEN_IT, SEARCH_NO },
		{ "TEXT \"big news\"", SEARCH_OPEN_IT, SEARCH_YES },
		{ "NOT BODY x", SEARCH_OPEN_IT, SEARCH_YES },
		{ "BODY x UNSEEN", SEARCH_NO, SEARCH_NO },
		{ "OR BODY x SEEN", SEARCH_YES, SEARCH_YES },
		{ "FROM \"jörg\"", SEARCH_OPEN_IT, SEARCH_YES },
		{ "HEADER subject \"\"", SEARCH_OPEN_IT, SEARCH_YES },
		{ "HEADER x-none \"\"", SEARCH_OPEN_IT, SEARCH_NO },
		{ "SENTON 10-Sep-2001", SEARCH_OPEN_IT, SEARCH_YES },
		{ "SENTSINCE 11-Sep-2001", SEARCH_OPEN_IT, SEARCH_NO },
		{ "(SEEN (RECENT (KEYWORD $Work)))", SEARCH_YES, SEARCH_YES },
		{ "CHARSET utf-8 RECENT", SEARCH_YES, SEARCH_YES },
		{ "CHARSET us-ascii RECENT", SEARCH_YES, SEARCH_YES },
		{ "SAVEDON 9-Nov-2004", SEARCH_YES, SEARCH_YES },
		{ "SAVEDBEFORE 9-Nov-2004", SEARCH_NO, SEARCH_NO },
		{ "SAVEDSINCE 10-Nov-2004", SEARCH_NO, SEARCH_NO },
		{ "SAVEDATESUPPORTED", SEARCH_YES, SEARCH_YES },
		{ "FUZZY SUBJECT \"new big\"", SEARCH_OPEN_IT, SEARCH_YES },
		{ "FUZZY (BODY grusse NOT BODY x)", SEARCH_OPEN_IT,
		    SEARCH_YES },
		{ "FUZZY SEEN", SEARCH_YES, SEARCH_YES },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		enum search_answer a = ask(cases[i].keys, false);

		CHECK(a == cases[i].closed, "%s: %d", cases[i].keys, a);
		a = ask(cases[i].keys, true);
		CHECK(a == cases[i].open, "%s: %d", cases[i].keys, a);
	}
}

TEST(malformed_searches_are_refused)
{
	static const char *const bad[] = { "", "NONSENSE", "NOT", "OR SEEN",
		"(SEEN", "SEEN)", "()", "BODY", "HEADER a", "SINCE yesterday",
		"LARGER x", "YOUNGER 0", "UID x", "CHARSET utf-8", "SEEN  SEEN", "KEYWORD" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct parser p = parser_of(slice_str(bad[i]), &arena);
		struct search_program prog;

		CHECK(search_parse(&p, &prog) == -1, "%s", bad[i]);
		search_release(&prog);
	}
}

/* ---- output --------------------------------------------------------------- */

TEST(names_are_atoms_or_quoted)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {
		{ "INBOX", "INBOX" },
		{ "a b", "\"a b\"" },
		{ "", "\"\"" },
		{ "nil", "\"nil\"" },
		{ "a\"\\", "\"a\\\"\\\\\"" },
		{ "a\r\nb", "\"a??b\"" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf out = BUF_INIT(100);

		out_astring(&out, slice_str(cases[i].in));
		CHECK_SLICE(buf_slice(&out), cases[i].want);
		buf_release(&out);
	}
}

TESTS(T(tags_are_checked), T(astrings_are_read_in_each_form),
    T(mailbox_names_are_kept_encoded),
    T(literal_headers_are_found_at_the_end_of_a_line),
    T(flag_lists_know_system_flags), T(sequence_sets_become_uids),
    T(malformed_sequence_sets_are_refused),
    T(an_empty_mailbox_takes_only_the_star),
    T(a_huge_unordered_set_is_resolved_quickly), T(list_patterns_match),
    T(patterns_reach_other_namespaces),
    T(fetch_plans_are_read), T(malformed_fetches_are_refused),
    T(sections_come_with_crlf_in_pieces_of_any_size),
    T(a_nul_never_gets_into_a_literal), T(search_keys_are_answered),
    T(malformed_searches_are_refused), T(names_are_atoms_or_quoted),
    T(notify_requests_are_read), T(notify_groups_cover_mailboxes),
    T(entries_are_below_each_other))
