/* What SORT and THREAD compare, kept for rows of 1024 UIDs. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "mail/order.h"

#define MESSAGES 1100u /* UIDs 1 to 1023 are the first row */

struct told {
	uint32_t last;
	size_t n;
	size_t unknown; /* the file must be read */
	uint64_t sum;    /* of what is told */
};

static int
tell(void *ctx, const struct store_message *msg)
{
	struct told *t = ctx;
	struct order order;

	CHECK(msg->uid > t->last, "%u", msg->uid);
	t->last = msg->uid;
	t->n++;
	if (msg->order.n == 0) {
		t->unknown++;
		return 0;
	}
	CHECK(order_read(&order, msg->order) == 0, "%u", msg->uid);
	CHECK(msg->internaldate == 1700000000 + msg->uid, "%u", msg->uid);
	CHECK(msg->vsize > 30 && order.texts[ORDER_FROM].n == 1);
	t->sum += (uint64_t)order.sent + order.id;
	return 0;
}

static struct told
walk(struct store_mailbox *m, const struct store_set *set, size_t limit)
{
	struct store_walk w = { .want = STORE_WANT_ORDER, .order_only = true,
		.set = set, .limit = limit };
	struct told t = { 0 };
	uint32_t next = 1;

	for (; next != 0; w.from = next)
		OK(store_walk(m, &w, tell, &t, &next));
	return t;
}

/* Runs SQL on the index; the number that it gives, or 0. */
static int64_t
sql(const struct fixture *f, const char *text)
{
	sqlite3_stmt *st;
	int64_t n = 0;
	sqlite3 *db;

	CHECK(sqlite3_open(at(f, "pillarbox.db"), &db) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK, "%s",
	    text);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	CHECK(sqlite3_finalize(st) == SQLITE_OK, "%s", text);
	sqlite3_close(db);
	return n;
}

static struct store_mailbox *
fill(struct fixture *f)
{
	struct store_mailbox *m;
	char name[64], text[256];

	m = box(f, "INBOX");
	for (uint32_t i = 1; i <= MESSAGES; i++) {
		struct timespec times[2] = {
			[0].tv_sec = 1700000000 + i,
			[1].tv_sec = 1700000000 + i };

		snprintf(name, sizeof(name), "cur/%u.M1P1.mail:2,S",
		    1600000000 + i);
		snprintf(text, sizeof(text), "Message-ID: <%u@x>\nFrom: b@x\n"
		    "Date: 1 Jan 2024 10:%02u:00 +0000\nSubject: s\n\n", i,
		    i % 60);
		put_file(f, name, text);
		CHECK(utimensat(AT_FDCWD, at(f, name), times, 0) == 0);
	}
	OK(store_mailbox_sync(m));
	return m;
}

TEST(a_row_is_made_once_and_read_afterwards)
{
	struct store_mailbox *m;
	struct fixture f;
	struct told first, again;

	fixture_start(&f);
	m = fill(&f);
	/* The first walk fills in the cached texts. */
	first = walk(m, NULL, 0);
	CHECK(first.n == MESSAGES && first.unknown == 0, "%zu", first.n);
	for (size_t limit = 0; limit < 300; limit += 100) {
		again = walk(m, NULL, limit);
		CHECK(again.n == MESSAGES && again.sum == first.sum, "%zu",
		    again.n);
	}
	CHECK(sql(&f, "SELECT count(*) FROM ordering") == 1);
	/* Now nothing else is read. */
	sql(&f, "UPDATE cache SET headers = NULL");
	again = walk(m, NULL, 0);
	CHECK(again.n == MESSAGES && again.unknown == MESSAGES - 1023, "%zu",
	    again.unknown);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(a_walk_tells_only_what_is_asked_for_and_exists)
{
	struct store_set set = STORE_SET_INIT;
	struct store_mailbox *m;
	struct fixture f;
	struct told t;

	fixture_start(&f);
	m = fill(&f);
	walk(m, NULL, 0);
	walk(m, NULL, 0);
	store_set_add(&set, 7, 7);
	store_set_add(&set, 9, 12);
	store_set_add(&set, 1020, 1030);
	store_set_add(&set, 5000, STORE_UID_MAX);
	t = walk(m, &set, 3);
	CHECK(t.n == 16 && t.last == 1030, "%zu", t.n);
	store_set_clear(&set);
	store_set_add(&set, 9, 9);
	OK(store_expunge(m, &set, false, NULL, NULL));
	t = walk(m, NULL, 0);
	CHECK(t.n == MESSAGES - 1, "%zu", t.n);
	CHECK(sql(&f, "SELECT count(*) FROM ordering") == 1);
	store_set_add(&set, 1, 1023);
	OK(store_expunge(m, &set, false, NULL, NULL));
	CHECK(walk(m, NULL, 0).n == MESSAGES - 1023);
	CHECK(sql(&f, "SELECT count(*) FROM ordering") == 0);
	store_set_release(&set);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(a_row_that_is_not_ours_or_lacks_a_message_is_made_again)
{
	static const char *const harm[] = {
		"UPDATE ordering SET bytes = x''",
		"UPDATE ordering SET bytes = zeroblob(5000)",
		"UPDATE ordering SET bytes = substr(bytes, 1, 4)",
		"UPDATE ordering SET bytes = substr(bytes, 1, length(bytes) - 1)",
		"UPDATE ordering SET bytes = x'01020304' || substr(bytes, 5)",
	};
	struct store_mailbox *m;
	struct fixture f;
	struct told first, again;
	int64_t size;

	fixture_start(&f);
	m = fill(&f);
	walk(m, NULL, 0);
	first = walk(m, NULL, 0);
	size = sql(&f, "SELECT length(bytes) FROM ordering");
	for (size_t i = 0; i < LEN(harm); i++) {
		sql(&f, harm[i]);
		again = walk(m, NULL, 0);
		CHECK(again.n == MESSAGES && again.sum == first.sum, "%s",
		    harm[i]);
		CHECK(sql(&f, "SELECT length(bytes) FROM ordering") == size,
		    "%s", harm[i]);
	}
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(rows_go_with_their_mailbox)
{
	struct store_mailbox *m;
	struct fixture f;

	fixture_start(&f);
	store_mailbox_close(fill(&f));
	OK(store_rename(f.user, S("INBOX"), S("Old")));
	m = box(&f, "Old");
	walk(m, NULL, 0);
	walk(m, NULL, 0);
	store_mailbox_close(m);
	CHECK(sql(&f, "SELECT count(*) FROM ordering") == 1);
	OK(store_delete(f.user, S("Old")));
	CHECK(sql(&f, "SELECT count(*) FROM ordering") == 0);
	fixture_end(&f);
}

TESTS(T(a_row_is_made_once_and_read_afterwards),
    T(a_walk_tells_only_what_is_asked_for_and_exists),
    T(a_row_that_is_not_ours_or_lacks_a_message_is_made_again),
    T(rows_go_with_their_mailbox))
