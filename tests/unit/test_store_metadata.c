/* Annotations of mailboxes, in their file and through a mailbox's life. */
#include "check.h"
#include "core/limits.h"
#include "store/metadata.h"
#include "store_fixture.h"

static void
set(struct fixture *f, const char *mailbox, const char *name,
    const char *value)
{
	struct store_entry e = { .name = slice_str(name),
		.value = slice_str(value), .nil = value == NULL };

	OK(store_metadata_change(f->user, slice_str(mailbox), &e, 1));
}

/* The value, or "nil". Static. */
static const char *
get(struct fixture *f, const char *mailbox, const char *name)
{
	static char text[256];
	const struct store_entry *e;
	struct store_metadata m;

	OK(store_metadata_read(f->user, slice_str(mailbox), &m));
	e = store_metadata_find(&m, slice_str(name));
	snprintf(text, sizeof(text), "nil");
	if (e != NULL)
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(e->value));
	store_metadata_release(&m);
	return text;
}

#define IS(mailbox, name, want) CHECK(strcmp(get(&f, mailbox, name), want) == 0)

TEST(the_file_goes_both_ways)
{
	static const char text[] = "pillarbox-metadata 1\n"
	    "AAEC /private/comment\n /shared/a b\nWFg= /shared/z\n";
	struct store_metadata m;
	struct buf out = BUF_INIT(1000);

	CHECK(store_metadata_parse(slice_str(text), &m));
	CHECK(m.n == 3);
	CHECK(slice_eq(m.entries[0].value, slice_of("\0\1\2", 3)));
	CHECK_SLICE(m.entries[1].name, "/shared/a b");
	CHECK(m.entries[1].value.n == 0);
	store_metadata_format(&m, &out);
	CHECK_SLICE(buf_slice(&out), text);
	store_metadata_release(&m);
	buf_release(&out);
}

TEST(damage_is_noticed_and_the_rest_kept)
{
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {
		{ "", 0 }, { "pillarbox-metadata 2\nWFg= /shared/z\n", 0 },
		{ "pillarbox-metadata 1\nWFg= /shared/z\n!! /shared/a\n", 1 },
		{ "pillarbox-metadata 1\nWFg=\n", 0 },
		{ "pillarbox-metadata 1\nWFg= \n", 0 },
		{ "pillarbox-metadata 1\nWFg= /private/x\r\r\n", 0 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct store_metadata m;

		CHECK(!store_metadata_parse(slice_str(cases[i].text), &m));
		CHECK(m.n == cases[i].n, "%zu", i);
		store_metadata_release(&m);
	}
}

TEST(annotations_follow_the_mailbox)
{
	struct store_metadata m;
	struct fixture f;

	fixture_start(&f);
	OK(store_create(f.user, S("one"), NULL));
	set(&f, "one", "/private/comment", "mine");
	set(&f, "one", "/shared/comment", "ours");
	set(&f, "", "/private/vendor/x/y", "server");
	set(&f, "INBOX", "/private/comment", "inbox");
	OK(store_rename(f.user, S("one"), S("two.three")));
	IS("two.three", "/private/comment", "mine");
	IS("two.three", "/shared/comment", "ours");
	IS("", "/private/vendor/x/y", "server");
	IS("", "/private/comment", "nil");
	/* RFC 5464 4.1: copied when INBOX is renamed. */
	OK(store_rename(f.user, S("INBOX"), S("old")));
	IS("old", "/private/comment", "inbox");
	IS("INBOX", "/private/comment", "inbox");
	OK(store_delete(f.user, S("two.three")));
	CHECK(store_metadata_read(f.user, S("two.three"), &m) ==
	    STORE_NO_MAILBOX);
	store_metadata_release(&m);
	OK(store_create(f.user, S("two.three"), NULL));
	IS("two.three", "/private/comment", "nil");
	/* A special mailbox that is not there yet; reading does not make it. */
	IS("Sent", "/private/comment", "nil");
	CHECK(access(at(&f, ".Sent"), F_OK) == -1);
	set(&f, "Sent", "/private/comment", "made");
	IS("Sent", "/private/comment", "made");
	fixture_end(&f);
}

TEST(they_survive_the_loss_of_the_index)
{
	struct fixture f;

	fixture_start(&f);
	set(&f, "INBOX", "/private/comment", "kept");
	fixture_close(&f);
	CHECK(unlink(at(&f, "pillarbox.db")) == 0 || errno == ENOENT);
	fixture_open(&f);
	IS("INBOX", "/private/comment", "kept");
	OK(store_rebuild(f.user, S(""), NULL, NULL));
	IS("INBOX", "/private/comment", "kept");
	fixture_end(&f);
}

TEST(changes_are_all_or_nothing_and_limited)
{
	struct store_entry e[LIMIT_METADATA_ENTRIES + 1];
	char names[LIMIT_METADATA_ENTRIES + 1][32];
	char *large = mem_zero(LIMIT_METADATA_VALUE);
	struct fixture f;

	fixture_start(&f);
	for (size_t i = 0; i < LEN(e); i++) {
		snprintf(names[i], sizeof(names[i]), "/private/n%zu", i);
		e[i] = (struct store_entry){ .name = slice_str(names[i]),
			.value = S("x") };
	}
	CHECK(store_metadata_change(f.user, S("INBOX"), e, LEN(e)) ==
	    STORE_LIMIT);
	IS("INBOX", "/private/n0", "nil");
	OK(store_metadata_change(f.user, S("INBOX"), e, LEN(e) - 1));
	/* Full; one goes and another one fits. */
	CHECK(store_metadata_change(f.user, S("INBOX"), e + LEN(e) - 1, 1) ==
	    STORE_LIMIT);
	e[0].nil = true;
	e[1] = e[LEN(e) - 1];
	OK(store_metadata_change(f.user, S("INBOX"), e, 2));
	IS("INBOX", "/private/n0", "nil");
	IS("INBOX", "/private/n100", "x");
	/* Of two changes of one entry the last counts. */
	e[0] = (struct store_entry){ .name = S("/private/n2"),
		.value = S("first") };
	e[1] = (struct store_entry){ .name = S("/private/n2"),
		.value = S("last") };
	OK(store_metadata_change(f.user, S("INBOX"), e, 2));
	IS("INBOX", "/private/n2", "last");
	for (size_t i = 0; i < 4; i++) {
		e[i].name = slice_str(names[i]);
		e[i].value = slice_of(large, LIMIT_METADATA_VALUE);
	}
	CHECK(store_metadata_change(f.user, S(""), e, 4) == STORE_LIMIT);
	OK(store_metadata_change(f.user, S(""), e, 2));
	mem_free(large);
	fixture_end(&f);
}

TEST(a_link_or_a_fifo_is_no_file_of_ours)
{
	struct store_metadata m;
	struct fixture f;

	fixture_start(&f);
	OK(store_create(f.user, S("x"), NULL));
	CHECK(symlink("/etc/passwd", at(&f, ".x/pillarbox-metadata")) == 0);
	CHECK(store_metadata_read(f.user, S("x"), &m) != STORE_OK);
	store_metadata_release(&m);
	fixture_end(&f);
}

TESTS(T(the_file_goes_both_ways), T(damage_is_noticed_and_the_rest_kept),
    T(annotations_follow_the_mailbox), T(they_survive_the_loss_of_the_index),
    T(changes_are_all_or_nothing_and_limited),
    T(a_link_or_a_fifo_is_no_file_of_ours))
