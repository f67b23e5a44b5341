/* A message that takes the place of another one. */
#include "store_fixture.h"

static enum store_err
replace(struct fixture *f, const char *to, struct store_mailbox *m,
    uint32_t uid, const char *text, struct store_appended *done)
{
	struct store_append_meta meta = { .flags = STORE_DRAFT };
	struct store_append *a;
	enum store_err err;

	OK(store_append_begin(f->user, slice_str(to), false, &a));
	err = store_append_replaces(a, m, uid);
	if (err == STORE_OK)
		err = store_append_fits(a, strlen(text));
	if (err != STORE_OK) {
		store_append_abort(a);
		return err;
	}
	(void)store_append_data(a, slice_str(text));
	(void)store_append_message(a, &meta);
	return store_append_commit(a, done);
}

#define NEW "Subject: new\r\n\r\nx\r\n"

TEST(one_comes_and_one_goes)
{
	struct store_set gone = STORE_SET_INIT;
	struct store_appended done;
	struct store_mailbox *m, *sent;
	uint64_t modseq;
	struct fixture f;

	fixture_start(&f);
	append(&f, "INBOX", "a", 0, NULL);
	append(&f, "INBOX", "b", STORE_SEEN, "work");
	m = box(&f, "INBOX");
	OK(store_mailbox_modseq(m, &modseq));
	OK(replace(&f, "INBOX", m, 2, NEW, &done));
	CHECK(done.first_uid == 3, "%u", done.first_uid);
	/* Nothing of the old one is inherited (RFC 8508 section 1). */
	CHECK_TEXT(messages(m, 0), "1:00 3:10 ");
	OK(store_vanished(m, modseq, &gone));
	CHECK(gone.n == 1 && gone.r[0].first == 2, "%zu", gone.n);
	CHECK(count_files(&f, "cur") + count_files(&f, "new") == 2, "files");
	/* Into another mailbox. */
	OK(replace(&f, "Sent", m, 3, NEW, &done));
	CHECK_TEXT(messages(m, 0), "1:00 ");
	sent = box(&f, "Sent");
	CHECK_TEXT(messages(sent, 0), "1:10 ");
	CHECK(count_files(&f, ".Sent/cur") == 1, "files");
	store_set_release(&gone);
	store_mailbox_close(sent);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(without_the_old_one_nothing_comes)
{
	struct store_set set = STORE_SET_INIT;
	struct store_append_meta meta = { 0 };
	struct store_appended done;
	struct store_append *a;
	struct store_mailbox *m;
	struct fixture f;

	fixture_start(&f);
	append(&f, "INBOX", "a", 0, NULL);
	m = box(&f, "INBOX");
	CHECK(replace(&f, "INBOX", m, 7, NEW, &done) == STORE_NO_MESSAGE);
	/* It goes while the new one comes. */
	OK(store_append_begin(f.user, S("Sent"), false, &a));
	OK(store_append_replaces(a, m, 1));
	OK(store_append_data(a, S(NEW)));
	store_set_add(&set, 1, 1);
	OK(store_expunge(m, &set, false, NULL, NULL));
	OK(store_append_message(a, &meta));
	CHECK(store_append_commit(a, &done) == STORE_NO_MESSAGE);
	CHECK(count_files(&f, ".Sent/cur") + count_files(&f, ".Sent/new") +
	    count_files(&f, ".Sent/tmp") == 0, "files");
	store_set_release(&set);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(only_what_is_larger_counts_against_the_quota)
{
	struct store_quota quota = { .messages = 1 };
	struct store_appended done;
	struct store_usage held;
	struct store_mailbox *m;
	struct fixture f;

	fixture_start(&f);
	append(&f, "INBOX", "a", 0, NULL);
	m = box(&f, "INBOX");
	store_user_set_quota(f.user, &quota);
	OK(replace(&f, "INBOX", m, 1, NEW, &done));
	OK(store_usage(f.user, &held));
	quota = (struct store_quota){ .bytes = held.bytes + 3 };
	store_user_set_quota(f.user, &quota);
	OK(replace(&f, "INBOX", m, 2, NEW "y\n", &done));
	CHECK(replace(&f, "INBOX", m, 3, NEW NEW NEW, &done) == STORE_QUOTA);
	/* The other one is the warning that the mailbox is nearly full. */
	CHECK_TEXT(messages(m, 0), "3:10 4:00 ");
	store_mailbox_close(m);
	fixture_end(&f);
}

TESTS(T(one_comes_and_one_goes), T(without_the_old_one_nothing_comes),
    T(only_what_is_larger_counts_against_the_quota))
