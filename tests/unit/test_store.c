#include <glob.h>

#include "store_fixture.h"

#include "store/index.h"

static struct store_set
set_of(uint32_t first, uint32_t last)
{
	struct store_set s = STORE_SET_INIT;

	store_set_add(&s, first, last);
	return s;
}

TEST(set_merges_and_finds)
{
	struct store_set s = STORE_SET_INIT;
	struct buf b = BUF_INIT(100);

	store_set_add(&s, 5, 7);
	store_set_add(&s, 1, 1);
	store_set_add(&s, 3, 3);
	store_set_add(&s, 9, 12);
	store_set_add(&s, 8, 8);
	store_set_format(&s, &b);
	CHECK_SLICE(buf_slice(&b), "1,3,5:12");
	CHECK(store_set_count(&s) == 10);
	CHECK(store_set_has(&s, 3) && !store_set_has(&s, 2) &&
	    store_set_has(&s, 12) && !store_set_has(&s, 13));
	store_set_add(&s, UINT32_MAX, 2);
	buf_clear(&b);
	store_set_format(&s, &b);
	CHECK_SLICE(buf_slice(&b), "1:4294967295");
	store_set_release(&s);
	buf_release(&b);
}

static int
see_texts(void *ctx, const struct store_message *msg)
{
	int *n = ctx;

	(*n)++;
	CHECK(slice_ifind(msg->envelope, S("\"hello\"")) > 0, "%.*s",
	    SLICE_ARG(msg->envelope));
	CHECK(slice_ifind(msg->bodystructure, S("\"TEXT\"")) == 1, "%.*s",
	    SLICE_ARG(msg->bodystructure));
	CHECK_SLICE(msg->headers, "Subject: hello\r\nFrom: a@b.test\r\n");
	CHECK(msg->headers_complete);
	CHECK(msg->internaldate == 1700000000);
	CHECK(msg->size == 36 && msg->vsize == 40, "%llu %llu",
	    (unsigned long long)msg->size, (unsigned long long)msg->vsize);
	return 0;
}

TEST(append_is_seen_with_its_texts_and_body)
{
	struct store_walk w = { .want = STORE_WANT_ENVELOPE |
		STORE_WANT_BODYSTRUCTURE | STORE_WANT_HEADERS };
	struct store_status st;
	struct store_body body;
	struct store_mailbox *m;
	struct fixture f;
	int n = 0;

	fixture_start(&f);
	CHECK(append(&f, "inbox", "hello", 0, NULL) == 1);
	m = box(&f, "INBOX");
	OK(store_walk(m, &w, see_texts, &n, NULL));
	CHECK(n == 1);
	OK(store_body_open(m, 1, &body));
	CHECK_SLICE(body.text,
	    "Subject: hello\nFrom: a@b.test\n\nline\n");
	store_body_close(&body);
	CHECK(store_body_open(m, 2, &body) == STORE_NO_MESSAGE);
	OK(store_mailbox_status(m, &st));
	CHECK(st.messages == 1 && st.unseen == 1 && st.recent == 1 &&
	    st.uidnext == 2 && st.first_unseen == 1 && st.size == 40);
	CHECK(count_files(&f, "new") == 1 && count_files(&f, "tmp") == 0);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(recent_is_given_to_one_session_and_moves_files)
{
	struct store_mailbox *m;
	struct fixture f;
	uint32_t from, to;

	fixture_start(&f);
	append(&f, "INBOX", "a", 0, NULL);
	append(&f, "INBOX", "b", 0, NULL);
	m = box(&f, "INBOX");
	OK(store_mailbox_recent(m, false, &from, &to));
	CHECK(from == 1 && to == 3);
	OK(store_mailbox_recent(m, true, &from, &to));
	CHECK(from == 1 && to == 3);
	OK(store_mailbox_recent(m, true, &from, &to));
	CHECK(from == 3 && to == 3);
	CHECK(count_files(&f, "new") == 0 && count_files(&f, "cur") == 2);
	CHECK_TEXT(messages(m, 0), "1:00 2:00 ");
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(flags_change_in_index_and_file_names)
{
	struct slice k[] = { S("$Label1"), S("$Forwarded") };
	struct store_set set = set_of(1, 2), refused = STORE_SET_INIT;
	struct store_change c = { .how = STORE_ADD,
		.flags = STORE_SEEN | STORE_DELETED, .keywords = k,
		.n_keywords = 2 };
	struct store_status st;
	struct store_mailbox *m;
	struct fixture f;
	uint64_t before, after;

	fixture_start(&f);
	append(&f, "INBOX", "a", 0, NULL);
	append(&f, "INBOX", "b", STORE_FLAGGED, "work");
	append(&f, "INBOX", "c", 0, NULL);
	m = box(&f, "INBOX");
	OK(store_mailbox_modseq(m, &before));
	OK(store_change_flags(m, &set, &c, NULL, &after));
	CHECK(after == before + 1);
	CHECK_TEXT(messages(m, before), "1:09($Label1,$Forwarded) "
	    "2:0d(work,$Label1,$Forwarded) ");
	OK(store_mailbox_status(m, &st));
	CHECK(st.unseen == 1 && st.deleted == 2 && st.first_unseen == 3);
	CHECK(count_files(&f, "cur") == 2);
	/* Nothing changes: no new MODSEQ. */
	OK(store_change_flags(m, &set, &c, NULL, &before));
	CHECK(before == after);
	/* UNCHANGEDSINCE an older state: both refused. */
	c.how = STORE_REPLACE;
	c.flags = 0;
	c.n_keywords = 0;
	c.conditional = true;
	c.unchanged_since = after - 1;
	OK(store_change_flags(m, &set, &c, &refused, NULL));
	CHECK(store_set_count(&refused) == 2);
	c.unchanged_since = after;
	OK(store_change_flags(m, &set, &c, NULL, NULL));
	CHECK_TEXT(messages(m, 0), "1:00 2:00 3:00 ");
	store_set_release(&refused);
	store_set_release(&set);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(expunge_removes_deleted_and_is_remembered)
{
	struct store_set gone = STORE_SET_INIT, vanished = STORE_SET_INIT;
	struct store_mailbox *m;
	struct fixture f;
	uint64_t before;

	fixture_start(&f);
	append(&f, "INBOX", "a", STORE_DELETED, NULL);
	append(&f, "INBOX", "b", 0, NULL);
	append(&f, "INBOX", "c", STORE_DELETED, NULL);
	m = box(&f, "INBOX");
	OK(store_mailbox_modseq(m, &before));
	OK(store_expunge(m, NULL, true, &gone, NULL));
	CHECK(store_set_count(&gone) == 2 && store_set_has(&gone, 3));
	OK(store_vanished(m, before, &vanished));
	CHECK(store_set_count(&vanished) == 2 && store_set_has(&vanished, 1));
	CHECK_TEXT(messages(m, 0), "2:00 ");
	CHECK(append(&f, "INBOX", "d", 0, NULL) == 4);
	CHECK(count_files(&f, "cur") == 0 && count_files(&f, "new") == 2);
	store_set_release(&gone);
	store_set_release(&vanished);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(copy_and_move_keep_flags_keywords_and_dates)
{
	struct store_copied done;
	struct store_set set = set_of(1, 99);
	struct store_usage usage;
	struct store_mailbox *m, *a;
	struct fixture f;

	fixture_start(&f);
	OK(store_create(f.user, S("A"), NULL));
	append(&f, "A", "x", 0, "zero");
	append(&f, "INBOX", "a", STORE_SEEN, "one");
	append(&f, "INBOX", "b", STORE_FLAGGED, NULL);
	m = box(&f, "INBOX");
	OK(store_copy(m, &set, S("A"), &done));
	CHECK(done.n == 2 && done.from[0] == 1 && done.to[0] == 2 &&
	    done.from[1] == 2 && done.to[1] == 3);
	store_copied_release(&done);
	a = box(&f, "A");
	CHECK_TEXT(messages(a, 0), "1:00(zero) 2:01(one) 3:04 ");
	OK(store_move(m, &set, S("Trash"), &done));
	CHECK(done.n == 2);
	store_copied_release(&done);
	CHECK_TEXT(messages(m, 0), "");
	CHECK(count_files(&f, "cur") + count_files(&f, "new") == 0);
	CHECK(count_files(&f, ".Trash/cur") == 2);
	OK(store_usage(f.user, &usage));
	CHECK(usage.messages == 5, "%llu", (unsigned long long)usage.messages);
	CHECK(store_copy(m, &set, S("Nope"), &done) == STORE_NO_MAILBOX);
	/* Within one mailbox. */
	set.r[0].first = 3;
	OK(store_move(a, &set, S("A"), &done));
	CHECK(done.n == 1 && done.to[0] == 4);
	store_copied_release(&done);
	CHECK_TEXT(messages(a, 0), "1:00(zero) 2:01(one) 4:04 ");
	store_set_release(&set);
	store_mailbox_close(a);
	store_mailbox_close(m);
	fixture_end(&f);
}

static const char *
listing(struct fixture *f)
{
	static char out[4096];
	struct store_list list;
	struct buf b = BUF_INIT(4000);

	OK(store_list(f->user, &list));
	for (size_t i = 0; i < list.n; i++)
		buf_addf(&b, "%s:%x%s ", list.entries[i].name,
		    list.entries[i].attributes, list.entries[i].special_use !=
		    NULL ? list.entries[i].special_use : "");
	snprintf(out, sizeof(out), "%s", buf_str(&b));
	buf_release(&b);
	store_list_release(&list);
	return out;
}

TEST(folders_are_listed_created_renamed_and_deleted)
{
	struct store_mailbox *m;
	struct fixture f;

	fixture_start(&f);
	CHECK_TEXT(listing(&f), "INBOX:0 Drafts:c\\Drafts Junk:c\\Junk "
	    "Sent:c\\Sent Trash:c\\Trash ");
	CHECK(!file_exists(at(&f, ".Sent")));
	OK(store_create(f.user, S("A.B.C"), NULL));
	OK(store_create(f.user, S("Spam"), "\\Junk"));
	CHECK(store_create(f.user, S("Spam"), NULL) == STORE_EXISTS);
	OK(store_subscribe(f.user, S("A.B.C")));
	OK(store_subscribe(f.user, S("Gone")));
	CHECK_TEXT(listing(&f), "INBOX:0 A:3 A.B:3 A.B.C:4 Drafts:c\\Drafts "
	    "Gone:5 Sent:c\\Sent Spam:0\\Junk Trash:c\\Trash ");
	append(&f, "A.B.C", "x", 0, NULL);
	m = box(&f, "A.B.C");
	OK(store_rename(f.user, S("A"), S("Z")));
	OK(store_mailbox_sync(m));
	CHECK_TEXT(store_mailbox_name(m), "Z.B.C");
	CHECK_TEXT(messages(m, 0), "1:00 ");
	CHECK(store_rename(f.user, S("A"), S("Q")) == STORE_NO_MAILBOX);
	CHECK(store_rename(f.user, S("Z"), S("Spam")) == STORE_EXISTS);
	CHECK(store_delete(f.user, S("Z.B")) == STORE_HAS_CHILDREN);
	CHECK(store_delete(f.user, S("Nope")) == STORE_NO_MAILBOX);
	CHECK(store_delete(f.user, S("INBOX")) == STORE_NAME);
	OK(store_delete(f.user, S("Z.B.C")));
	CHECK(store_mailbox_sync(m) == STORE_NO_MAILBOX);
	CHECK(!file_exists(at(&f, ".Z.B.C")));
	OK(store_rename(f.user, S("Sent"), S("Gesendet")));
	OK(store_unsubscribe(f.user, S("Gone")));
	OK(store_unsubscribe(f.user, S("A.B.C")));
	OK(store_unsubscribe(f.user, S("Sent")));
	CHECK_TEXT(listing(&f), "INBOX:0 Drafts:c\\Drafts Gesendet:0\\Sent "
	    "Spam:0\\Junk Trash:c\\Trash ");
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(a_mailbox_made_again_has_a_greater_uidvalidity)
{
	struct store_status a, b;
	struct fixture f;

	fixture_start(&f);
	OK(store_create(f.user, S("A"), NULL));
	OK(store_status(f.user, S("A"), &a));
	OK(store_delete(f.user, S("A")));
	OK(store_create(f.user, S("A"), NULL));
	OK(store_status(f.user, S("A"), &b));
	CHECK(b.uidvalidity > a.uidvalidity);
	fixture_end(&f);
}

TEST(renaming_inbox_moves_its_messages)
{
	struct store_mailbox *m;
	struct fixture f;

	fixture_start(&f);
	append(&f, "INBOX", "a", STORE_SEEN, NULL);
	OK(store_rename(f.user, S("INBOX"), S("Old")));
	m = box(&f, "Old");
	CHECK_TEXT(messages(m, 0), "1:01 ");
	store_mailbox_close(m);
	m = box(&f, "INBOX");
	CHECK_TEXT(messages(m, 0), "");
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(hostile_names_are_refused)
{
	static const char *const boxes[] = { "", ".", "..", "a..b", ".a", "a.",
		"../x", "a/b", "/", "&", "&AAA-", "&AC8-", "a\nb", "\xff", "~x",
		"&Jjo", "&ZeVnLIqe", "a\tb" };
	static const char *const users[] = { "", "@", "a@", "@b", "a", "../x@b",
		"a/b@c", "a@..", "a@b/c", "..@x", "a@.b", "a\n@b" };
	struct store_user *u;
	struct fixture f;
	char name[300];

	fixture_start(&f);
	for (size_t i = 0; i < LEN(boxes); i++)
		CHECK(store_create(f.user, slice_str(boxes[i]), NULL) ==
		    STORE_NAME, "%s", boxes[i]);
	memset(name, 'x', sizeof(name));
	CHECK(store_create(f.user, slice_of(name, 300), NULL) == STORE_NAME);
	CHECK(store_create(f.user, slice_of("a\0b", 3), NULL) == STORE_NAME);
	for (size_t i = 0; i < LEN(users); i++)
		CHECK(store_user_open(f.store, slice_str(users[i]), &u) ==
		    STORE_NAME, "%s", users[i]);
	fixture_end(&f);
}

TEST(multiappend_is_one_and_abort_leaves_nothing)
{
	struct store_append_meta meta = { 0 };
	struct store_appended done;
	struct store_append *a;
	struct store_mailbox *m;
	struct fixture f;
	char *big = mem_alloc(1 << 20);
	struct store_body body;

	fixture_start(&f);
	OK(store_append_begin(f.user, S("INBOX"), false, &a));
	OK(store_append_data(a, S("Subject: x\r")));
	OK(store_append_data(a, S("\n\r\n")));
	OK(store_append_message(a, &meta));
	store_append_abort(a);
	CHECK(count_files(&f, "tmp") == 0);
	memset(big, 'y', 1 << 20);
	for (size_t i = 0; i + 1 < 1 << 20; i += 64)
		memcpy(big + i, "\r\n", 2);
	OK(store_append_begin(f.user, S("INBOX"), false, &a));
	OK(store_append_data(a, S("Subject: x\r")));
	OK(store_append_data(a, S("\n\r\nz\r")));
	OK(store_append_message(a, &meta));
	OK(store_append_data(a, slice_of(big, 1 << 20)));
	OK(store_append_message(a, &meta));
	OK(store_append_commit(a, &done));
	CHECK(done.first_uid == 1 && done.n == 2);
	m = box(&f, "INBOX");
	OK(store_body_open(m, 1, &body));
	CHECK_SLICE(body.text, "Subject: x\n\nz\r");
	store_body_close(&body);
	OK(store_body_open(m, 2, &body));
	CHECK(body.text.n == (1 << 20) - (1 << 20) / 64);
	store_body_close(&body);
	CHECK(store_append_begin(f.user, S("None"), false, &a) ==
	    STORE_NO_MAILBOX);
	store_mailbox_close(m);
	mem_free(big);
	fixture_end(&f);
}

TEST(delivery_is_idempotent_and_leaves_out_the_cuts)
{
	struct store_cut cuts[] = { { 4, 6 }, { 12, 2 } };
	struct store_delivery d = { .mailbox = S("INBOX"),
		.prefix = S("P: 1\r\n"), .size = 18, .cuts = cuts, .n_cuts = 2,
		.meta = { .delivery_id = S("Q1") } };
	struct store_appended done;
	struct store_mailbox *m;
	struct store_body body;
	struct fixture f;

	fixture_start(&f);
	m = box(&f, "INBOX");
	put_file(&f, "text", "A:1\nXXXXXXB:YY3\n\nZ");
	d.fd = open(at(&f, "text"), O_RDONLY);
	OK(store_deliver(f.user, &d, &done));
	CHECK(!done.repeated && done.first_uid == 1);
	OK(store_deliver(f.user, &d, &done));
	CHECK(done.repeated && done.first_uid == 1);
	OK(store_body_open(m, 1, &body));
	CHECK_SLICE(body.text, "P: 1\nA:1\nB:3\n\nZ");
	store_body_close(&body);
	CHECK_TEXT(messages(m, 0), "1:00 ");
	CHECK(count_files(&f, "tmp") == 0);
	close(d.fd);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(expunge_removes_what_others_marked_just_now)
{
	struct store_set gone = STORE_SET_INIT;
	struct store_mailbox *m;
	struct fixture f;
	char path[PATH_MAX];
	glob_t files;

	fixture_start(&f);
	m = box(&f, "INBOX");
	append(&f, "INBOX", "m", STORE_SEEN, NULL);
	append(&f, "INBOX", "n", STORE_DELETED, NULL);
	OK(store_mailbox_sync(m));
	CHECK(glob(at(&f, "cur/*:2,S"), 0, NULL, &files) == 0);
	snprintf(path, sizeof(path), "%sT", files.gl_pathv[0]);
	CHECK(rename(files.gl_pathv[0], path) == 0);
	globfree(&files);
	OK(store_expunge(m, NULL, true, &gone, NULL));
	CHECK(store_set_count(&gone) == 2);
	CHECK(count_files(&f, "cur") == 0);
	store_set_release(&gone);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(a_walk_goes_on_where_it_paused)
{
	struct store_walk w = { .limit = 4 };
	struct seen s = { .text = BUF_INIT(4000) };
	struct store_mailbox *m;
	struct fixture f;
	uint32_t next;
	int rounds = 0;

	fixture_start(&f);
	for (int i = 0; i < 10; i++)
		append(&f, "INBOX", "m", 0, NULL);
	m = box(&f, "INBOX");
	do {
		OK(store_walk(m, &w, see, &s, &next));
		w.from = next;
	} while (next != 0 && ++rounds < 10);
	CHECK(s.n == 10 && rounds == 2, "%zu in %d", s.n, rounds);
	buf_release(&s.text);
	store_mailbox_close(m);
	fixture_end(&f);
}

TEST(a_second_handle_keeps_the_locks_of_the_first)
{
	struct fixture f;
	struct index *one, *two;
	int status;
	pid_t pid;

	fixture_start(&f);
	append(&f, "INBOX", "a", 0, NULL);
	OK(index_take(f.user, &one));
	OK(index_take(f.user, &two));
	/* As another process sees it: whoever closes the index must not think
	 * that it is the last, and remove the WAL. */
	pid = fork();
	if (pid == 0) {
		/* SQLite's shared lock. */
		struct flock lock = { .l_type = F_WRLCK,
			.l_whence = SEEK_SET, .l_start = 0x40000002,
			.l_len = 510 };
		int fd = open(at(&f, INDEX_FILE), O_RDWR);

		_exit(fd == -1 || fcntl(fd, F_GETLK, &lock) == -1 ||
		    lock.l_type != F_RDLCK);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	index_give(f.user, two);
	index_give(f.user, one);
	fixture_end(&f);
}

TESTS(T(set_merges_and_finds), T(append_is_seen_with_its_texts_and_body),
    T(recent_is_given_to_one_session_and_moves_files),
    T(flags_change_in_index_and_file_names),
    T(expunge_removes_deleted_and_is_remembered),
    T(expunge_removes_what_others_marked_just_now),
    T(copy_and_move_keep_flags_keywords_and_dates),
    T(folders_are_listed_created_renamed_and_deleted),
    T(a_mailbox_made_again_has_a_greater_uidvalidity),
    T(renaming_inbox_moves_its_messages), T(hostile_names_are_refused),
    T(multiappend_is_one_and_abort_leaves_nothing),
    T(delivery_is_idempotent_and_leaves_out_the_cuts),
    T(a_walk_goes_on_where_it_paused),
    T(a_second_handle_keeps_the_locks_of_the_first))
