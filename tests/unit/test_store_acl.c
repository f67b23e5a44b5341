/* Rights of mailboxes: the file, how it is judged, and who shares with whom. */
#include "core/limits.h"
#include "store/acl.h"
#include "store_fixture.h"

#define OWNER S("u@x.test")
#define BOB S("bob@x.test")

static const char *
letters(unsigned rights)
{
	static char text[64];
	struct buf b = BUF_INIT(60);

	acl_rights_put(&b, rights, false);
	snprintf(text, sizeof(text), "%s", buf_str(&b));
	buf_release(&b);
	return text;
}

TEST(letters_go_both_ways)
{
	struct buf b = BUF_INIT(60);
	unsigned rights;

	CHECK(acl_rights_parse(S("alrwstipekx"), false, &rights) == 0);
	CHECK(rights == ACL_ALL);
	CHECK(acl_rights_parse(S(""), true, &rights) == 0 && rights == 0);
	CHECK(acl_rights_parse(S("lrq"), true, &rights) == -1);
	CHECK(acl_rights_parse(S("lR"), true, &rights) == -1);
	CHECK(acl_rights_parse(S("c"), false, &rights) == -1);
	CHECK(acl_rights_parse(S("cd"), true, &rights) == 0);
	CHECK(rights == (ACL_CREATE | ACL_DELETE | ACL_EXPUNGE |
	    ACL_WRITE_DELETED));
	acl_rights_put(&b, ACL_LOOKUP | ACL_CREATE | ACL_EXPUNGE, true);
	CHECK_SLICE(buf_slice(&b), "lekcd");
	buf_release(&b);
}

/* What Dovecot 2.3 answers to MYRIGHTS for the same files. */
TEST(the_most_specific_counts)
{
	static const struct {
		const char *file;
		const char *bob;
		const char *owner;
	} cases[] = {
		{ "", "", "lrwstipekxa" },
		{ "anyone lrswi\nuser=bob@x.test lr\n", "lr", "lrwstipekxa" },
		{ "anyone lrswi\nuser=bob@x.test lr\n-user=bob@x.test r\n",
		    "l", "lrwstipekxa" },
		{ "anyone lrswi\n-user=bob@x.test r\n", "lwsi",
		    "lrwstipekxa" },
		{ "authenticated lr\nanyone lrswi\n", "lr", "lrwstipekxa" },
		{ "owner lr\nanyone lrswi\n", "lrwsi", "lra" },
		{ "user=u@x.test l\n", "", "la" },
		{ "-owner al\nanyone lr\n", "lr", "lrwstipekxa" },
		{ "anyone lrsx :foo read bar\n", "lrsx", "lrwstipekxa" },
		{ "anyone :lookup read write-seen\n", "lrs", "lrwstipekxa" },
		{ "# note\n\nanyone lrs\n", "lrs", "lrwstipekxa" },
		{ "user=bob@x.test l\nuser=bob@x.test r\n", "lr",
		    "lrwstipekxa" },
		{ "anyone\n", "", "lrwstipekxa" },
		{ "group=x lrs\ngroup-override=y a\n", "", "lrwstipekxa" },
		{ "-anyone l\n-user=other@x.test r\nuser=BOB@x.test lr\n", "lr",
		    "lrwstipekxa" },
		{ "\"user=bob@x.test\" lr\r\n", "lr", "lrwstipekxa" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct acl a;

		CHECK(acl_parse(&a, slice_str(cases[i].file)), "%zu", i);
		CHECK_SLICE(slice_str(letters(acl_rights(&a, OWNER, BOB))),
		    cases[i].bob);
		CHECK_SLICE(slice_str(letters(acl_rights(&a, OWNER, OWNER))),
		    cases[i].owner);
		acl_release(&a);
	}
}

TEST(a_damaged_file_gives_nobody_but_the_owner_rights)
{
	static const struct slice cases[] = {
		S("anyone lrq\n"), S("blah lr\nanyone lr\n"),
		S("anyone lr\nuser= lr\n"), S("\"user=bob@x.test lr\n"),
		S("\"user=bob@x.test\"lr\n"), S("\"user=bob@x.test\\"),
		S("user=b\0b@x.test lr\n"), S("user=\xff@x.test lr\n"),
		S("anyone lr\n-"), S("user=bob@x.test\tlr\n"),
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct acl a;

		CHECK(!acl_parse(&a, cases[i]), "%zu", i);
		CHECK(acl_rights(&a, OWNER, BOB) == 0, "%zu", i);
		CHECK(acl_rights(&a, OWNER, OWNER) == ACL_ALL);
		acl_release(&a);
	}
}

TEST(entries_are_capped)
{
	struct buf b = BUF_INIT(1 << 20);
	struct acl a;

	for (int i = 0; i < LIMIT_ACL_ENTRIES; i++)
		buf_addf(&b, "user=u%d@x.test lr\n", i);
	CHECK(acl_parse(&a, buf_slice(&b)));
	CHECK(a.n == LIMIT_ACL_ENTRIES);
	acl_release(&a);
	buf_adds(&b, "anyone lr\n");
	CHECK(!acl_parse(&a, buf_slice(&b)));
	acl_release(&a);
	buf_release(&b);
}

TEST(an_edit_leaves_the_rest_as_it_is)
{
	static const char text[] = "# mine\nanyone lr :post\n"
	    "group=x lr\nuser=bob@x.test l\n-user=bob@x.test w\n"
	    "user=bob@x.test r";
	struct acl_id bob = { .kind = ACL_USER, .name = BOB };
	struct acl_id blank = { .kind = ACL_USER, .negative = true,
		.name = S("a \"b\"@x.test") };
	struct buf b = BUF_INIT(1000), c = BUF_INIT(1000);
	struct acl a;

	acl_edit(slice_str(text), &bob, ACL_LOOKUP | ACL_INSERT, false, &b);
	CHECK_SLICE(buf_slice(&b), "# mine\nanyone lr :post\ngroup=x lr\n"
	    "-user=bob@x.test w\nuser=bob@x.test li\n");
	acl_edit(buf_slice(&b), &blank, ACL_READ, false, &c);
	CHECK(slice_ends(buf_slice(&c),
	    S("\"-user=a \\\"b\\\"@x.test\" r\n")));
	CHECK(acl_parse(&a, buf_slice(&c)));
	CHECK(acl_id_eq(&a.entries[a.n - 1].id, &blank));
	acl_release(&a);
	buf_clear(&b);
	acl_edit(buf_slice(&c), &blank, 0, true, &b);
	buf_clear(&c);
	acl_edit(buf_slice(&b), &bob, 0, true, &c);
	CHECK_SLICE(buf_slice(&c), "# mine\nanyone lr :post\ngroup=x lr\n"
	    "-user=bob@x.test w\n");
	/* A line of another spelling is the same user's. */
	buf_clear(&b);
	acl_edit(S("user=BOB@x.test lrs\n"), &bob, ACL_LOOKUP, false, &b);
	CHECK_SLICE(buf_slice(&b), "user=bob@x.test l\n");
	buf_release(&b);
	buf_release(&c);
}

/* ---- on disk -------------------------------------------------------------- */

#define RIGHTS(mailbox, who)                                                   \
	letters(store_acl_rights(f.user, slice_str(mailbox), who))

static void
set(struct fixture *f, const char *mailbox, struct acl_id id, const char *rights)
{
	unsigned bits;

	CHECK(acl_rights_parse(slice_str(rights), true, &bits) == 0);
	OK(store_acl_change(f->user, slice_str(mailbox), &id, ACL_SET, bits));
}

#define TO_BOB ((struct acl_id){ .kind = ACL_USER, .name = BOB })
#define TO_ALL ((struct acl_id){ .kind = ACL_ANYONE })
#define TO_OWNER ((struct acl_id){ .kind = ACL_USER, .name = OWNER })

TEST(a_change_counts_at_once_and_lasts)
{
	struct acl_id bob = TO_BOB;
	struct fixture f;

	fixture_start(&f);
	OK(store_create(f.user, S("Team"), NULL));
	CHECK_TEXT(RIGHTS("Team", BOB), "");
	CHECK_TEXT(RIGHTS("Team", OWNER), "lrwstipekxa");
	CHECK_TEXT(RIGHTS("None", BOB), "");
	put_file(&f, "dovecot-acl-list", "1 Team\n");
	set(&f, "Team", TO_BOB, "lrs");
	CHECK(!file_exists(at(&f, "dovecot-acl-list")));
	CHECK_TEXT(RIGHTS("Team", BOB), "lrs");
	OK(store_acl_change(f.user, S("Team"), &bob, ACL_ADD, ACL_INSERT));
	CHECK_TEXT(RIGHTS("Team", BOB), "lrsi");
	OK(store_acl_change(f.user, S("Team"), &bob, ACL_TAKE, ACL_READ));
	CHECK_TEXT(RIGHTS("Team", BOB), "lsi");
	set(&f, "Team", TO_OWNER, "r");
	CHECK_TEXT(RIGHTS("Team", OWNER), "lra");
	set(&f, "Team", TO_ALL, "r");
	CHECK_TEXT(RIGHTS("Team", BOB), "lsi");
	OK(store_acl_change(f.user, S("Team"), &bob, ACL_REMOVE, 0));
	CHECK_TEXT(RIGHTS("Team", BOB), "r");
	fixture_close(&f);
	CHECK(unlink(at(&f, "pillarbox.db")) == 0);
	fixture_open(&f);
	CHECK_TEXT(RIGHTS("Team", BOB), "r");
	OK(store_rename(f.user, S("Team"), S("Club")));
	CHECK_TEXT(RIGHTS("Team", BOB), "");
	CHECK_TEXT(RIGHTS("Club", BOB), "r");
	OK(store_delete(f.user, S("Club")));
	OK(store_create(f.user, S("Club"), NULL));
	CHECK_TEXT(RIGHTS("Club", BOB), "");
	CHECK(store_acl_change(f.user, S("None"), &bob, ACL_SET, ACL_ALL) ==
	    STORE_NO_MAILBOX);
	fixture_end(&f);
}

TEST(a_file_of_others_is_seen_when_it_changes)
{
	struct acl_id bob = TO_BOB;
	struct fixture f;

	fixture_start(&f);
	OK(store_create(f.user, S("Team"), NULL));
	put_file(&f, ".Team/dovecot-acl", "anyone lr\n");
	CHECK_TEXT(RIGHTS("Team", BOB), "lr");
	put_file(&f, ".Team/dovecot-acl", "anyone lrs\n");
	CHECK_TEXT(RIGHTS("Team", BOB), "lrs");
	put_file(&f, ".Team/dovecot-acl", "anyone lrq\n");
	CHECK_TEXT(RIGHTS("Team", BOB), "");
	CHECK_TEXT(RIGHTS("Team", OWNER), "lrwstipekxa");
	CHECK(store_acl_change(f.user, S("Team"), &bob, ACL_SET, ACL_ALL) ==
	    STORE_CORRUPT);
	CHECK(unlink(at(&f, ".Team/dovecot-acl")) == 0);
	CHECK(symlink("/etc/passwd", at(&f, ".Team/dovecot-acl")) == 0);
	CHECK_TEXT(RIGHTS("Team", BOB), "");
	CHECK(unlink(at(&f, ".Team/dovecot-acl")) == 0);
	CHECK(mkfifo(at(&f, ".Team/dovecot-acl"), 0600) == 0);
	CHECK_TEXT(RIGHTS("Team", BOB), "");
	fixture_end(&f);
}

TEST(identifiers_are_capped_when_added)
{
	struct buf b = BUF_INIT(1 << 20);
	struct acl_id bob = TO_BOB;
	struct fixture f;

	fixture_start(&f);
	OK(store_create(f.user, S("Team"), NULL));
	for (int i = 0; i < LIMIT_ACL_ENTRIES; i++)
		buf_addf(&b, "user=u%d@x.test lr\n", i);
	put_file(&f, ".Team/dovecot-acl", buf_str(&b));
	CHECK(store_acl_change(f.user, S("Team"), &bob, ACL_SET, ACL_ALL) ==
	    STORE_LIMIT);
	bob.name = S("u7@x.test");
	OK(store_acl_change(f.user, S("Team"), &bob, ACL_REMOVE, 0));
	set(&f, "Team", TO_BOB, "l");
	buf_release(&b);
	fixture_end(&f);
}

/* ---- shares --------------------------------------------------------------- */

static void
on_owner(void *ctx, struct slice owner)
{
	buf_addf(ctx, "%.*s ", SLICE_ARG(owner));
}

static const char *
owners(struct fixture *f, struct slice user)
{
	static char text[256];
	struct buf b = BUF_INIT(250);

	OK(store_shares_with(f->store, user, on_owner, &b));
	snprintf(text, sizeof(text), "%s", buf_str(&b));
	buf_release(&b);
	return text;
}

static void
on_name(void *ctx, struct slice name, unsigned rights)
{
	CHECK((rights & ACL_LOOKUP) != 0);
	buf_addf(ctx, "%.*s ", SLICE_ARG(name));
}

TEST(who_shares_is_known_without_looking_everywhere)
{
	struct buf b = BUF_INIT(250);
	struct store_user *other;
	char shares[128];
	struct fixture f;

	fixture_start(&f);
	snprintf(shares, sizeof(shares), "%s/pillarbox-shares", f.dir);
	OK(store_create(f.user, S("Team"), NULL));
	CHECK_TEXT(owners(&f, BOB), "");
	CHECK(file_exists(shares));
	set(&f, "Team", TO_BOB, "lr");
	CHECK_TEXT(owners(&f, BOB), "u@x.test ");
	CHECK_TEXT(owners(&f, S("eve@x.test")), "");
	set(&f, "INBOX", TO_ALL, "l");
	set(&f, "INBOX", TO_OWNER, "lr");
	CHECK_TEXT(owners(&f, S("eve@x.test")), "u@x.test ");
	CHECK_TEXT(owners(&f, OWNER), "");
	OK(store_acl_each(f.user, S("eve@x.test"), ACL_LOOKUP, on_name, &b));
	CHECK_SLICE(buf_slice(&b), "INBOX ");
	set(&f, "INBOX", TO_ALL, "r");
	CHECK_TEXT(owners(&f, S("eve@x.test")), "");
	/* What others did to the files is found by the next process. */
	put_file(&f, "dovecot-acl", "anyone lr\n");
	CHECK_TEXT(owners(&f, S("eve@x.test")), "");
	fixture_close(&f);
	fixture_open(&f);
	CHECK_TEXT(owners(&f, S("eve@x.test")), "");
	store_shares_refresh(f.store);
	CHECK_TEXT(owners(&f, S("eve@x.test")), "u@x.test ");
	/* It is a hint, and can be deleted or damaged. */
	fixture_close(&f);
	CHECK(unlink(shares) == 0);
	fixture_open(&f);
	CHECK_TEXT(owners(&f, BOB), "u@x.test ");
	fixture_close(&f);
	put_file(&f, "../../pillarbox-shares", "nonsense\n");
	fixture_open(&f);
	CHECK_TEXT(owners(&f, BOB), "u@x.test ");
	/* What is put into an old file does not make it a new one. */
	fixture_close(&f);
	fixture_open(&f);
	put_file(&f, "dovecot-acl", "anyone r\n");
	set(&f, "Team", TO_BOB, "r");
	CHECK_TEXT(owners(&f, BOB), "");
	OK(store_user_open(f.store, S("w@x.test"), &other));
	OK(store_create(other, S("Mine"), NULL));
	put_file(&f, "../w/.Mine/dovecot-acl", "anyone l\n");
	CHECK_TEXT(owners(&f, BOB), "");
	store_shares_refresh(f.store);
	CHECK_TEXT(owners(&f, BOB), "w@x.test ");
	store_user_close(other);
	buf_release(&b);
	fixture_end(&f);
}

TEST(a_new_mailbox_gets_its_parents_rights)
{
	struct fixture f;

	fixture_start(&f);
	OK(store_create(f.user, S("Team"), NULL));
	set(&f, "Team", TO_BOB, "lrk");
	OK(store_create(f.user, S("Team.New"), NULL));
	OK(store_acl_inherit(f.user, S("Team"), S("Team.New")));
	CHECK_TEXT(RIGHTS("Team.New", BOB), "lrk");
	OK(store_create(f.user, S("Other"), NULL));
	OK(store_acl_inherit(f.user, S("INBOX"), S("Other")));
	CHECK(!file_exists(at(&f, ".Other/dovecot-acl")));
	fixture_end(&f);
}

TESTS(T(letters_go_both_ways), T(the_most_specific_counts),
    T(a_damaged_file_gives_nobody_but_the_owner_rights),
    T(entries_are_capped), T(an_edit_leaves_the_rest_as_it_is),
    T(a_change_counts_at_once_and_lasts),
    T(a_file_of_others_is_seen_when_it_changes),
    T(identifiers_are_capped_when_added),
    T(who_shares_is_known_without_looking_everywhere),
    T(a_new_mailbox_gets_its_parents_rights))
