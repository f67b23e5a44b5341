// part: services/imap
/* The sources of ESEARCH (RFC 7377 2.2). */
#include "check.h"
#include "services/imap/mailbox_filter.h"

static struct arena arena;

TEST(filters_say_which_mailboxes)
{
	static const struct store_list_entry entries[] = {
		{ "INBOX", NULL, 0 },
		{ "a", NULL, STORE_SUBSCRIBED },
		{ "a.b", NULL, 0 },
		{ "a.b.c", NULL, STORE_SUBSCRIBED },
		{ "ab", NULL, 0 },
		{ "parent", NULL, STORE_NOSELECT | STORE_SUBSCRIBED },
	};
	static const struct {
		const char *text;
		const char *want; /* one letter for each entry */
	} cases[] = {
		{ "personal", "yyyyyn" },
		{ "INBOXES", "ynnnnn" },
		{ "subscribed", "nynynn" },
		{ "selected", "nnnnnn" },
		{ "subtree a", "nyyynn" },
		{ "subtree-one a", "nyynnn" },
		{ "subtree-one (a.b ab)", "nnyyyn" },
		{ "subtree (inbox a.b.c)", "ynnynn" },
		{ "mailboxes (inbox parent A)", "ynnnnn" },
		{ "mailboxes a mailboxes {2}\r\nab", "nynnyn" },
		{ "selected inboxes subtree a.b.c", "ynnynn" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct parser p = parser_of(slice_str(cases[i].text), &arena);
		struct mailbox_filter *list;

		CHECK(mailbox_filters_parse(&p, &list) == 0 &&
		    parse_end(&p) == 0, "%s: %s", cases[i].text, p.why);
		for (size_t k = 0; k < LEN(entries); k++)
			CHECK(mailbox_filters_have(list, &entries[k]) ==
			    (cases[i].want[k] == 'y'), "%s: %s",
			    cases[i].text, entries[k].name);
		CHECK(mailbox_filters_name(list, FILTER_SELECTED) ==
		    slice_starts(slice_str(cases[i].text), S("selected")));
	}
}

TEST(options_are_left_to_the_caller)
{
	struct parser p = parser_of(S("personal (x)"), &arena);
	struct mailbox_filter *list;

	CHECK(mailbox_filters_parse(&p, &list) == 0);
	CHECK_SLICE(slice_from(p.in, p.at), " (x)");
}

TEST(malformed_filters_are_refused)
{
	static const char *const bad[] = { "", "x", "mailboxes", "mailboxes ",
		"mailboxes ()", "mailboxes (a", "mailboxes (a )", "subtree",
		"personal x", "selected-delayed", "subtree-two a" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct parser p = parser_of(slice_str(bad[i]), &arena);
		struct mailbox_filter *list;

		CHECK(mailbox_filters_parse(&p, &list) == -1 && p.why != NULL,
		    "%s", bad[i]);
	}
}

TESTS(T(filters_say_which_mailboxes), T(options_are_left_to_the_caller),
    T(malformed_filters_are_refused))
