#include "check.h"

#include "mail/charset.h"
#include "mail/encode.h"
#include "mail/fold.h"
#include "mail/word.h"

TEST(bodies_decode_whole_and_byte_by_byte)
{
	static const struct {
		enum encoding encoding;
		const char *in;
		const char *want;
	} cases[] = {
		{ ENCODING_QP, "caf=C3=A9", "caf\xc3\xa9" },
		{ ENCODING_QP, "caf=c3=a9=\r\n!", "caf\xc3\xa9!" },
		{ ENCODING_QP, "a= \t\nb", "ab" },
		{ ENCODING_QP, "a  \t\r\nb \nc ", "a\r\nb\nc" },
		{ ENCODING_QP, "a b\tc\rd", "a b\tc\rd" },
		{ ENCODING_QP, "a=zb=4", "a=zb=4" },
		{ ENCODING_QP, "a==41=", "a=A" },
		{ ENCODING_QP, "= x", "= x" },
		{ ENCODING_BASE64, "SGVs\r\nbG8=", "Hello" },
		{ ENCODING_BASE64, "SGVsbG8", "Hello" },
		{ ENCODING_BASE64, "S*G-V s=bG8=", "Hello" },
		{ ENCODING_BASE64, "SGk=SGk=", "HiHi" },
		{ ENCODING_BASE64, "", "" },
		{ ENCODING_BASE64, "S", "" },
		{ ENCODING_7BIT, "=41", "=41" },
		{ ENCODING_UNKNOWN, "begin 644", "begin 644" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		struct buf b = BUF_INIT(100);
		struct decoder d;

		decode_body(&b, cases[i].encoding, in);
		CHECK(slice_eq(buf_slice(&b), slice_str(cases[i].want)),
		    "%s got %s", cases[i].in, buf_str(&b));
		buf_clear(&b);
		decoder_init(&d, cases[i].encoding);
		for (size_t k = 0; k < in.n; k++)
			decoder_feed(&d, slice_of(in.p + k, 1), &b);
		decoder_end(&d, &b);
		CHECK_SLICE(buf_slice(&b), cases[i].want);
		buf_release(&b);
	}
	CHECK(encoding_parse(S(" Base64 ")) == ENCODING_BASE64);
	CHECK(encoding_parse(S("x-uuencode")) == ENCODING_UNKNOWN);
}

TEST(qp_round_trips_with_short_lines)
{
	struct buf text = BUF_INIT(10000), qp = BUF_INIT(40000);
	struct buf back = BUF_INIT(10000);
	struct slice rest, line;

	for (int i = 0; i < 500; i++)
		buf_addf(&text, "%.*s \xc3\xa9=%s", i % 7, "wwwwwww",
		    i % 50 == 0 ? " \r\n" : "");
	encode_qp(&qp, buf_slice(&text));
	rest = buf_slice(&qp);
	while (slice_line(&rest, &line)) {
		CHECK(line.n <= 76, "%zu", line.n);
		CHECK(line.n == 0 || line.p[line.n - 1] != ' ');
	}
	decode_body(&back, ENCODING_QP, buf_slice(&qp));
	CHECK(slice_eq(buf_slice(&back), buf_slice(&text)));
	buf_clear(&qp);
	encode_base64_lines(&qp, buf_slice(&text));
	rest = buf_slice(&qp);
	while (slice_line(&rest, &line))
		CHECK(line.n <= 76, "%zu", line.n);
	buf_clear(&back);
	decode_body(&back, ENCODING_BASE64, buf_slice(&qp));
	CHECK(slice_eq(buf_slice(&back), buf_slice(&text)));
	buf_release(&text);
	buf_release(&qp);
	buf_release(&back);
}

TEST(encoded_words_become_utf8)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {
		{ "plain text", "plain text" },
		/* RFC 2047 section 8 */
		{ "=?ISO-8859-1?Q?a?=", "a" },
		{ "=?ISO-8859-1?Q?a?= b", "a b" },
		{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
		{ "=?ISO-8859-1?Q?a?=\r\n  =?ISO-8859-1?Q?b?=", "ab" },
		{ "=?ISO-8859-1?Q?a_b?=", "a b" },
		{ "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b" },
		{ "=?US-ASCII?Q?Keith_Moore?= <m@x>", "Keith Moore <m@x>" },
		{ "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=",
			"Keld J\xc3\xb8rn Simonsen" },
		{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n"
			" =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
			"If you can read this you understand the example." },
		{ "=?us-ascii*en?q?hi?=", "hi" },
		/* a character cut between two words */
		{ "=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\xc3\xa9" },
		{ "=?utf-8?b?w6k=?=", "\xc3\xa9" },
		{ "=?windows-1252?q?=80?=", "\xe2\x82\xac" },
		{ "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=",
			"\xe6\x97\xa5\xe6\x9c\xac" },
		{ "=?x-none?q?=E9?=", "\xc3\xa9" },
		{ "=?utf-8?q?=FF?=", "\xef\xbf\xbd" },
		{ "=?utf-8?q?a=0D=0Ab=00?=", "a  b " },
		{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
		{ "=?utf-8?q?a", "=?utf-8?q?a" },
		{ "=??q?a?=", "=??q?a?=" },
		{ "raw \xe9 latin", "raw \xef\xbf\xbd latin" },
		{ "a\r\n b", "a b" },
		{ "=?utf-8?q?a b?= c", "a b c" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf b = BUF_INIT(200);

		word_decode(&b, slice_str(cases[i].in));
		CHECK(slice_eq(buf_slice(&b), slice_str(cases[i].want)),
		    "%s got %s", cases[i].in, buf_str(&b));
		buf_release(&b);
	}
}

TEST(words_round_trip_in_short_lines)
{
	static const char text[] = "Gr\xc3\xbc\xc3\x9f" "e aus M\xc3\xbcnchen, "
	    "und noch viel mehr: \xf0\x9f\x93\xae\xf0\x9f\x93\xae =?x?q?y?= "
	    "und so weiter und so fort, \xe2\x82\xac 100, bis zum Ende";
	struct buf b = BUF_INIT(1000), back = BUF_INIT(1000);
	struct slice rest, line;

	word_encode(&b, slice_str(text));
	CHECK(slice_is_ascii(buf_slice(&b)));
	rest = buf_slice(&b);
	while (slice_line(&rest, &line))
		CHECK(line.n <= 76, "%zu", line.n);
	word_decode(&back, buf_slice(&b));
	CHECK_SLICE(buf_slice(&back), text);
	buf_clear(&b);
	word_encode(&b, S("plain (ok)"));
	CHECK_SLICE(buf_slice(&b), "plain (ok)");
	buf_release(&b);
	buf_release(&back);
}

TEST(extended_parameters_are_joined)
{
	/* RFC 2231 sections 3 and 4 */
	static const struct word_param params[] = {
		{ S("URL*0"), S("ftp://") }, { S("URL*1"), S("cs.utk.edu/x") },
		{ S("title*"), S("us-ascii'en-us'This%20is%20%2A%2A%2Afun") },
		{ S("long*0*"), S("iso-8859-1'en'This%20is%20%E9") },
		{ S("long*2"), S("isn't it!") }, { S("long*1*"), S("%20fun ") },
		{ S("plain"), S("=?utf-8?q?=C3=A9?=") },
		{ S("both"), S("fallback") }, { S("both*"), S("utf-8''%C3%A9") },
	};
	static const struct {
		const char *name;
		const char *want;
	} cases[] = {
		{ "url", "ftp://cs.utk.edu/x" },
		{ "title", "This is ***fun" },
		{ "long", "This is \xc3\xa9 fun isn't it!" },
		{ "plain", "\xc3\xa9" },
		{ "both", "\xc3\xa9" },
	};
	struct buf b = BUF_INIT(200);

	for (size_t i = 0; i < LEN(cases); i++) {
		buf_clear(&b);
		CHECK(word_param(&b, params, LEN(params),
		    slice_str(cases[i].name)));
		CHECK_SLICE(buf_slice(&b), cases[i].want);
	}
	CHECK(!word_param(&b, params, LEN(params), S("tit")));
	CHECK(!word_param(&b, params, 0, S("url")));
	buf_release(&b);
}

TEST(charsets_become_utf8_in_any_cut)
{
	static const struct {
		const char *name;
		const char *in;
		const char *want;
		int known;
	} cases[] = {
		{ "utf-8", "\xe2\x82\xac", "\xe2\x82\xac", 0 },
		{ "UTF-8", "\xe2\x82x", "\xef\xbf\xbd\xef\xbf\xbdx", 0 },
		{ "ISO-8859-1", "\xe9\x93", "\xc3\xa9\xe2\x80\x9c", 0 },
		{ "iso-8859-15", "\xa4", "\xe2\x82\xac", 0 },
		{ "iso-8859-2", "\xb1", "\xc4\x85", 0 },
		{ "koi8-r", "\xc1", "\xd0\xb0", 0 },
		{ "gb2312", "\xc4\xe3", "\xe4\xbd\xa0", 0 },
		/* beyond the set's name: GBK, CP932, UHC */
		{ "gb2312", "\x81\x40", "\xe4\xb8\x82", 0 },
		{ "x-sjis", "\x87\x40", "\xe2\x91\xa0", 0 },
		{ "ks_c_5601-1987", "\x81\x41", "\xea\xb0\x82", 0 },
		{ "ISO-8859-8-I", "\xe0", "\xd7\x90", 0 },
		{ "shift_jis", "\x93\xfa", "\xe6\x97\xa5", 0 },
		{ "euc-kr", "\xb0\xa1\xff", "\xea\xb0\x80\xef\xbf\xbd", 0 },
		{ "x-klingon", "\xc3\xa9\xe9", "\xc3\xa9\xc3\xa9", -1 },
		{ "utf-8//TRANSLIT", "a", "a", -1 },
		{ "../../etc/passwd", "a", "a", -1 },
		{ "", "a\xff", "a\xef\xbf\xbd", 0 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		struct slice name = slice_str(cases[i].name);
		struct buf b = BUF_INIT(100);
		struct charset *c;

		CHECK(charset_to_utf8(&b, name, in) == cases[i].known, "%s",
		    cases[i].name);
		CHECK_SLICE(buf_slice(&b), cases[i].want);
		CHECK(charset_known(name) == (cases[i].known == 0));
		buf_clear(&b);
		c = charset_open(name);
		for (size_t k = 0; k < in.n; k++)
			charset_feed(c, slice_of(in.p + k, 1), &b);
		charset_end(c, &b);
		charset_close(c);
		CHECK_SLICE(buf_slice(&b), cases[i].want);
		buf_release(&b);
	}
}

TEST(folding_is_unicode_casemap)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {
		{ "Hello", "HELLO" },
		/* decomposed: a, o, u with diaeresis; the times sign */
		{ "\xc3\xa4\xc3\x96\xc3\xbc\xc3\x97",
		    "A\xcc\x88O\xcc\x88U\xcc\x88\xc3\x97" },
		{ "\xc5\x82\xc3\xb3", "\xc5\x81O\xcc\x81" },
		{ "\xce\xb1\xcf\x89\xcf\x82", "\xce\x91\xce\xa9\xce\xa3" },
		{ "\xd0\xbf\xd1\x80\xd1\x91",
		    "\xd0\x9f\xd0\xa0\xd0\x95\xcc\x88" },
		/* the RFC's example: DZ with caron has a titlecase */
		{ "\xc7\x84", "Dz\xcc\x8c" },
		/* compatibility: ligature fi, circled 1, fullwidth a */
		{ "\xef\xac\x81\xe2\x91\xa0\xef\xbd\x81", "fi1A" },
		/* no simple titlecase: sharp s */
		{ "\xc3\x9f", "\xc3\x9f" },
		/* every second one: a with macron and breve, both cases */
		{ "\xc4\x81\xc4\x82", "A\xcc\x84" "A\xcc\x86" },
		/* Hangul: gag, ga */
		{ "\xea\xb0\x81\xea\xb0\x80", "\xe1\x84\x80\xe1\x85\xa1\xe1"
		    "\x86\xa8\xe1\x84\x80\xe1\x85\xa1" },
		/* Deseret, four bytes */
		{ "\xf0\x90\x90\xa8", "\xf0\x90\x90\x80" },
		{ "a\xff" "B", "A\xef\xbf\xbd" "B" },
	};
	struct buf b = BUF_INIT(200);

	for (size_t i = 0; i < LEN(cases); i++) {
		buf_clear(&b);
		text_fold(&b, slice_str(cases[i].in));
		CHECK_SLICE(buf_slice(&b), cases[i].want);
	}
	buf_clear(&b);
	text_fold_blanks(&b, S("A\r\n\t B"));
	CHECK_SLICE(buf_slice(&b), "A B");
	CHECK(text_contains(S("abc"), S("bc")) && text_contains(S(""), S("")));
	CHECK(!text_contains(S("abc"), S("bd")));
	buf_release(&b);
}

/* Words of eight octets are folded like single ones, wherever they end. */
TEST(folding_is_the_same_at_every_octet)
{
	struct buf text = BUF_INIT(1000), want = BUF_INIT(1000);
	struct buf got = BUF_INIT(1000);

	for (size_t at = 0; at < 300; at++) {
		buf_clear(&text);
		buf_clear(&want);
		buf_clear(&got);
		for (size_t i = 0; i < 300; i++) {
			char c = (char)(i * 7 % 128);

			buf_adds(&text, i == at ? "\xc3\xa4" : "");
			buf_adds(&want, i == at ? "A\xcc\x88" : "");
			buf_addc(&text, c);
			buf_addc(&want, ascii_upper(c));
		}
		text_fold(&got, buf_slice(&text));
		CHECK(slice_eq(buf_slice(&got), buf_slice(&want)), "%zu", at);
	}
	buf_clear(&got);
	text_fold_lines(&got, S("a\nb\r\nc\rd\r\n"));
	text_fold_lines(&got, S("a\nb"));
	CHECK_SLICE(buf_slice(&got), "A\nB\nC\rD\nA\nB");
	buf_release(&text);
	buf_release(&want);
	buf_release(&got);
}

TEST(hostile_words_cost_linear_time)
{
	static const char *const units[] = { "=?", "=?a?q?", "=", "=?a?q?" "?= ",
		"?=", "=?a?b?=" };
	size_t n = 1 << 20;
	char *p = mem_alloc(n + 16);

	for (size_t u = 0; u < LEN(units); u++) {
		size_t len = strlen(units[u]);
		struct buf b = BUF_INIT(4 << 20);

		for (size_t i = 0; i < n; i += len)
			memcpy(p + i, units[u], len);
		word_decode(&b, slice_of(p, n));
		CHECK(buf_ok(&b));
		buf_release(&b);
	}
	mem_free(p);
}

TESTS(T(bodies_decode_whole_and_byte_by_byte),
    T(qp_round_trips_with_short_lines), T(encoded_words_become_utf8),
    T(words_round_trip_in_short_lines), T(extended_parameters_are_joined),
    T(charsets_become_utf8_in_any_cut), T(folding_is_unicode_casemap),
    T(folding_is_the_same_at_every_octet),
    T(hostile_words_cost_linear_time))
