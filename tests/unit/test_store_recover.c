#include "store_fixture.h"

#include <poll.h>
#include <sqlite3.h>

#include "store/notify.h"

/* Expected complaints. */
static void
swallow(const char *line UNUSED, size_t n UNUSED)
{
}

static void
reopen(struct fixture *f, const char *boot)
{
	struct store_config conf = { .mailroot = f->dir, .hostname = "mail",
		.boot_id = boot };
	const char *why;

	fixture_close(f);
	f->store = store_open_root(&conf, &why);
	OK(store_user_open(f->store, S("u@x.test"), &f->user));
}

static void
remove_index(struct fixture *f)
{
	unlink(at(f, "pillarbox.db"));
	unlink(at(f, "pillarbox.db-wal"));
	unlink(at(f, "pillarbox.db-shm"));
}

TEST(a_lost_index_is_rebuilt_with_uids_flags_and_keywords)
{
	struct store_status before, after;
	struct store_mailbox *m;
	struct fixture f;
	struct store_usage usage;
	char text[4096];

	fixture_start(&f);
	OK(store_create(f.user, S("A.B"), NULL));
	append(&f, "A.B", "a", STORE_SEEN, "work");
	append(&f, "A.B", "b", STORE_DELETED, NULL);
	append(&f, "A.B", "c", STORE_FLAGGED | STORE_DRAFT, "$Label1");
	append(&f, "A.B", "d", 0, "$Forwarded");
	m = box(&f, "A.B");
	OK(store_expunge(m, NULL, true, NULL, NULL));
	snprintf(text, sizeof(text), "%s", messages(m, 0));
	store_mailbox_close(m);
	OK(store_status(f.user, S("A.B"), &before));
	fixture_close(&f);
	remove_index(&f);
	fixture_open(&f);
	OK(store_usage(f.user, &usage));
	CHECK(usage.messages == 3);
	m = box(&f, "A.B");
	CHECK_TEXT(messages(m, 0), text);
	OK(store_status(f.user, S("A.B"), &after));
	CHECK(after.uidvalidity == before.uidvalidity);
	CHECK(after.uidnext >= before.uidnext);
	CHECK(after.highestmodseq > before.highestmodseq);
	CHECK(strcmp(after.guid, before.guid) == 0);
	CHECK(after.unseen == before.unseen && after.size == before.size);
	CHECK(append(&f, "A.B", "e", 0, NULL) >= before.uidnext);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(a_damaged_index_is_moved_aside_and_rebuilt)
{
	struct store_mailbox *m;
	struct fixture f;

	fixture_start(&f);
	log_set_sink(swallow);
	append(&f, "INBOX", "a", STORE_SEEN, "k");
	reopen(&f, "boot-1");
	put_file(&f, "pillarbox.db", "this is no database at all; it is only"
	    " text that somebody put here, long enough to be read as one page"
	    " of a database file, if one is not careful about what one reads");
	m = box(&f, "INBOX");
	CHECK_TEXT(messages(m, 0), "1:01(k) ");
	store_mailbox_close(m);
	log_set_sink(NULL);
	fixture_end(&f);
}

/* Back to an older index, as after a power cut that lost the last commits. */
TEST(forgotten_commits_never_make_a_uid_used_twice)
{
	struct store_mailbox *m;
	struct fixture f;
	struct store_set set = STORE_SET_INIT;
	struct buf old = BUF_INIT(1 << 24);
	uint32_t uid;

	fixture_start(&f);
	append(&f, "INBOX", "a", 0, NULL);
	reopen(&f, "boot-1");
	CHECK(file_read(at(&f, "pillarbox.db"), &old) == 0);
	append(&f, "INBOX", "b", 0, "new");
	uid = append(&f, "INBOX", "c", 0, NULL);
	m = box(&f, "INBOX");
	store_set_add(&set, uid, uid);
	OK(store_expunge(m, &set, false, NULL, NULL));
	store_mailbox_close(m);
	fixture_close(&f);
	CHECK(file_replace(at(&f, "pillarbox.db"), buf_slice(&old), 0600) == 0);
	fixture_open(&f);
	reopen(&f, "boot-2");
	CHECK(append(&f, "INBOX", "d", 0, NULL) == 1000);
	m = box(&f, "INBOX");
	CHECK_TEXT(messages(m, 0), "1:00 2:00(new) 1000:00 ");
	store_mailbox_close(m);
	store_set_release(&set);
	buf_release(&old);
	fixture_end(&f);
}

TEST(a_lost_row_is_still_a_known_delivery)
{
	struct store_delivery d = { .mailbox = S("INBOX"),
		.prefix = S("Subject: x\r\n\r\n"), .fd = -1,
		.meta = { .delivery_id = S("QID7") } };
	struct store_appended done;
	struct fixture f;

	fixture_start(&f);
	OK(store_deliver(f.user, &d, &done));
	fixture_close(&f);
	remove_index(&f);
	fixture_open(&f);
	OK(store_deliver(f.user, &d, &done));
	CHECK(done.repeated && done.first_uid == 1);
	fixture_end(&f);
}

TEST(a_dovecot_folder_is_taken_over)
{
	static const char uidlist[] =
	    "3 V1683462011 N7 G5f6aa01f2bd85764d10f0000a83ecd0d\n"
	    "1 :1683462011.M97384P100.mail,S=12,W=14\n"
	    "junk\n"
	    "5 W2154 S2110 :1683462050.M1P2.mail\n"
	    "6 :gone.mail\n"
	    "9 :1683462060.M1P2.mail,S=3,W=4\n";
	struct store_status st;
	struct store_mailbox *m;
	struct fixture f;

	fixture_start(&f);
	CHECK(file_make_dirs(at(&f, "cur"), 0700) == 0);
	CHECK(file_make_dirs(at(&f, "new"), 0700) == 0);
	CHECK(file_make_dirs(at(&f, "tmp"), 0700) == 0);
	put_file(&f, "dovecot-uidlist", uidlist);
	put_file(&f, "dovecot-keywords", "0 $Label1\n1 work\n3 far\n");
	put_file(&f, "cur/1683462011.M97384P100.mail,S=12,W=14:2,FSb",
	    "Subject: a\n\n");
	put_file(&f, "cur/1683462050.M1P2.mail:2,PRTad", "a\n\nb\n");
	put_file(&f, "new/1683462060.M1P2.mail,S=3,W=4", "a\n\n");
	put_file(&f, "cur/1683462049.M2P2.mail:2,c", "late\n");
	put_file(&f, "cur/1683462049.M10P2.mail:2,", "later\n");
	m = box(&f, "INBOX");
	OK(store_mailbox_sync(m));
	CHECK_TEXT(messages(m, 0), "1:05(work) "
	    "5:0a($Label1,far,$Forwarded) 9:00 10:00 11:00 ");
	OK(store_mailbox_status(m, &st));
	CHECK(st.uidvalidity == 1683462011 && st.uidnext == 12);
	CHECK_TEXT(st.guid, "5f6aa01f2bd85764d10f0000a83ecd0d");
	CHECK(file_exists(at(&f,
	    "cur/1683462050.M1P2.mail,U=5:2,PRTad")));
	store_mailbox_close(m);
	fixture_close(&f);
	remove_index(&f);
	fixture_open(&f);
	m = box(&f, "INBOX");
	CHECK_TEXT(messages(m, 0), "1:05(work) "
	    "5:0a($Label1,far,$Forwarded) 9:00 10:00 11:00 ");
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(what_other_programs_do_is_adopted)
{
	struct store_set vanished = STORE_SET_INIT;
	struct store_mailbox *m;
	struct store_status st;
	struct fixture f;
	uint64_t before;
	char from[2 * PATH_MAX];
	DIR *d;
	struct dirent *e;

	fixture_start(&f);
	log_set_sink(swallow);
	append(&f, "INBOX", "a", STORE_SEEN, NULL);
	append(&f, "INBOX", "b", STORE_SEEN, NULL);
	m = box(&f, "INBOX");
	OK(store_mailbox_sync(m));
	put_file(&f, "new/1700000000.mutt.host", "Subject: drop\n\nx\n");
	put_file(&f, "cur/1700000001.x,U=4000000000:2,F", "y\n");
	put_file(&f, "cur/1700000002.x,U=1:2,", "z\n");
	CHECK(mkdir(at(&f, "cur/folder"), 0700) == 0);
	CHECK(symlink("/etc/passwd", at(&f, "new/link")) == 0);
	CHECK(mkfifo(at(&f, "new/fifo"), 0600) == 0);
	OK(store_mailbox_sync(m));
	CHECK_TEXT(messages(m, 0), "1:01 2:01 3:00 4:04 5:00 ");
	CHECK(file_exists(at(&f, "new/link")) && file_exists(at(&f, "new/fifo"))
	    && file_exists(at(&f, "cur/folder")));
	OK(store_mailbox_modseq(m, &before));
	/* Answered in message 1, message 2 removed. */
	d = opendir(at(&f, "cur"));
	while ((e = readdir(d)) != NULL) {
		snprintf(from, sizeof(from), "%s/%s", at(&f, "cur"),
		    e->d_name);
		if (strstr(from, "U=2:") != NULL)
			CHECK(unlink(from) == 0);
		if (strstr(from, "W=36,U=1:") != NULL) {
			char to[2 * PATH_MAX + 10];

			snprintf(to, sizeof(to), "%.*sRS",
			    (int)strlen(from) - 1, from);
			CHECK(rename(from, to) == 0);
		}
	}
	closedir(d);
	OK(store_mailbox_sync(m));
	CHECK_TEXT(messages(m, 0), "1:03 3:00 4:04 5:00 ");
	CHECK_TEXT(messages(m, before), "1:03 ");
	OK(store_vanished(m, before, &vanished));
	CHECK(store_set_count(&vanished) == 1 && store_set_has(&vanished, 2));
	OK(store_mailbox_status(m, &st));
	CHECK(st.messages == 4 && st.unseen == 3);
	store_set_release(&vanished);
	store_mailbox_close(m);
	log_set_sink(NULL);
	fixture_end(&f);
}

TEST(a_folder_swapped_for_another_is_another_mailbox)
{
	struct store_status a, b;
	struct fixture f;
	char from[PATH_MAX], to[PATH_MAX];

	fixture_start(&f);
	OK(store_create(f.user, S("A"), NULL));
	append(&f, "A", "a", 0, NULL);
	OK(store_create(f.user, S("B"), NULL));
	append(&f, "B", "b", STORE_SEEN, NULL);
	OK(store_status(f.user, S("B"), &b));
	OK(store_delete(f.user, S("A")));
	snprintf(from, sizeof(from), "%s", at(&f, ".B"));
	snprintf(to, sizeof(to), "%s", at(&f, ".A"));
	CHECK(rename(from, to) == 0);
	OK(store_status(f.user, S("A"), &a));
	CHECK(a.uidvalidity == b.uidvalidity && a.messages == 1 &&
	    a.unseen == 0);
	CHECK(store_status(f.user, S("B"), &b) == STORE_NO_MAILBOX);
	fixture_end(&f);
}

#define PROCESSES 4
#define EACH 50

static void
deliver_many(struct fixture *f)
{
	log_init("child", LOG_ERROR);
	fixture_open(f);
	for (int i = 0; i < EACH; i++)
		append(f, "INBOX", "x", i % 2 ? STORE_SEEN : 0, "kw");
	fixture_close(f);
	_exit(0);
}

TEST(processes_deliver_to_one_mailbox_at_once)
{
	uint32_t *uids;
	struct store_mailbox *m;
	struct store_status st;
	struct fixture f;
	size_t n;

	fixture_start(&f);
	fixture_close(&f);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		if (pid == 0)
			deliver_many(&f);
		CHECK(pid > 0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		CHECK(wait(&status) > 0 && status == 0);
	}
	fixture_open(&f);
	m = box(&f, "INBOX");
	OK(store_mailbox_uids(m, &uids, &n));
	CHECK(n == PROCESSES * EACH);
	for (size_t i = 0; i < n; i++)
		CHECK(uids[i] == i + 1);
	OK(store_mailbox_sync(m));
	OK(store_mailbox_status(m, &st));
	CHECK(st.messages == n && st.unseen == n / 2);
	mem_free(uids);
	store_mailbox_close(m);
	fixture_end(&f);
}

static void
count_hit(void *ctx)
{
	int *n = ctx;

	(*n)++;
}

TEST(notify_tells_of_deliveries_and_dropped_files)
{
	struct store_notify *n = store_notify_new();
	struct store_watch *w, *other;
	struct store_mailbox *m;
	struct pollfd p;
	struct fixture f;
	int hits = 0, others = 0;

	CHECK(n != NULL);
	fixture_start(&f);
	append(&f, "INBOX", "first", 0, NULL);
	m = box(&f, "INBOX");
	w = store_notify_watch(n, m, &hits);
	other = store_notify_watch(n, m, &others);
	CHECK(w != NULL && other != NULL);
	p = (struct pollfd){ store_notify_fd(n), POLLIN, 0 };
	append(&f, "INBOX", "second", 0, NULL);
	CHECK(poll(&p, 1, 1000) == 1);
	CHECK(store_notify_read(n, count_hit) == 0);
	CHECK(hits == 1 && others == 1, "%d %d", hits, others);
	CHECK(poll(&p, 1, 0) == 0);
	store_notify_unwatch(n, other);
	put_file(&f, "new/1700000000.mutt.host", "Subject: drop\n\nx\n");
	CHECK(poll(&p, 1, 1000) == 1);
	CHECK(store_notify_read(n, count_hit) == 0);
	CHECK(hits == 2 && others == 1);
	store_notify_unwatch(n, w);
	store_notify_free(n);
	store_mailbox_close(m);
	fixture_end(&f);
}

TESTS(T(a_lost_index_is_rebuilt_with_uids_flags_and_keywords),
    T(a_damaged_index_is_moved_aside_and_rebuilt),
    T(forgotten_commits_never_make_a_uid_used_twice),
    T(a_lost_row_is_still_a_known_delivery),
    T(a_dovecot_folder_is_taken_over),
    T(what_other_programs_do_is_adopted),
    T(a_folder_swapped_for_another_is_another_mailbox),
    T(processes_deliver_to_one_mailbox_at_once),
    T(notify_tells_of_deliveries_and_dropped_files))
