#include "check.h"

#include "mail/html.h"
#include "mail/preview.h"

TEST(html_becomes_text)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "", "" },
		{ "a<b>b</b>c", "abc" },
		{ "<p>one</p>two<br>three", "\none\ntwo\nthree" },
		{ "a&amp;b&lt;c&gt;&quot;&#39;", "a&b<c>\"'" },
		{ "&eacute;&Eacute;&nbsp;&euro;", "\xc3\xa9\xc3\x89\xc2\xa0"
		    "\xe2\x82\xac" },
		{ "&#233;&#xE9;&#XE9&#8364;", "\xc3\xa9\xc3\xa9\xc3\xa9"
		    "\xe2\x82\xac" },
		{ "&#150;&#0;&#xd800;&#99999999999999999999;",
		    "\xe2\x80\x93\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "AT&T &; &#; &#x; &nonesuch; &amp", "AT&T &; &#; &#x; "
		    "&nonesuch; &" },
		{ "a<!-- <b> -- x -->b<!doctype html>c<?php x ?>d", "abcd" },
		{ "a<!-- never ended", "a" },
		{ "<style>p { a: b }</style>x<SCRIPT>if (a<b) '</p>'</Script >y",
		    "\nx\ny" },
		{ "<head><title>t</title></head>body", "\nbody" },
		{ "<script>never ended", "\n" },
		{ "1 < 2 <3 a<b", "1 < 2 <3 a" },
		{ "<a title=\"x>y\" href='>'>z</a>", "z" },
		{ "<a title=\"x>y</a>z", "y" "z" },
		{ "</div>x</ p>", "\nx</ p>" },
		{ "<", "<" },
		{ "</", "</" },
		{ "&", "&" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf out = BUF_INIT(1000);

		html_text(&out, slice_str(cases[i].in));
		CHECK(slice_eq(buf_slice(&out), slice_str(cases[i].want)),
		    "%s: got %s", cases[i].in, buf_str(&out));
		buf_release(&out);
	}
}

#define HTML "Content-Type: text/html; charset=utf-8\n\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"

TEST(the_first_words_are_found)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {
		{ "Subject: x\n\n  Hello,\n\n\tworld! \n", "Hello, world!" },
		{ "Subject: x\n\n", "" },
		{ "", "" },
		{ HTML "<style>x</style><p>One &amp;\xc2\xa0two</p><p>three",
		    "One & two three" },
		{ HTML "<div>\xe2\x80\x8b\xcd\x8f \xe2\x80\x8c</div>", "" },
		{ "Content-Type: text/plain; charset=iso-8859-1\n"
		    "Content-Transfer-Encoding: quoted-printable\n\ncaf=E9=\n!",
		    "caf\xc3\xa9!" },
		{ "Content-Type: application/pdf\n\nx", "" },
		{ MIXED "--b\nContent-Disposition: attachment\n\nfile\n--b\n"
		    HTML "<b>text</b>\n--b--\n", "text" },
		/* An empty alternative is no text. */
		{ MIXED "--b\n\n \n--b\n" HTML "shown\n--b--\n", "shown" },
		{ MIXED "--b\nContent-Type: text/calendar\n\nBEGIN\n--b\n\n"
		    "meet\n--b--\n", "meet" },
		{ MIXED "--b\nContent-Type: message/rfc822\n\nSubject: y\n\n"
		    "inner\n--b--\n", "inner" },
		{ "\n\001\002bell\x07s\x7f\n", "bell s" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf out = BUF_INIT(PREVIEW_BYTES);

		mime_preview(&out, slice_str(cases[i].in));
		CHECK(slice_eq(buf_slice(&out), slice_str(cases[i].want)),
		    "%s: got %s", cases[i].in, buf_str(&out));
		buf_release(&out);
	}
}

TEST(two_hundred_characters_are_the_most)
{
	struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(PREVIEW_BYTES);

	buf_adds(&in, "Content-Type: text/plain; charset=utf-8\n\n");
	for (int i = 0; i < 1000; i++)
		buf_adds(&in, "\xf0\x9f\x98\x80");
	mime_preview(&out, buf_slice(&in));
	CHECK(out.n == PREVIEW_BYTES && buf_ok(&out), "%zu", out.n);
	CHECK(slice_is_utf8(buf_slice(&out)), "cut in a character");
	/* No blank at the end, wherever the words end. */
	for (int n = 1; n < 20; n++) {
		buf_clear(&in);
		buf_clear(&out);
		buf_adds(&in, "\n");
		for (int i = 0; i < 300; i++)
			buf_addf(&in, "%.*s ", n, "wwwwwwwwwwwwwwwwwwww");
		mime_preview(&out, buf_slice(&in));
		CHECK(out.n <= PREVIEW_CHARS, "%zu", out.n);
		CHECK(out.n > PREVIEW_CHARS - 3 && out.p[out.n - 1] == 'w',
		    "%d: %s", n, buf_str(&out));
	}
	buf_release(&in);
	buf_release(&out);
}

TESTS(T(html_becomes_text), T(the_first_words_are_found),
    T(two_hundred_characters_are_the_most))
