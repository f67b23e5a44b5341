#include "check.h"

#include "mail/address_list.h"

/* One list as text: name|route|mailbox|host per entry, "~" for NIL. */
static void
show(struct buf *out, const struct address_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct address *a = &list->v[i];
		const struct slice parts[] = { a->name, a->route, a->mailbox,
			a->host };

		for (size_t k = 0; k < LEN(parts); k++) {
			if (k > 0)
				buf_addc(out, '|');
			if (parts[k].p == NULL)
				buf_addc(out, '~');
			else
				buf_add_slice(out, parts[k]);
		}
		buf_addc(out, '\n');
	}
}

TEST(lists_are_split_as_envelope_needs_them)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {
		{ "", "" },
		{ " , ,", "" },
		{ "a@b.test", "~|~|a|b.test\n" },
		{ "<a@b.test>", "~|~|a|b.test\n" },
		{ "Terry Gray <gray@cac.test>",
			"Terry Gray|~|gray|cac.test\n" },
		{ "\"Joe Q. Public\" <john.q.public@example.com>",
			"Joe Q. Public|~|john.q.public|example.com\n" },
		{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
			"Mary Smith|~|mary|x.test\n~|~|jdoe|example.org\n"
			"Who?|~|one|y.test\n" },
		{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <s@e.net>",
			"~|~|boss|nil.test\nGiant; \"Big\" Box|~|s|e.net\n" },
		/* RFC 5322 A.1.3 */
		{ "A Group:Ed Jones <c@a.test>,joe@where.test,John "
			"<jdoe@one.test>;",
			"~|~|A Group|~\nEd Jones|~|c|a.test\n"
			"~|~|joe|where.test\nJohn|~|jdoe|one.test\n~|~|~|~\n" },
		{ "Undisclosed recipients:;",
			"~|~|Undisclosed recipients|~\n~|~|~|~\n" },
		{ "g: a@b.test", "~|~|g|~\n~|~|a|b.test\n~|~|~|~\n" },
		{ "g:;, x@y.test", "~|~|g|~\n~|~|~|~\n~|~|x|y.test\n" },
		/* RFC 5322 A.5 */
		{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his "
			"host)>", "Pete|~|pete|silly.test\n" },
		/* RFC 5322 A.6.1 */
		{ "Joe Q. Public <john.q.public@example.com>",
			"Joe Q. Public|~|john.q.public|example.com\n" },
		{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test   . "
			"example",
			"Mary Smith|@node.test|mary|example.net\n"
			"~|~|jdoe|test.example\n" },
		{ "<@a.test,@b.test:c@d.test>",
			"~|@a.test,@b.test|c|d.test\n" },
		{ "user@host.test (Full Name)", "Full Name|~|user|host.test\n" },
		{ "(c1) user@host.test (a (nested) b)",
			"a (nested) b|~|user|host.test\n" },
		{ "=?utf-8?q?J=C3=B6?= <j@k.test>",
			"=?utf-8?q?J=C3=B6?=|~|j|k.test\n" },
		{ "\"a b\"@c.test", "~|~|a b|c.test\n" },
		{ "a@[192.0.2.1]", "~|~|a|[192.0.2.1]\n" },
		{ "root", "~|~|root|\n" },
		{ "a b c", "a b c|~||\n" },
		{ "Undisclosed recipients, (c) x@y", "Undisclosed recipients|~||"
			"\n~|~|x|y\n" },
		{ "(in front) a@b, a(x)@b, <a@b> (behind)",
			"~|~|a|b\nx|~|a|b\n~|~|a|b\n" },
		{ "\"\" <a@b>", "~|~|a|b\n" },
		/* no address is made up of words that are none */
		{ "John Doe jdoe@x.test, <a b@c>, a . b . c @d, Jim x.y@z",
			"John Doe|~|jdoe|x.test\n~|~|b|c\n~|~|a.b.c|d\n"
			"Jim|~|x.y|z\n" },
		{ "Name <>", "Name|~||\n" },
		{ "a@b@c, d@e", "~|~|a|b\n~|~|d|e\n" },
		{ "a <b@c", "a|~|b|c\n" },
		{ "\"open <a@b>", "~|~|open <a@b>|\n" },
		{ "(open a@b", "" },
		{ "a\r\n <b@c.test>,\n\td@e.test",
			"a|~|b|c.test\n~|~|d|e.test\n" },
		{ "\"\" <a@b.test>", "~|~|a|b.test\n" },
		{ ">>>>, ;;;: , a@b.test", "~|~|a|b.test\n" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct arena arena = ARENA_INIT;
		struct buf b = BUF_INIT(1000);
		struct address_list list;

		address_list_parse(&arena, slice_str(cases[i].in), &list);
		show(&b, &list);
		CHECK(slice_eq(buf_slice(&b), slice_str(cases[i].want)),
		    "%s\ngot:\n%s", cases[i].in, buf_str(&b));
		buf_release(&b);
		arena_release(&arena);
	}
}

TEST(hostile_lists_stay_within_the_cap)
{
	static const char *const units[] = { "a@b,", "(", "\"", "<", "<@", ":",
		"g:;", "((()", "\\", "a<", ".", "<a@b>,", "@", ";" };
	size_t n = 1 << 20;
	char *p = mem_alloc(n + 8);

	for (size_t u = 0; u < LEN(units); u++) {
		size_t len = strlen(units[u]);
		struct arena arena = ARENA_INIT;
		struct address_list list;

		for (size_t i = 0; i < n; i += len)
			memcpy(p + i, units[u], len);
		address_list_parse(&arena, slice_of(p, n), &list);
		CHECK(list.n <= 2000, "%s", units[u]);
		arena_release(&arena);
	}
	mem_free(p);
}

TEST(formatting_quotes_what_needs_it)
{
	struct address a = { .mailbox = S("a b\""), .host = S("c.test") };
	struct buf b = BUF_INIT(100);

	address_format(&b, &a);
	CHECK_SLICE(buf_slice(&b), "\"a b\\\"\"@c.test");
	buf_release(&b);
}

TESTS(T(lists_are_split_as_envelope_needs_them),
    T(hostile_lists_stay_within_the_cap), T(formatting_quotes_what_needs_it))
