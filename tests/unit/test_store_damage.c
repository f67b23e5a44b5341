/* What other programs, crashes and bad luck leave in a Maildir: the rest of
 * the mailbox works, and nothing is deleted that is not understood. */
#include "store_fixture.h"

#include <zlib.h>
#include <zstd.h>

/* Expected complaints. */
static unsigned complaints;

static void
count_line(const char *line UNUSED, size_t n UNUSED)
{
	complaints++;
}

static void
start(struct fixture *f)
{
	fixture_start(f);
	log_set_sink(count_line);
	log_set_level(LOG_WARN);
	complaints = 0;
	CHECK(file_make_dirs(at(f, "cur"), 0700) == 0);
	CHECK(file_make_dirs(at(f, "new"), 0700) == 0);
	CHECK(file_make_dirs(at(f, "tmp"), 0700) == 0);
}

static void
end(struct fixture *f)
{
	log_set_sink(NULL);
	fixture_end(f);
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
check_inbox(struct fixture *f, const char *want)
{
	struct store_mailbox *m = box(f, "INBOX");

	OK(store_mailbox_sync(m));
	CHECK_TEXT(messages(m, 0), want);
	store_mailbox_close(m);
}

#define V "3 V77 N5 G5f6aa01f2bd85764d10f0000a83ecd0d\n"

TEST(damaged_uidlists_keep_what_is_readable)
{
	static const struct {
		const char *list;
		const char *want;
	} cases[] = {
		{ V "2 :a\n4 :b\n", "2:00 4:00 5:00 " },
		{ V "2 :a\n\n\n:\n 4 b\n4\n-4 :b\n", "2:00 5:00 6:00 " },
		{ V "2 :a\n2 :b\n", "2:00 5:00 6:00 " },
		{ V "2 :a\n3 :a\n", "2:00 5:00 6:00 " },
		{ V "4 :a\n2 :b\n", "2:00 4:00 5:00 " },
		{ V "2 :a\n4294967295 :b\n", "2:00 5:00 6:00 " },
		{ V "2 :a\n99999999999 :b\n0 :c\n", "2:00 5:00 6:00 " },
		{ V "2 P1 W3 S2 X:y :a\n", "2:00 5:00 6:00 " },
		{ V "2 :a", "2:00 5:00 6:00 " },
		{ "3 V77 N4294967295\n2 :a\n", "2:00 3:00 4:00 " },
		{ "3 V77 N0\n2 :a\n", "2:00 3:00 4:00 " },
		{ "3 V77 Nx Qfoo\n2 :a\n", "2:00 3:00 4:00 " },
		{ "3 N5\n2 :a\n", "1:00 2:00 3:00 " },
		{ "rubbish\n2 :a\n", "1:00 2:00 3:00 " },
		{ "", "1:00 2:00 3:00 " },
		{ "1 77 5\n2 a:2,S\n4 b\n", "2:00 4:00 5:00 " },
		{ "1 77\n2 a\n", "1:00 2:00 3:00 " },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct fixture f;

		start(&f);
		put_file(&f, "dovecot-uidlist", cases[i].list);
		put_file(&f, "cur/a:2,", "a\n");
		put_file(&f, "cur/b:2,", "b\n");
		put_file(&f, "new/c", "c\n");
		check_inbox(&f, cases[i].want);
		append(&f, "INBOX", "next", 0, NULL);
		CHECK(count_files(&f, "cur") == 2 && count_files(&f, "new") == 2);
		end(&f);
	}
}

TEST(files_that_are_none_do_not_block)
{
	static const char *const names[] = { "dovecot-uidlist",
		"dovecot-keywords", "pillarbox-folder", "subscriptions" };

	for (size_t i = 0; i < LEN(names); i++)
		for (int link = 0; link < 2; link++) {
			struct fixture f;

			start(&f);
			put_file(&f, "cur/a:2,S", "a\n");
			CHECK(link ? symlink("/dev/zero", at(&f, names[i])) == 0
			    : mkfifo(at(&f, names[i]), 0600) == 0);
			check_inbox(&f, "1:01 ");
			append(&f, "INBOX", "next", 0, "keyword");
			check_inbox(&f, "1:01 2:00(keyword) ");
			CHECK(complaints > 0 || i == 3);
			end(&f);
		}
}

TEST(damaged_keyword_files_name_what_they_can)
{
	struct fixture f;

	start(&f);
	put_file(&f, "dovecot-keywords", "0 zero\n0 again\n1 zero\nx y\n"
	    "25 last\n26 beyond\n99999999999999999999 huge\n3\n4 \n\n5 five");
	put_file(&f, "dovecot-uidlist", V "1 :a\n2 :b\n");
	put_file(&f, "cur/a:2,abz", "a\n");
	put_file(&f, "cur/b:2,SSfffdX!9", "b\n");
	check_inbox(&f, "1:00(zero,last) 2:01(five) ");
	CHECK(file_exists(at(&f, "cur/a,U=1:2,abz")));
	end(&f);
}

TEST(odd_file_names_are_messages_or_left_alone)
{
	char lengthy[256];
	struct fixture f;

	start(&f);
	memset(lengthy, 'x', sizeof(lengthy));
	memcpy(lengthy, "cur/", 4);
	lengthy[4 + 250] = '\0';
	put_file(&f, lengthy, "too long\n");
	lengthy[4 + 199] = '\0';
	put_file(&f, lengthy, "as long as we keep it\n");
	put_file(&f, "cur/no info", "a\n");
	put_file(&f, "cur/1.other:1,S", "b\n");
	put_file(&f, "cur/2.line\nbreak:2,F", "c\n");
	put_file(&f, "cur/.dot:2,S", "d\n");
	put_file(&f, "cur/:2,S", "e\n");
	put_file(&f, "new/3.flags:2,S", "f\n");
	put_file(&f, "cur/4.M9999999999999P,S=,W=x,U=-1:2,", "g\n");
	check_inbox(&f, "1:00 2:00 3:00 4:04 5:01 6:00 ");
	check_inbox(&f, "1:00 2:00 3:00 4:04 5:01 6:00 ");
	CHECK(file_exists(at(&f, "cur/:2,S")) &&
	    file_exists(at(&f, "cur/.dot:2,S")));
	CHECK(count_files(&f, "cur") == 7);
	end(&f);
}

static int
see_size(void *ctx, const struct store_message *msg)
{
	uint64_t *vsize = ctx;

	vsize[msg->uid] = msg->vsize;
	return 0;
}

TEST(sizes_in_names_that_lie_are_counted)
{
	uint64_t vsize[8] = { 0 };
	struct store_walk w = { 0 };
	struct store_mailbox *m;
	struct fixture f;

	start(&f);
	put_file(&f, "cur/1.a,S=4,W=6:2,", "a\nb\n");
	put_file(&f, "cur/2.a,S=5,W=6:2,", "a\nb\n");
	put_file(&f, "cur/3.a,S=4,W=3:2,", "a\nb\n");
	put_file(&f, "cur/4.a,S=4,W=99999999:2,", "a\nb\n");
	put_file(&f, "cur/5.a,S=18446744073709551616:2,", "a\nb\n");
	m = box(&f, "INBOX");
	OK(store_mailbox_sync(m));
	OK(store_walk(m, &w, see_size, vsize, NULL));
	for (size_t i = 1; i <= 5; i++)
		CHECK(vsize[i] == 6, "%zu: %llu", i,
		    (unsigned long long)vsize[i]);
	store_mailbox_close(m);
	end(&f);
}

TEST(two_files_with_one_uid_are_two_messages)
{
	struct fixture f;

	start(&f);
	append(&f, "INBOX", "first", 0, NULL);
	put_file(&f, "cur/1.x,U=1:2,S", "again\n");
	put_file(&f, "cur/2.x,U=7:2,S", "seven\n");
	put_file(&f, "cur/3.x,U=7:2,F", "seven too\n");
	check_inbox(&f, "1:00 7:01 8:04 9:01 ");
	/* One name in both places. */
	put_file(&f, "new/5.same", "new\n");
	put_file(&f, "cur/5.same:2,", "cur\n");
	check_inbox(&f, "1:00 7:01 8:04 9:01 10:00 11:00 ");
	CHECK(count_files(&f, "cur") + count_files(&f, "new") == 6);
	end(&f);
}

TEST(a_damaged_wal_or_index_is_replaced)
{
	static const char *const files[] = { "pillarbox.db", "pillarbox.db-wal",
		"pillarbox.db-shm" };

	for (size_t i = 0; i < LEN(files); i++)
		for (int how = 0; how < 3; how++) {
			struct fixture f;
			char junk[20000];
			int fd;

			start(&f);
			for (int k = 0; k < 50; k++)
				append(&f, "INBOX", "x", STORE_SEEN, "k");
			fixture_close(&f);
			fixture_open(&f);
			if (i > 0)
				append(&f, "INBOX", "x", STORE_SEEN, "k");
			fixture_close(&f);
			memset(junk, 0x5a, sizeof(junk));
			fd = open(at(&f, files[i]), O_RDWR | O_CREAT, 0600);
			CHECK(fd != -1);
			if (how == 0)
				CHECK(ftruncate(fd, 0) == 0);
			else
				CHECK(pwrite(fd, junk, sizeof(junk), how == 1 ?
				    0 : 4096) == sizeof(junk));
			close(fd);
			fixture_open(&f);
			for (int k = 0; k < 3; k++) {
				struct store_mailbox *m;
				uint32_t *uids;
				size_t n;

				/* The first calls may find the damage. */
				if (store_mailbox_open(f.user, S("INBOX"),
				    false, &m) != STORE_OK)
					continue;
				if (store_mailbox_sync(m) == STORE_OK &&
				    store_mailbox_uids(m, &uids, &n) ==
				    STORE_OK) {
					CHECK(k < 2 || n == (i > 0 ? 51 : 50),
					    "%s %d: %zu", files[i], how, n);
					mem_free(uids);
				} else {
					CHECK(k < 2, "%s %d", files[i], how);
				}
				store_mailbox_close(m);
			}
			CHECK(append(&f, "INBOX", "y", 0, NULL) > 50);
			end(&f);
		}
}

TEST(a_clock_that_goes_back_changes_no_promise)
{
	struct store_status a, b, made;
	struct fixture f;

	start(&f);
	/* Everything was stamped by a clock 30 years ahead. */
	put_file(&f, "dovecot-uidvalidity", "a0000000");
	put_file(&f, "dovecot-uidlist",
	    "3 V2684354560 N9 G5f6aa01f2bd85764d10f0000a83ecd0d\n8 :3000000000.a\n");
	put_file(&f, "cur/3000000000.a:2,", "a\n");
	OK(store_status(f.user, S("INBOX"), &a));
	CHECK(a.uidvalidity == 2684354560);
	OK(store_create(f.user, S("New"), NULL));
	OK(store_status(f.user, S("New"), &made));
	CHECK(made.uidvalidity > a.uidvalidity);
	reopen(&f, "boot-2");
	append(&f, "INBOX", "b", 0, NULL);
	OK(store_status(f.user, S("INBOX"), &b));
	CHECK(b.highestmodseq > a.highestmodseq && b.uidnext > a.uidnext);
	put_file(&f, "dovecot-uidvalidity", "ffffffff");
	OK(store_create(f.user, S("Last"), NULL));
	OK(store_status(f.user, S("Last"), &made));
	CHECK(made.uidvalidity != 0);
	end(&f);
}

/* root may read everything: go on as somebody else. */
static void
give_away(struct fixture *f)
{
	static const char *const files[] = { "..", ".", "cur", "new", "tmp",
		"cur/1.a:2,", "cur/3.c:2,S" };

	if (geteuid() != 0)
		return;
	CHECK(chown(f->dir, 65534, 65534) == 0);
	for (size_t i = 0; i < LEN(files); i++)
		CHECK(chown(at(f, files[i]), 65534, 65534) == 0);
	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
}

TEST(what_the_system_refuses_does_not_hide_the_rest)
{
	struct fixture f;
	pid_t pid;
	int status;

	start(&f);
	put_file(&f, "cur/1.a:2,", "a\n");
	put_file(&f, "cur/2.secret:2,", "b\n");
	put_file(&f, "cur/3.c:2,S", "c\n");
	CHECK(chmod(at(&f, "cur/2.secret:2,"), 0) == 0);
	fixture_close(&f);
	pid = fork();
	if (pid == 0) {
		give_away(&f);
		fixture_open(&f);
		check_inbox(&f, "1:00 2:01 ");
		fixture_close(&f);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(count_files(&f, "cur") == 3);
	fixture_open(&f);
	end(&f);
}

static void
put_bytes(struct fixture *f, const char *rest, const void *p, size_t n)
{
	int fd = open(at(f, rest), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd != -1 && file_write_all(fd, p, n) == 0);
	close(fd);
}

TEST(compressed_messages_are_read_and_encrypted_ones_refused)
{
	static const char text[] = "Subject: packed\n\nbody\n";
	unsigned char gz[256], zs[256], bomb[5000];
	struct store_mailbox *m;
	struct store_body body;
	struct fixture f;
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)text,
		.avail_in = sizeof(text) - 1, .next_out = gz,
		.avail_out = sizeof(gz) };
	size_t n;

	start(&f);
	CHECK(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, 0) == Z_OK &&
	    deflate(&z, Z_FINISH) == Z_STREAM_END);
	put_bytes(&f, "cur/1.a:2,", gz, z.total_out);
	put_bytes(&f, "cur/3.cut:2,", gz, z.total_out - 9);
	deflateEnd(&z);
	n = ZSTD_compress(zs, sizeof(zs), text, sizeof(text) - 1, 3);
	put_bytes(&f, "cur/2.b,S=22,W=25:2,", zs, n);
	put_bytes(&f, "cur/4.cut:2,", zs, n - 5);
	memset(bomb, 0x1f, sizeof(bomb));
	memcpy(bomb, "CRYPTED\x03\x07", 9);
	put_bytes(&f, "cur/5.c,S=9,W=9:2,", bomb, sizeof(bomb));
	put_bytes(&f, "cur/6.d:2,", "BZh91AY", 7);
	m = box(&f, "INBOX");
	OK(store_mailbox_sync(m));
	for (uint32_t uid = 1; uid <= 2; uid++) {
		OK(store_body_open(m, uid, &body));
		CHECK_SLICE(body.text, text);
		store_body_close(&body);
	}
	for (uint32_t uid = 3; uid <= 6; uid++)
		CHECK(store_body_open(m, uid, &body) == STORE_CORRUPT, "%u", uid);
	append(&f, "INBOX", "works", 0, NULL);
	CHECK(count_files(&f, "cur") == 6);
	store_mailbox_close(m);
	end(&f);
}

static void
last_report(void *ctx, const char *mailbox UNUSED, uint64_t done,
    uint64_t total)
{
	uint64_t *at = ctx;

	at[0] = done;
	at[1] = total;
}

TEST(a_rebuild_keeps_everything_under_an_open_session)
{
	struct store_mailbox *m;
	uint64_t report[2] = { 0 };
	char text[4096];
	struct fixture f;

	start(&f);
	append(&f, "INBOX", "a", STORE_SEEN, "k");
	append(&f, "INBOX", "b", STORE_DELETED, NULL);
	append(&f, "INBOX", "c", STORE_FLAGGED, "$Forwarded");
	m = box(&f, "INBOX");
	OK(store_expunge(m, NULL, true, NULL, NULL));
	snprintf(text, sizeof(text), "%s", messages(m, 0));
	OK(store_rebuild(f.user, S(""), last_report, report));
	CHECK(report[0] == 2 && report[1] == 2);
	CHECK_TEXT(messages(m, 0), text);
	OK(store_rebuild(f.user, S("INBOX"), NULL, NULL));
	CHECK_TEXT(messages(m, 0), text);
	CHECK(append(&f, "INBOX", "d", 0, NULL) > 3);
	CHECK(store_rebuild(f.user, S("Nowhere"), NULL, NULL) ==
	    STORE_NO_MAILBOX);
	store_mailbox_close(m);
	end(&f);
}

TESTS(T(damaged_uidlists_keep_what_is_readable),
    T(files_that_are_none_do_not_block),
    T(damaged_keyword_files_name_what_they_can),
    T(odd_file_names_are_messages_or_left_alone),
    T(sizes_in_names_that_lie_are_counted),
    T(two_files_with_one_uid_are_two_messages),
    T(a_damaged_wal_or_index_is_replaced),
    T(a_clock_that_goes_back_changes_no_promise),
    T(what_the_system_refuses_does_not_hide_the_rest),
    T(compressed_messages_are_read_and_encrypted_ones_refused),
    T(a_rebuild_keeps_everything_under_an_open_session))
