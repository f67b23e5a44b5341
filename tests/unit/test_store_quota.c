/* Quota in the store: what fits, what is counted, what is told. */
#include "store_fixture.h"

/* Appends a message whose size with CRLF is bytes. */
static enum store_err
add(struct fixture *f, const char *name, size_t bytes)
{
	struct store_append_meta meta = { .internaldate = 1700000000 };
	struct buf text = BUF_INIT(1 << 24);
	struct store_appended done;
	struct store_append *a;

	buf_adds(&text, "Subject: x\r\n\r\n");
	while (text.n + 2 < bytes)
		buf_addc(&text, 'x');
	buf_adds(&text, "\r\n");
	OK(store_append_begin(f->user, slice_str(name), true, &a));
	OK(store_append_data(a, buf_slice(&text)));
	OK(store_append_message(a, &meta));
	buf_release(&text);
	return store_append_commit(a, &done);
}

static enum store_err
deliver(struct fixture *f, size_t bytes, const char *id)
{
	char *prefix = mem_alloc(bytes);
	struct store_delivery d = { .mailbox = S("INBOX"), .fd = -1,
		.prefix = slice_of(prefix, bytes),
		.meta = { .delivery_id = slice_str(id) } };
	struct store_appended done;
	enum store_err err;

	memset(prefix, 'x', bytes);
	memcpy(prefix, "A: b\r\n\r\n", 8);
	err = store_deliver(f->user, &d, &done);
	mem_free(prefix);
	return err;
}

static void
limit(struct fixture *f, uint64_t bytes, uint64_t messages)
{
	store_user_set_quota(f->user,
	    &(struct store_quota){ bytes, messages });
}

static struct store_usage
usage(struct fixture *f)
{
	struct store_usage u;

	OK(store_usage(f->user, &u));
	return u;
}

static uint32_t
count(struct fixture *f, const char *name)
{
	struct store_status st;

	OK(store_status(f->user, slice_str(name), &st));
	return st.messages;
}

TEST(appends_stop_at_the_limit)
{
	struct fixture f;

	fixture_start(&f);
	limit(&f, 1000, 0);
	OK(add(&f, "INBOX", 700));
	CHECK(add(&f, "Sent", 301) == STORE_QUOTA);
	OK(add(&f, "Sent", 300));
	CHECK(usage(&f).bytes > 1000, "the warning is exempt");
	CHECK(add(&f, "INBOX", 20) == STORE_QUOTA);
	limit(&f, 0, 0);
	OK(add(&f, "INBOX", 5000));
	fixture_end(&f);
}

TEST(what_would_not_fit_is_told_before)
{
	struct store_append_meta meta = { 0 };
	struct store_append *a;
	struct fixture f;

	fixture_start(&f);
	OK(store_append_begin(f.user, S("INBOX"), true, &a));
	OK(store_append_fits(a, UINT64_MAX));
	limit(&f, 100, 2);
	OK(store_append_fits(a, 100));
	CHECK(store_append_fits(a, 101) == STORE_QUOTA);
	OK(store_append_data(a, S("A: b\n\n")));
	OK(store_append_message(a, &meta));
	OK(store_append_fits(a, 92));
	CHECK(store_append_fits(a, 93) == STORE_QUOTA);
	OK(store_append_data(a, S("A: b\n\n")));
	OK(store_append_message(a, &meta));
	CHECK(store_append_fits(a, 1) == STORE_QUOTA);
	store_append_abort(a);
	fixture_end(&f);
}

TEST(messages_are_limited_without_grace)
{
	struct fixture f;

	fixture_start(&f);
	limit(&f, 0, 2);
	OK(deliver(&f, 100, "a"));
	OK(deliver(&f, 100, "b"));
	CHECK(deliver(&f, 100, "c") == STORE_QUOTA);
	CHECK(add(&f, "INBOX", 100) == STORE_QUOTA);
	/* What is there already is delivered. */
	OK(deliver(&f, 100, "b"));
	CHECK(usage(&f).messages == 2);
	fixture_end(&f);
}

TEST(delivery_has_ten_percent_of_grace_once)
{
	struct fixture f;

	fixture_start(&f);
	limit(&f, 10000, 0);
	OK(deliver(&f, 7000, "a"));
	CHECK(add(&f, "INBOX", 3500) == STORE_QUOTA);
	CHECK(deliver(&f, 4001, "b") == STORE_QUOTA);
	OK(deliver(&f, 4000, "c"));
	CHECK(deliver(&f, 100, "d") == STORE_QUOTA);
	fixture_end(&f);
}

TEST(trash_takes_more_and_moving_is_free)
{
	struct fixture f;
	struct store_mailbox *m;
	struct store_copied c;

	fixture_start(&f);
	limit(&f, 1000, 0);
	OK(add(&f, "INBOX", 700));
	m = box(&f, "INBOX");
	CHECK(store_copy(m, NULL, S("Sent"), &c) == STORE_QUOTA);
	CHECK(store_copy(m, NULL, S("INBOX"), &c) == STORE_QUOTA);
	OK(store_copy(m, NULL, S("Trash"), &c));
	store_copied_release(&c);
	limit(&f, 10, 0);
	OK(store_move(m, NULL, S("Sent"), &c));
	store_copied_release(&c);
	store_mailbox_close(m);
	/* The warning about the copy went with it. */
	CHECK(count(&f, "Sent") == 2 && count(&f, "Trash") == 1);
	fixture_end(&f);
}

/* The subjects and last lines of INBOX's warnings. */
static void
warnings(struct fixture *f, struct buf *out)
{
	struct store_mailbox *m = box(f, "INBOX");
	uint32_t *uids;
	size_t n;

	buf_clear(out);
	OK(store_mailbox_uids(m, &uids, &n));
	for (size_t i = 0; i < n; i++) {
		struct store_body b;
		ssize_t at;

		OK(store_body_open(m, uids[i], &b));
		at = slice_ifind(b.text, S("Your mailbox is now "));
		if (at >= 0) {
			CHECK(slice_starts(b.text, S("From: postmaster@x.test\n"
			    "Subject: quota warning\n\nYour mailbox")));
			buf_add_slice(out, slice_from(b.text,
			    (size_t)at + 20));
		}
		store_body_close(&b);
	}
	mem_free(uids);
	store_mailbox_close(m);
}

TEST(crossings_are_told_by_mail)
{
	struct buf w = BUF_INIT(1000);
	struct store_mailbox *m;
	struct fixture f;

	fixture_start(&f);
	limit(&f, 100000, 0);
	OK(add(&f, "Sent", 79000));
	warnings(&f, &w);
	CHECK(w.n == 0);
	OK(add(&f, "Sent", 1500));
	warnings(&f, &w);
	CHECK_SLICE(buf_slice(&w), "80% full.\n");
	OK(add(&f, "Sent", 1500));
	OK(deliver(&f, 14000, "a"));
	warnings(&f, &w);
	CHECK_SLICE(buf_slice(&w), "80% full.\n95% full.\n");
	OK(deliver(&f, 8000, "b"));
	m = box(&f, "Sent");
	OK(store_expunge(m, NULL, false, NULL, NULL));
	warnings(&f, &w);
	CHECK_SLICE(buf_slice(&w), "80% full.\n95% full.\nbelow% full.\n");
	store_mailbox_close(m);
	buf_release(&w);
	fixture_end(&f);
}

TEST(deleting_a_mailbox_tells_below)
{
	struct buf w = BUF_INIT(1000);
	struct store_usage held;
	struct fixture f;

	fixture_start(&f);
	OK(add(&f, "Old", 3000));
	limit(&f, 2000, 0);
	CHECK(add(&f, "INBOX", 100) == STORE_QUOTA);
	CHECK(store_user_usage(f.user, &held) && held.bytes == 3000);
	CHECK(!store_user_usage(f.user, &held));
	OK(store_delete(f.user, S("Old")));
	warnings(&f, &w);
	CHECK_SLICE(buf_slice(&w), "below% full.\n");
	CHECK(store_user_usage(f.user, &held) && held.bytes == usage(&f).bytes);
	buf_release(&w);
	fixture_end(&f);
}

/* Counts the files themselves. */
static struct store_usage
recount(struct fixture *f)
{
	struct store_usage sum = { 0 };
	struct store_list list;

	OK(store_list(f->user, &list));
	for (size_t i = 0; i < list.n; i++) {
		struct store_mailbox *m;
		uint32_t *uids;
		size_t n;

		if (list.entries[i].attributes & (STORE_NOSELECT |
		    STORE_VIRTUAL))
			continue;
		m = box(f, list.entries[i].name);
		OK(store_mailbox_sync(m));
		OK(store_mailbox_uids(m, &uids, &n));
		for (size_t k = 0; k < n; k++) {
			struct store_body b;

			OK(store_body_open(m, uids[k], &b));
			sum.bytes += b.text.n;
			for (size_t at = 0; at < b.text.n; at++)
				sum.bytes += b.text.p[at] == '\n';
			sum.messages++;
			store_body_close(&b);
		}
		mem_free(uids);
		store_mailbox_close(m);
	}
	store_list_release(&list);
	return sum;
}

static void
random_step(struct fixture *f, unsigned n)
{
	static const char *const names[] = { "INBOX", "Sent", "Trash", "A" };
	const char *name = names[n % 4];
	struct store_mailbox *m;
	struct store_copied c;
	char id[16];

	snprintf(id, sizeof(id), "d%u", n % 97);
	switch (n / 4 % 6) {
	case 0:
	case 1:
		(void)add(f, name, 50 + n % 3000);
		return;
	case 2:
		(void)deliver(f, 50 + n % 3000, id);
		return;
	case 3:
		if (n % 3 == 0)
			(void)store_delete(f->user, slice_str(name));
		return;
	default:
		break;
	}
	if (store_mailbox_open(f->user, slice_str(name), false, &m) !=
	    STORE_OK)
		return;
	if (n / 4 % 6 == 4) {
		struct store_set set = STORE_SET_INIT;

		store_set_add(&set, n % 40, n % 40 + n % 5);
		if (n % 2 == 0)
			(void)store_expunge(m, &set, false, NULL, NULL);
		else if ((n % 3 == 0 ? store_copy : store_move)(m, &set,
		    slice_str(names[n / 7 % 4]), &c) == STORE_OK)
			store_copied_release(&c);
		store_set_release(&set);
	}
	store_mailbox_close(m);
}

TEST(usage_equals_a_recount_after_anything)
{
	struct fixture f;
	unsigned seed = 12345;

	fixture_start(&f);
	for (int i = 0; i < 600; i++) {
		limit(&f, i % 3 == 0 ? 0 : 100000, i % 50 == 0 ? 60 : 0);
		seed = seed * 1103515245 + 12345;
		random_step(&f, seed >> 8);
		if (i % 100 == 99) {
			struct store_usage want = recount(&f);
			struct store_usage got = usage(&f);

			CHECK(got.bytes == want.bytes &&
			    got.messages == want.messages, "step %d: %llu %llu",
			    i, (unsigned long long)got.bytes,
			    (unsigned long long)want.bytes);
		}
	}
	fixture_end(&f);
}

/* A child does things until it is killed; then the numbers must agree. */
TEST(usage_is_exact_after_kill)
{
	struct fixture f;

	fixture_start(&f);
	OK(add(&f, "INBOX", 100));
	for (int round = 0; round < 8; round++) {
		struct store_usage want, got;
		pid_t pid;

		fixture_close(&f);
		pid = fork();
		CHECK(pid != -1);
		if (pid == 0) {
			unsigned seed = 99 + (unsigned)round;

			fixture_open(&f);
			for (;;) {
				limit(&f, 100000, 0);
				seed = seed * 1103515245 + 12345;
				random_step(&f, seed >> 8);
			}
		}
		usleep(20000 + (useconds_t)round * 7000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		fixture_open(&f);
		want = recount(&f);
		got = usage(&f);
		CHECK(got.bytes == want.bytes && got.messages == want.messages,
		    "%llu %llu", (unsigned long long)got.bytes,
		    (unsigned long long)want.bytes);
	}
	fixture_end(&f);
}

/* What a delete or a rename that was cut short leaves behind. */
TEST(a_folder_that_left_counts_no_more)
{
	char from[PATH_MAX];
	struct fixture f;

	fixture_start(&f);
	OK(add(&f, "INBOX", 1000));
	OK(add(&f, "Gone", 500));
	OK(add(&f, "Moved", 300));
	snprintf(from, sizeof(from), "%s", at(&f, ".Gone"));
	CHECK(rename(from, at(&f, "pillarbox-deleted.x")) == 0);
	CHECK(usage(&f).bytes == 1300 && usage(&f).messages == 2);
	snprintf(from, sizeof(from), "%s", at(&f, ".Moved"));
	CHECK(rename(from, at(&f, ".Elsewhere")) == 0);
	CHECK(usage(&f).bytes == 1300 && usage(&f).messages == 2);
	limit(&f, 1400, 0);
	CHECK(add(&f, "INBOX", 101) == STORE_QUOTA);
	OK(add(&f, "INBOX", 100));
	fixture_end(&f);
}

/* A backup restored beside a running store. */
TEST(a_folder_that_came_counts_at_once)
{
	char from[PATH_MAX];
	struct fixture f;

	fixture_start(&f);
	OK(add(&f, "INBOX", 1000));
	OK(add(&f, "Back", 500));
	snprintf(from, sizeof(from), "%s", at(&f, ".Back"));
	CHECK(rename(from, at(&f, "x")) == 0);
	CHECK(usage(&f).bytes == 1000);
	snprintf(from, sizeof(from), "%s", at(&f, "x"));
	CHECK(rename(from, at(&f, ".Back")) == 0);
	CHECK(usage(&f).bytes == 1500 && usage(&f).messages == 2);
	fixture_end(&f);
}

TEST(a_lost_index_counts_anew)
{
	struct store_usage before, at_path;
	struct fixture f;

	fixture_start(&f);
	OK(add(&f, "INBOX", 1000));
	OK(add(&f, "Sent", 500));
	before = usage(&f);
	CHECK(before.bytes == 1500 && before.messages == 2);
	OK(store_usage_at(store_user_path(f.user), &at_path));
	CHECK(at_path.bytes == 1500 && at_path.messages == 2);
	fixture_close(&f);
	CHECK(unlink(at(&f, "pillarbox.db")) == 0);
	unlink(at(&f, "pillarbox.db-wal"));
	unlink(at(&f, "pillarbox.db-shm"));
	fixture_open(&f);
	CHECK(store_usage_at(store_user_path(f.user), &at_path) ==
	    STORE_NO_MAILBOX);
	CHECK(!file_exists(at(&f, "pillarbox.db")));
	CHECK(usage(&f).bytes == 1500 && usage(&f).messages == 2);
	fixture_end(&f);
}

TESTS(T(appends_stop_at_the_limit), T(what_would_not_fit_is_told_before),
    T(messages_are_limited_without_grace),
    T(delivery_has_ten_percent_of_grace_once),
    T(trash_takes_more_and_moving_is_free), T(crossings_are_told_by_mail),
    T(deleting_a_mailbox_tells_below), T(usage_equals_a_recount_after_anything),
    T(usage_is_exact_after_kill), T(a_folder_that_left_counts_no_more),
    T(a_folder_that_came_counts_at_once), T(a_lost_index_counts_anew))
