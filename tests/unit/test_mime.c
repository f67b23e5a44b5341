#include "check.h"

#include "core/now.h"
#include "mail/mime.h"

static const char nested[] =
    "From: a@b.test\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=\"outer\"\r\n"
    "\r\n"
    "preamble\r\n"
    "--outer\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "\r\n"
    "one\r\n"
    "two\r\n"
    "--outer  \r\n"
    "Content-Type: message/rfc822\r\n"
    "Content-Description: =?utf-8?q?x?=\r\n"
    "\r\n"
    "Subject: inner\r\n"
    "From: c@d.test\r\n"
    "Content-Type: multipart/alternative; boundary=inner\r\n"
    "\r\n"
    "--inner\r\n"
    "\r\n"
    "plain\r\n"
    "--inner\r\n"
    "Content-Type: text/html\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "<b>caf=E9</b>\r\n"
    "--inner--\r\n"
    "--outer\r\n"
    "Content-Type: image/png; name=\"a \\\"b\\\".png\"\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; filename=x.png\r\n"
    "Content-ID: <i@d>\r\n"
    "Content-Language: de, en\r\n"
    "Content-MD5: abc==\r\n"
    "Content-Location: http://x/\r\n"
    "\r\n"
    "AAAA\r\n"
    "--outer--\r\n"
    "epilogue\r\n";

#define INNER_ENVELOPE                                                         \
	"(NIL \"inner\" ((NIL NIL \"c\" \"d.test\"))"                          \
	" ((NIL NIL \"c\" \"d.test\")) ((NIL NIL \"c\" \"d.test\"))"           \
	" NIL NIL NIL NIL NIL)"

/* Both line ends must tell the same story. */
static struct slice
with_lf(const char *text, char *out)
{
	size_t n = 0;

	for (const char *p = text; *p != 0; p++)
		if (*p != '\r')
			out[n++] = *p;
	return slice_of(out, n);
}

TEST(body_structure_is_that_of_rfc3501)
{
	static const char want[] =
	    "((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 8 1"
	    " NIL NIL NIL NIL)"
	    "(\"message\" \"rfc822\" NIL NIL \"=?utf-8?q?x?=\" \"7bit\" 210 "
	    INNER_ENVELOPE
	    " ((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\""
	    " 5 0 NIL NIL NIL NIL)(\"text\" \"html\" (\"charset\" \"us-ascii\")"
	    " NIL NIL \"quoted-printable\" 13 0 NIL NIL NIL NIL)"
	    " \"alternative\" (\"boundary\" \"inner\") NIL NIL NIL) 12"
	    " NIL NIL NIL NIL)"
	    "(\"image\" \"png\" (\"name\" \"a \\\"b\\\".png\") \"<i@d>\" NIL"
	    " \"base64\" 4 \"abc==\" (\"attachment\" (\"filename\" \"x.png\"))"
	    " (\"de\" \"en\") \"http://x/\")"
	    " \"mixed\" (\"boundary\" \"outer\") NIL NIL NIL)";
	char lf[sizeof(nested)];
	struct slice msgs[] = { slice_str(nested), with_lf(nested, lf) };

	for (size_t i = 0; i < LEN(msgs); i++) {
		struct arena arena = ARENA_INIT;
		struct buf b = BUF_INIT(100000);
		struct mime_tree tree;

		mime_parse(&arena, msgs[i], &tree);
		CHECK(!tree.truncated && tree.parts == 7, "%zu", tree.parts);
		CHECK(tree.root->header_size + tree.root->body_size ==
		    sizeof(nested) - 1);
		mime_bodystructure(&b, &tree, true);
		CHECK(slice_eq(buf_slice(&b), slice_str(want)),
		    "\ngot  %s\nwant %s", buf_str(&b), want);
		buf_release(&b);
		arena_release(&arena);
	}
}

TEST(plain_body_has_no_extension_data)
{
	static const struct {
		const char *msg;
		const char *want;
	} cases[] = {
		{ "", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL"
			" \"7bit\" 0 0)" },
		{ "\nhello\nworld", "(\"text\" \"plain\" (\"charset\""
			" \"us-ascii\") NIL NIL \"7bit\" 12 1)" },
		{ "Content-Type: text/plain; format=flowed\n\na\n",
			"(\"text\" \"plain\" (\"format\" \"flowed\" \"charset\""
			" \"us-ascii\") NIL NIL \"7bit\" 3 1)" },
		{ "Content-Type: nonsense\n\na\n", "(\"text\" \"plain\""
			" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1)" },
		{ "Content-Type: application/x (c) ; (d) a (e) = (f) b (g)\n\n",
			"(\"application\" \"x\" (\"a\" \"b\") NIL NIL \"7bit\""
			" 0)" },
		{ "Content-Type: multipart/mixed\n\na\n", "(\"text\" \"plain\""
			" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1)" },
		{ "Content-Type: multipart/mixed; boundary=x\n\nno parts\n",
			"((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL"
			" NIL \"7bit\" 0 0) \"mixed\")" },
		{ "Content-Type: multipart/digest; boundary=x\n\n--x\n\n"
			"Subject: s\n\nb\n--x--\n",
			"((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15"
			" (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL)"
			" (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL"
			" NIL \"7bit\" 1 0) 2) \"digest\")" },
		/* No end anywhere; no empty line in the part. */
		{ "Content-Type: multipart/mixed; boundary=x\n\n--x\nA: b",
			"((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL"
			" NIL \"7bit\" 0 0) \"mixed\")" },
		/* An inner part that ends with the outer boundary. */
		{ "Content-Type: multipart/mixed; boundary=x\n\n--x\n"
			"Content-Type: multipart/mixed; boundary=xy\n\n--xy\n\n"
			"a\n--x\n\nb\n--x--\n",
			"(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL"
			" NIL \"7bit\" 1 0) \"mixed\")(\"text\" \"plain\""
			" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0)"
			" \"mixed\")" },
		/* RFC 2046 5.1.1: it is enough that a line begins with one. */
		{ "Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--xz\n"
			"\nbb\n--x--z\n--x\n\nccc\n",
			"((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL"
			" NIL \"7bit\" 1 0)(\"text\" \"plain\" (\"charset\""
			" \"us-ascii\") NIL NIL \"7bit\" 2 0) \"mixed\")" },
		/* The inner one begins like the outer one. */
		{ "Content-Type: multipart/mixed; boundary=x\n\n--x\n"
			"Content-Type: multipart/mixed; boundary=xy\n\n--xy\n\n"
			"a\n--xyz\n\nb\n--xy--\n\n--x--\n",
			"(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL"
			" NIL \"7bit\" 1 0)(\"text\" \"plain\" (\"charset\""
			" \"us-ascii\") NIL NIL \"7bit\" 1 0) \"mixed\")"
			" \"mixed\")" },
		/* The empty line is the boundary's; the message has no end. */
		{ "Content-Type: multipart/mixed; boundary=x\n\n--x\n"
			"Content-Type: MESSAGE/RFC822\n\nSubject: s\n\n--x--\n",
			"((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 12"
			" (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL)"
			" (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL"
			" NIL \"7bit\" 0 0) 1) \"mixed\")" },
		/* RFC 2231 6: pieces are put together. */
		{ "Content-Type: a/b; c=d; n*1*=%41; n*0=\"5%'\"; e*=x; k*0=a;"
			" k*1=b;\n l*1=lost; f=g\n\n",
			"(\"a\" \"b\" (\"c\" \"d\" \"f\" \"g\" \"e*\" \"x\""
			" \"k\" \"ab\" \"l*1\" \"lost\" \"n*\" \"''5%25'%41\")"
			" NIL NIL \"7bit\" 0)" },
		{ "Content-Type: image/p\xe9\n\n", "(\"image\" {2}\r\np\xe9"
			" NIL NIL NIL \"7bit\" 0)" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct arena arena = ARENA_INIT;
		struct buf b = BUF_INIT(10000);
		struct mime_tree tree;

		mime_parse(&arena, slice_str(cases[i].msg), &tree);
		mime_bodystructure(&b, &tree, false);
		CHECK(slice_eq(buf_slice(&b), slice_str(cases[i].want)),
		    "%zu\ngot  %s\nwant %s", i, buf_str(&b), cases[i].want);
		buf_release(&b);
		arena_release(&arena);
	}
}

TEST(sections_resolve_as_in_rfc3501)
{
	static const struct {
		const char *spec;
		const char *want; /* NULL: no such part */
	} cases[] = {
		{ "1", "one\r\ntwo" },
		{ "1.MIME", "Content-Type: text/plain; charset=utf-8\r\n\r\n" },
		{ "2.HEADER", "Subject: inner\r\nFrom: c@d.test\r\n"
			"Content-Type: multipart/alternative; boundary=inner"
			"\r\n\r\n" },
		{ "2.header.fields", "Subject: inner\r\nFrom: c@d.test\r\n"
			"Content-Type: multipart/alternative; boundary=inner"
			"\r\n\r\n" },
		{ "2.MIME", "Content-Type: message/rfc822\r\n"
			"Content-Description: =?utf-8?q?x?=\r\n\r\n" },
		{ "2.1", "plain" }, { "2.1.MIME", "\r\n" },
		{ "2.2", "<b>caf=E9</b>" }, { "3", "AAAA" },
		{ "4", NULL }, { "1.1", NULL }, { "1.HEADER", NULL },
		{ "1.TEXT", NULL }, { "2.3", NULL }, { "2.1.1", NULL },
		{ "4294967295", NULL },
	};
	static const char *const bad[] = { "0", "1.", ".1", "1..2", "MIME",
		"HEADERS", "1.0", "01", "1.HEADER.1", "1 ", "4294967296",
		"99999999999999999999", "HEADER.FIELDS.", "x" };
	struct arena arena = ARENA_INIT;
	struct mime_section s;
	struct mime_tree tree;
	const char *why;

	mime_parse(&arena, slice_str(nested), &tree);
	for (size_t i = 0; i < LEN(cases); i++) {
		int r = mime_find(&tree, slice_str(cases[i].spec), &s, &why);

		CHECK(r == (cases[i].want == NULL), "%s", cases[i].spec);
		if (r != 0)
			continue;
		CHECK_SLICE(slice_of(nested + s.start, s.end - s.start),
		    cases[i].want);
		CHECK(s.size == s.end - s.start);
	}
	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(mime_find(&tree, slice_str(bad[i]), &s, &why) == -1, "%s",
		    bad[i]);
	CHECK(mime_find(&tree, S(""), &s, &why) == 0 && s.start == 0 &&
	    s.end == sizeof(nested) - 1 && s.what == MIME_ALL);
	CHECK(mime_find(&tree, S("TEXT"), &s, &why) == 0 &&
	    s.start == tree.root->body);
	CHECK(mime_find(&tree, S("HEADER.FIELDS.NOT"), &s, &why) == 0 &&
	    s.what == MIME_FIELDS_NOT && s.end == tree.root->body);
	arena_release(&arena);
}

TEST(single_part_and_forwarded_root_have_part_one)
{
	struct slice plain = S("Subject: x\n\nbody\n");
	struct slice fwd = S("Content-Type: message/rfc822\n\nA: b\n\nin\n");
	struct arena arena = ARENA_INIT;
	struct mime_section s;
	struct mime_tree t;

	mime_parse(&arena, plain, &t);
	CHECK(mime_find(&t, S("1"), &s, NULL) == 0 && s.size == 6);
	CHECK_SLICE(slice_of(plain.p + s.start, s.end - s.start), "body\n");
	CHECK(mime_find(&t, S("1.MIME"), &s, NULL) == 0 && s.start == 0);
	CHECK(mime_find(&t, S("2"), &s, NULL) == 1);
	CHECK(mime_find(&t, S("1.1"), &s, NULL) == 1);
	mime_parse(&arena, fwd, &t);
	CHECK(mime_find(&t, S("1.HEADER"), &s, NULL) == 0);
	CHECK_SLICE(slice_of(fwd.p + s.start, s.end - s.start), "A: b\n\n");
	CHECK(mime_find(&t, S("1.1"), &s, NULL) == 0);
	CHECK_SLICE(slice_of(fwd.p + s.start, s.end - s.start), "in\n");
	arena_release(&arena);
}

TEST(envelope_is_that_of_rfc3501)
{
	static const struct {
		const char *msg;
		const char *want;
	} cases[] = {
		/* The example of RFC 3501 section 8 */
		{ "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
			"From: Terry Gray <gray@cac.washington.edu>\r\n"
			"Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
			"To: imap@cac.washington.edu\r\n"
			"cc: minutes@CNRI.Reston.VA.US,\r\n"
			" John Klensin <KLENSIN@MIT.EDU>\r\n"
			"Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n",
			"(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
			"\"IMAP4rev1 WG mtg summary and minutes\" "
			"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
			"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
			"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
			"((NIL NIL \"imap\" \"cac.washington.edu\")) "
			"((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
			"(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) "
			"NIL NIL \"<B27397-0100000@cac.washington.edu>\")" },
		{ "", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
		{ "Subject: a\n b \"q\" \\\nSender: ,\nFrom: x@y.test\n"
			"In-Reply-To: <a>\n <b>\n\n",
			"(NIL \"a b \\\"q\\\" \\\\\""
			" ((NIL NIL \"x\" \"y.test\"))"
			" ((NIL NIL \"x\" \"y.test\"))"
			" ((NIL NIL \"x\" \"y.test\")) NIL NIL NIL"
			" \"<a> <b>\" NIL)" },
		{ "Subject: caf\xe9\nTo: g: a@b.test;\n\n",
			"(NIL {4}\r\ncaf\xe9 NIL NIL NIL"
			" ((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b.test\")"
			"(NIL NIL NIL NIL)) NIL NIL NIL NIL)" },
		{ "Subject:\n\n",
			"(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
		{ "Subject: one\nSubject: two\n\n",
			"(NIL \"one\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
		{ "Subject: a \n\t b\t  c\rd\n\n",
			"(NIL \"a b c d\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
		/* RFC 5322 4.5.3 */
		{ "To: a@b\nCc: x@y\nTo: c@d\n\n",
			"(NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")"
			"(NIL NIL \"c\" \"d\")) ((NIL NIL \"x\" \"y\"))"
			" NIL NIL NIL)" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf b = BUF_INIT(10000);

		mime_envelope(&b, slice_str(cases[i].msg));
		CHECK(slice_eq(buf_slice(&b), slice_str(cases[i].want)),
		    "%zu\ngot  %s\nwant %s", i, buf_str(&b), cases[i].want);
		buf_release(&b);
	}
	{
		struct buf b = BUF_INIT(100);

		mime_imap_string(&b, slice_of("a\0b\x01", 4));
		CHECK_SLICE(buf_slice(&b), "{4}\r\na?b\x01");
		buf_release(&b);
	}
}

TEST(text_is_decoded_to_utf8)
{
	struct slice msg = S("Content-Type: text/plain; charset=iso-8859-1\n"
	    "Content-Transfer-Encoding: quoted-printable\n\ncaf=E9=\n!\n");
	struct arena arena = ARENA_INIT;
	struct buf b = BUF_INIT(100), small = BUF_INIT(3);
	struct mime_tree t;

	mime_parse(&arena, msg, &t);
	mime_text(&b, &t, t.root);
	CHECK_SLICE(buf_slice(&b), "caf\xc3\xa9!\n");
	mime_parse(&arena, S("\n\xe9\xc3\xa9"), &t);
	buf_clear(&b);
	mime_text(&b, &t, t.root);
	CHECK_SLICE(buf_slice(&b), "\xc3\xa9\xc3\xa9");
	mime_text(&small, &t, t.root);
	CHECK(small.failed && small.n <= 3);
	buf_release(&b);
	buf_release(&small);
	arena_release(&arena);
}

static void
parse_all(struct slice msg, const char *what, bool truncated)
{
	struct arena arena = ARENA_INIT;
	struct buf b = BUF_INIT(64 << 20);
	uint64_t begin = now_mono_ms();
	struct mime_tree t;

	mime_parse(&arena, msg, &t);
	mime_bodystructure(&b, &t, true);
	mime_envelope(&b, msg);
	CHECK(buf_ok(&b), "%s", what);
	CHECK(t.parts <= 1100, "%s %zu", what, t.parts);
	CHECK(t.truncated == truncated, "%s", what);
	CHECK(now_mono_ms() - begin < 5000, "%s took too long", what);
	buf_release(&b);
	arena_release(&arena);
}

TEST(hostile_messages_cost_linear_time_and_meet_the_caps)
{
	struct buf m = BUF_INIT(64 << 20);

	for (int i = 0; i < 2000; i++)
		buf_addf(&m, "Content-Type: multipart/mixed; boundary=b%d\n\n"
		    "--b%d\n", i, i);
	parse_all(buf_slice(&m), "nested multiparts", true);
	buf_clear(&m);
	for (int i = 0; i < 20000; i++)
		buf_adds(&m, "Content-Type: message/rfc822\n\n");
	parse_all(buf_slice(&m), "nested messages", true);
	buf_clear(&m);
	buf_adds(&m, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i < 1000000; i++)
		buf_adds(&m, "--b\n\n");
	parse_all(buf_slice(&m), "a million parts", true);
	buf_clear(&m);
	for (int i = 0; i < 45; i++)
		buf_addf(&m, "Content-Type: multipart/mixed; boundary="
		    "%0200d%d\n\n--%0200d%d\n", 0, i, 0, i);
	buf_adds(&m, "\n");
	for (int i = 0; i < 40000; i++)
		buf_addf(&m, "--%0200dx\n", 0);
	parse_all(buf_slice(&m), "boundaries that nearly match", false);
	buf_clear(&m);
	buf_adds(&m, "To: ");
	for (int i = 0; i < 250000; i++)
		buf_adds(&m, "a@b,");
	parse_all(buf_slice(&m), "a megabyte of recipients", false);
	buf_clear(&m);
	buf_adds(&m, "Content-Type: text/plain; a=\"");
	for (int i = 0; i < 500000; i++)
		buf_adds(&m, "\\\"");
	parse_all(buf_slice(&m), "an unended quoted string", false);
	buf_clear(&m);
	buf_adds(&m, "Content-Type: text/plain");
	for (int i = 0; i < 250000; i++)
		buf_adds(&m, "; a=b");
	parse_all(buf_slice(&m), "many parameters", false);
	buf_clear(&m);
	for (int i = 0; i < 1000000; i++)
		buf_addc(&m, "\n-\r("[i % 4]);
	parse_all(buf_slice(&m), "line end soup", false);
	buf_release(&m);
}

TESTS(T(body_structure_is_that_of_rfc3501),
    T(plain_body_has_no_extension_data), T(sections_resolve_as_in_rfc3501),
    T(single_part_and_forwarded_root_have_part_one),
    T(envelope_is_that_of_rfc3501), T(text_is_decoded_to_utf8),
    T(hostile_messages_cost_linear_time_and_meet_the_caps))
