/* Base subjects (RFC 5256 2.1) and message ids. */
#include "check.h"
#include "core/limits.h"
#include "mail/msgid.h"
#include "mail/subject.h"

TEST(base_subjects_are_found)
{
	static const struct {
		const char *in;
		const char *want;
		bool reply;
	} cases[] = {
		/* nothing to remove */
		{ "", "", false },
		{ "hello", "hello", false },
		{ "region: x", "region: x", false },
		{ "re", "re", false },
		{ "a re: b", "a re: b", false },
		/* step 1 */
		{ "=?utf-8?q?Re=3A_w=C3=B6rld?=", "w\xc3\xb6rld", true },
		{ " a\t b\r\n  c ", "a b c", false },
		{ "=?utf-8?b?YQ==?= =?utf-8?b?Yg==?=", "ab", false },
		/* step 2 */
		{ "a (fwd)", "a", true },
		{ "a (FWD) (fwd)(fwd) ", "a", true },
		{ "(fwd)", "", true },
		{ "(fwd) a", "(fwd) a", false },
		{ "a (fwd", "a (fwd", false },
		/* step 3 */
		{ "Re: a", "a", true },
		{ "RE:a", "a", true },
		{ "fw: a", "a", true },
		{ "Fwd : a", "a", true },
		{ "re [2]: a", "a", true },
		{ "Re[2] : a", "a", true },
		{ "re[2]x: a", "re[2]x: a", false },
		{ "[list] re: a", "a", true },
		{ "[a] [b]fwd: a", "a", true },
		{ "re: fw: Fwd:  a", "a", true },
		{ "re:", "", true },
		/* step 4 */
		{ "[list] a", "a", false },
		{ "[a][b] c", "c", false },
		{ "[a]", "[a]", false },
		{ "[a] [b]", "[b]", false },
		{ "[a", "[a", false },
		{ "[a[b] c", "[a[b] c", false },
		{ "a [b]", "a [b]", false },
		/* step 5 */
		{ "[x] re: [y] re: [z] a", "a", true },
		{ "re: [y] a", "a", true },
		{ "re: [y]", "[y]", true },
		/* step 6 */
		{ "[fwd: a]", "a", true },
		{ "[Fwd: Re: [Fwd: a (fwd)] ]", "a", true },
		{ "re: [fwd: [list] a] (fwd)", "a", true },
		{ "[fwd:]", "", true },
		{ "[fwd: a", "[fwd: a", false },
		{ "[fwd: a] b", "b", false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf got = BUF_INIT(1000);
		bool reply = !cases[i].reply;

		subject_base(&got, slice_str(cases[i].in), &reply);
		CHECK(slice_eq(buf_slice(&got), slice_str(cases[i].want)),
		    "%s gives \"%s\"", cases[i].in, buf_str(&got));
		CHECK(reply == cases[i].reply, "%s", cases[i].in);
		buf_release(&got);
	}
}

TEST(hostile_subjects_cost_linear_time)
{
	static const char *const parts[] = { "[a]", "re:", "[", "[fwd:",
		"(fwd)", "re[", " ", "[fwd: ]", "re [a]" };

	for (size_t i = 0; i < LEN(parts); i++) {
		struct buf in = BUF_INIT(LIMIT_HEADER_BYTES);
		struct buf out = BUF_INIT(LIMIT_HEADER_BYTES * 4);

		while (in.n < LIMIT_HEADER_BYTES - 10)
			buf_adds(&in, parts[i]);
		subject_base(&out, buf_slice(&in), NULL);
		CHECK(buf_ok(&out), "%s", parts[i]);
		buf_release(&in);
		buf_release(&out);
	}
}

TEST(message_ids_are_read_in_one_form)
{
	static const struct {
		const char *in;
		const char *want; /* all of them, a space behind each */
	} cases[] = {
		{ "", "" },
		{ "<a@b>", "a@b " },
		{ "<a@b> <c@d>\r\n\t<e@f>", "a@b c@d e@f " },
		{ "<a@b><c@d>", "a@b c@d " },
		{ "Your message of \"today\" <a@b>", "a@b " },
		{ "a@b", "" },
		{ "<a>", "" },
		{ "<@b> <a@>", "" },
		{ "<\"a b\"@c>", "a b@c " },
		{ "<\"a\\\"\\>b\"@c>", "a\">b@c " },
		{ "<\"01KF\"@x.com> <01KF@x.com>", "01KF@x.com 01KF@x.com " },
		{ "< a@ b\r\n .c>", "a@b.c " },
		{ "<a(x(y)\\)z)@b(>)>", "a@b " },
		{ "<a@[1.2.3.4]>", "a@[1.2.3.4] " },
		{ "<A@B>", "A@B " },
		{ "<a <b@c>", "b@c " },
		{ "<a@b", "" },
		{ "<\"a@b> <c@d>", "" },
		{ "<a(b@c> <d@e>", "" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		struct buf all = BUF_INIT(1000), id = BUF_INIT(1000);

		while (msgid_next(&in, &id)) {
			buf_add_slice(&all, buf_slice(&id));
			buf_addc(&all, ' ');
		}
		CHECK(slice_eq(buf_slice(&all), slice_str(cases[i].want)),
		    "%s gives \"%s\"", cases[i].in, buf_str(&all));
		buf_release(&all);
		buf_release(&id);
	}
}

TESTS(T(base_subjects_are_found), T(hostile_subjects_cost_linear_time),
    T(message_ids_are_read_in_one_form))
