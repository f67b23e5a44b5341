// part: services/imap
/* APPEND's arguments in pieces, and the URLs of CATENATE. */
#include "check.h"

#include "services/imap/append_parse.h"
#include "services/imap/url.h"

static struct arena arena;

TEST(urls_of_messages_are_read)
{
	static const struct {
		const char *in;
		const char *mailbox;
		uint32_t uidvalidity;
		uint32_t uid;
		const char *label;
	} cases[] = {
		{ "/INBOX;UIDVALIDITY=3/;UID=20", "INBOX", 3, 20, "BODY[]" },
		{ "/inbox/;uid=20", "INBOX", 0, 20, "BODY[]" },
		{ "Drafts/;UID=4294967295/;section=1.2.mime", "Drafts", 0,
		    UINT32_MAX, "BODY[1.2.MIME]" },
		{ ";UID=1", "", 0, 1, "BODY[]" },
		{ "/;UID=1/;SECTION=TEXT/;PARTIAL=5.10", "", 0, 1,
		    "BODY[TEXT]<5>" },
		{ "/a%2fb%20%c3%a4/;UID=1", "a/b &AOQ-", 0, 1, "BODY[]" },
		{ "/;UID=1/;SECTION=HEADER.FIELDS%20(To%20Cc)", "", 0, 1,
		    "BODY[HEADER.FIELDS (To Cc)]" },
		{ "/;UID=1/;PARTIAL=7", "", 0, 1, "BODY[]<7>" },
	};
	static const char *const bad[] = { "", "/", "/INBOX", ";UID=0",
		";UID=", ";UID=x", ";UID=4294967296", "/%zz/;UID=1",
		"/%ff/;UID=1", "/a%00b/;UID=1", "/a;UIDVALIDITY=0/;UID=1",
		"/;UID=1/;SECTION=NONE", "/;UID=1/;SECTION=1]%20BODY[",
		"/;UID=1/;SECTION=1]%20(CHANGEDSINCE%205)%20[",
		"/;UID=1/;PARTIAL=x", "/;UID=1/x",
		"imap://u@h/INBOX/;UID=1", "//h/INBOX/;UID=1" };

	for (size_t i = 0; i < LEN(cases); i++) {
		struct imap_url url;

		CHECK(imap_url_parse(&arena, slice_str(cases[i].in), &url) ==
		    0, "%s", cases[i].in);
		CHECK_SLICE(url.mailbox, cases[i].mailbox);
		CHECK(url.uidvalidity == cases[i].uidvalidity &&
		    url.uid == cases[i].uid, "%s", cases[i].in);
		CHECK_SLICE(url.section.label, cases[i].label);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		struct imap_url url;

		CHECK(imap_url_parse(&arena, slice_str(bad[i]), &url) == -1,
		    "%s", bad[i]);
	}
	arena_clear(&arena);
}

/* The kinds of operations as letters. */
static void
read_pieces(const char *const *pieces, struct buf *out)
{
	struct append_parse st = { 0 };

	for (; *pieces != NULL; pieces++) {
		struct parser p = parser_of(slice_str(*pieces), &arena);
		uint64_t size;
		bool sync, literal;

		literal = parse_literal_header(p.in, &size, &sync);
		if (append_parse_piece(&p, &st, literal) == -1) {
			CHECK(p.why != NULL, "%s", *pieces);
			buf_addc(out, '!');
			return;
		}
		for (size_t i = 0; i < st.n; i++)
			buf_addc(out, "bule"[st.ops[i].kind]);
		buf_addc(out, '.');
	}
}

TEST(arguments_are_read_in_pieces)
{
	static const struct {
		const char *pieces[6];
		const char *want;
	} cases[] = {
		{ { " {3}", "" }, "bl.e." },
		{ { " (\\Seen) {3+}", " \"17-Jul-1996 02:44:25 -0700\" ~{3}",
		    "" }, "bl.ebl.e." },
		{ { " CATENATE (URL a)" }, "bue." },
		{ { " CATENATE (URL a TEXT {3}", " URL \"b\" TEXT {0}", ")" },
		    "bul.ul.e." },
		{ { " (\\Seen) CATENATE (TEXT {3}", ") {5}", "" },
		    "bl.ebl.e." },
		{ { " catenate (url {3}\r\nabc text {3}", ") " "CATENATE "
		    "(URL x)" }, "bul.ebue." },
		{ { "" }, "!" },
		{ { " x" }, "!" },
		{ { " {3}", "x" }, "bl.!" },
		{ { " CATENATE ()" }, "!" },
		{ { " CATENATE (URL a" }, "!" },
		{ { " CATENATE (URL a) x" }, "!" },
		{ { " CATENATE (URL aTEXT {3}" }, "!" },
		{ { " CATENATE (TEXT {3}", "URL a)" }, "bl.!" },
		{ { " CATENATE (TEXT ~{3}" }, "!" },
		{ { " CATENATE {3}" }, "!" },
		{ { " (\\Bogus) {3}" }, "!" },
		{ { " \"1-Foo-2000\" {3}" }, "!" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf out = BUF_INIT(100);

		read_pieces(cases[i].pieces, &out);
		CHECK(strcmp(buf_str(&out), cases[i].want) == 0,
		    "case %zu: %s, not %s", i, buf_str(&out), cases[i].want);
		buf_release(&out);
	}
	arena_clear(&arena);
}

TEST(literals_that_are_arguments_are_known)
{
	static const struct {
		const char *text;
		bool begun;
		bool is_text;
	} cases[] = {
		{ "a APPEND {5}", false, true },
		{ "a APPEND {5+}", false, true },
		{ "a APPEND INBOX {5}", false, false },
		{ "a APPEND INBOX ~{5}", false, false },
		{ "a UID REPLACE 5 {5}", false, true },
		{ "a REPLACE * {5}", false, true },
		{ "a REPLACE 5 x {5}", false, false },
		{ "a APPEND x CATENATE (URL {5}", false, true },
		{ " url {5}", true, true },
		{ " TEXT {5}", true, false },
		{ " {5}", true, false },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK(append_literal_is_text(slice_str(cases[i].text),
		    cases[i].begun) == cases[i].is_text, "%s", cases[i].text);
	arena_release(&arena);
}

TESTS(T(urls_of_messages_are_read), T(arguments_are_read_in_pieces),
    T(literals_that_are_arguments_are_known))
