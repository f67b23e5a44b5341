/*
 * What store.h promises, seen only through store.h: any implementation of it
 * must pass. Nothing here looks at files.
 */
#include "check.h"

#include "core/file.h"
#include "core/log.h"
#include "store/store.h"

#define OK(call)                                                               \
	do {                                                                   \
		enum store_err err_ = (call);                                  \
		CHECK(err_ == STORE_OK, "%s", store_err_text(err_));           \
	} while (0)

static struct {
	char dir[64];
	struct store *store;
	struct store_user *user;
} on;

static void
open_again(void)
{
	struct store_config conf = { .mailroot = on.dir, .hostname = "mail",
		.boot_id = "boot" };

	on.store = store_open_root(&conf, NULL);
	CHECK(on.store != NULL);
	OK(store_user_open(on.store, S("u@x.test"), &on.user));
}

static void
shut(void)
{
	store_user_close(on.user);
	store_close_root(on.store);
}

static void
begin(void)
{
	log_init("test", LOG_ERROR);
	snprintf(on.dir, sizeof(on.dir), "/tmp/test-conform-XXXXXX");
	CHECK(mkdtemp(on.dir) != NULL);
	open_again();
}

static void
finish(void)
{
	shut();
	CHECK(file_remove_tree(on.dir) == 0);
}

static uint32_t
add(const char *name, const char *text, unsigned flags)
{
	struct store_append_meta meta = { .flags = flags,
		.internaldate = 1234567890 };
	struct store_appended done;
	struct store_append *a;

	OK(store_append_begin(on.user, slice_str(name), true, &a));
	OK(store_append_data(a, slice_str(text)));
	OK(store_append_message(a, &meta));
	OK(store_append_commit(a, &done));
	CHECK(done.n == 1 && !done.repeated && done.uidvalidity != 0);
	return done.first_uid;
}

static struct store_mailbox *
box(const char *name)
{
	struct store_mailbox *m;

	OK(store_mailbox_open(on.user, slice_str(name), false, &m));
	OK(store_mailbox_sync(m));
	return m;
}

static struct store_status
status(const char *name)
{
	struct store_status st;

	OK(store_status(on.user, slice_str(name), &st));
	return st;
}

/* ---- modification sequences ---------------------------------------------- */

struct seen {
	uint64_t modseq[64];
	unsigned flags[64];
	uint32_t last;
	size_t n;
};

static int
see(void *ctx, const struct store_message *msg)
{
	struct seen *s = ctx;

	CHECK(msg->uid > s->last && msg->uid < 64);
	s->modseq[msg->uid] = msg->modseq;
	s->flags[msg->uid] = msg->flags;
	s->last = msg->uid;
	s->n++;
	return 0;
}

static struct seen
walk(struct store_mailbox *m, uint64_t since)
{
	struct store_walk w = { .since = since };
	struct seen s = { 0 };
	uint32_t next;

	OK(store_walk(m, &w, see, &s, &next));
	CHECK(next == 0);
	return s;
}

TEST(every_change_is_in_the_walk_since_the_modseq_before)
{
	struct store_change c = { .how = STORE_ADD, .flags = STORE_SEEN };
	struct store_set set = STORE_SET_INIT, gone = STORE_SET_INIT;
	struct store_mailbox *m;
	uint64_t before, after, told;

	begin();
	for (int i = 0; i < 5; i++)
		add("INBOX", "Subject: x\r\n\r\n", 0);
	m = box("INBOX");
	OK(store_mailbox_modseq(m, &before));
	CHECK(walk(m, 0).n == 5 && walk(m, before).n == 0);
	CHECK(before == status("INBOX").highestmodseq);
	store_set_add(&set, 2, 3);
	OK(store_change_flags(m, &set, &c, NULL, &told));
	OK(store_mailbox_modseq(m, &after));
	CHECK(told == after && after > before);
	CHECK(walk(m, before).n == 2 && walk(m, before).modseq[2] == after);
	/* What changes nothing counts as no change. */
	OK(store_change_flags(m, &set, &c, NULL, NULL));
	CHECK(walk(m, after).n == 0);
	/* UNCHANGEDSINCE: 2 and 3 are newer, 4 is not. */
	store_set_add(&set, 4, 4);
	c = (struct store_change){ .how = STORE_REPLACE,
		.flags = STORE_FLAGGED, .conditional = true,
		.unchanged_since = before };
	OK(store_change_flags(m, &set, &c, &gone, NULL));
	CHECK(store_set_count(&gone) == 2 && !store_set_has(&gone, 4));
	CHECK(walk(m, after).n == 1 && walk(m, 0).flags[4] == STORE_FLAGGED);
	OK(store_mailbox_modseq(m, &before));
	OK(store_expunge(m, &set, false, NULL, &after));
	CHECK(after > before && walk(m, before).n == 0);
	store_set_clear(&gone);
	OK(store_vanished(m, before, &gone));
	CHECK(store_set_count(&gone) == 3 && store_set_has(&gone, 2));
	store_set_clear(&gone);
	OK(store_vanished(m, after, &gone));
	CHECK(store_set_count(&gone) == 0);
	store_set_release(&set);
	store_set_release(&gone);
	store_mailbox_close(m);
	finish();
}

/* ---- identity ------------------------------------------------------------ */

TEST(uids_grow_and_survive_everything)
{
	struct store_status a, b;
	struct store_mailbox *m;
	uint32_t *uids, last;
	size_t n;

	begin();
	add("INBOX", "a", 0);
	last = add("INBOX", "b", STORE_DELETED);
	m = box("INBOX");
	OK(store_expunge(m, NULL, true, NULL, NULL));
	store_mailbox_close(m);
	a = status("INBOX");
	CHECK(a.messages == 1 && a.uidnext > last);
	shut();
	open_again();
	b = status("INBOX");
	CHECK(b.uidvalidity == a.uidvalidity && b.uidnext == a.uidnext &&
	    b.highestmodseq >= a.highestmodseq &&
	    strcmp(a.guid, b.guid) == 0);
	CHECK(add("INBOX", "c", 0) >= a.uidnext);
	OK(store_rebuild(on.user, S("INBOX"), NULL, NULL));
	b = status("INBOX");
	CHECK(b.messages == 2 && b.uidvalidity == a.uidvalidity);
	m = box("INBOX");
	OK(store_mailbox_uids(m, &uids, &n));
	CHECK(n == 2 && uids[0] == 1 && uids[1] >= a.uidnext);
	mem_free(uids);
	store_mailbox_close(m);
	finish();
}

TEST(a_handle_follows_its_mailbox_and_knows_when_it_is_gone)
{
	struct store_mailbox *m;
	struct store_status st;
	uint64_t modseq;

	begin();
	OK(store_create(on.user, S("A"), NULL));
	add("A", "x", 0);
	m = box("A");
	OK(store_rename(on.user, S("A"), S("B")));
	OK(store_mailbox_sync(m));
	CHECK_SLICE(slice_str(store_mailbox_name(m)), "B");
	CHECK(walk(m, 0).n == 1);
	OK(store_delete(on.user, S("B")));
	CHECK(store_mailbox_sync(m) == STORE_NO_MAILBOX);
	CHECK(store_mailbox_modseq(m, &modseq) == STORE_NO_MAILBOX);
	/* Another of the same name is another mailbox. */
	OK(store_create(on.user, S("B"), NULL));
	CHECK(store_mailbox_sync(m) == STORE_NO_MAILBOX);
	CHECK(store_status(on.user, S("A"), &st) == STORE_NO_MAILBOX);
	store_mailbox_close(m);
	finish();
}

/* ---- bodies -------------------------------------------------------------- */

TEST(a_body_is_whole_and_never_changes)
{
	struct store_mailbox *m;
	struct store_body body, other;
	struct store_set set = STORE_SET_INIT;
	struct store_copied copied;
	uint32_t uid;

	begin();
	uid = add("INBOX", "Subject: x\r\n\r\nline\r\n", 0);
	m = box("INBOX");
	OK(store_body_open(m, uid, &body));
	CHECK_SLICE(body.text, "Subject: x\n\nline\n");
	store_set_add(&set, uid, uid);
	OK(store_move(m, &set, S("Trash"), &copied));
	CHECK(copied.n == 1 && copied.from[0] == uid);
	/* An open one outlives the message. */
	CHECK_SLICE(body.text, "Subject: x\n\nline\n");
	CHECK(store_body_open(m, uid, &other) == STORE_NO_MESSAGE);
	store_body_close(&body);
	store_mailbox_close(m);
	m = box("Trash");
	OK(store_body_open(m, copied.to[0], &body));
	CHECK_SLICE(body.text, "Subject: x\n\nline\n");
	store_body_close(&body);
	store_copied_release(&copied);
	store_set_release(&set);
	store_mailbox_close(m);
	finish();
}

/* ---- adding -------------------------------------------------------------- */

TEST(what_is_aborted_or_fails_leaves_nothing)
{
	struct store_append_meta meta = { .delivery_id = S("bad id") };
	struct store_append *a;
	struct store_appended done;

	begin();
	OK(store_append_begin(on.user, S("INBOX"), false, &a));
	OK(store_append_data(a, S("text")));
	store_append_abort(a);
	OK(store_append_begin(on.user, S("INBOX"), false, &a));
	CHECK(store_append_message(a, &meta) == STORE_NAME);
	CHECK(store_append_commit(a, &done) == STORE_NAME);
	CHECK(status("INBOX").messages == 0);
	CHECK(store_append_begin(on.user, S("None"), false, &a) ==
	    STORE_NO_MAILBOX);
	finish();
}

TEST(a_delivery_repeated_is_one_message)
{
	struct store_delivery d = { .mailbox = S("INBOX"),
		.prefix = S("Subject: x\r\n\r\n"), .fd = -1,
		.meta = { .delivery_id = S("QID1") } };
	struct store_appended first, again;

	begin();
	OK(store_deliver(on.user, &d, &first));
	OK(store_deliver(on.user, &d, &again));
	CHECK(again.repeated && again.first_uid == first.first_uid);
	d.mailbox = S("Other");
	d.create = true;
	OK(store_deliver(on.user, &d, &again));
	CHECK(!again.repeated && status("INBOX").messages == 1);
	finish();
}

/* ---- names --------------------------------------------------------------- */

TEST(names_that_cannot_be_are_refused_everywhere)
{
	static const struct slice bad[] = { { "", 0 }, { "a\0b", 3 },
		{ "..", 2 }, { "a/b", 3 }, { "/etc", 4 }, { ".a", 2 },
		{ "a.", 2 }, { "a..b", 4 }, { "a\x01", 2 }, { "a&b", 3 },
		{ "\xff", 1 }, { "&AC8-", 5 }, { "&AAA-", 5 } };
	struct store_mailbox *m;
	struct store_append *a;

	begin();
	for (size_t i = 0; i < LEN(bad); i++) {
		CHECK(!store_name_is_valid(bad[i]), "%zu", i);
		CHECK(store_create(on.user, bad[i], NULL) == STORE_NAME, "%zu",
		    i);
		CHECK(store_mailbox_open(on.user, bad[i], true, &m) ==
		    STORE_NAME, "%zu", i);
		CHECK(store_append_begin(on.user, bad[i], true, &a) ==
		    STORE_NAME, "%zu", i);
		CHECK(store_subscribe(on.user, bad[i]) == STORE_NAME, "%zu", i);
		CHECK(store_rename(on.user, S("INBOX"), bad[i]) == STORE_NAME,
		    "%zu", i);
	}
	CHECK(store_create(on.user, S("inbox"), NULL) == STORE_EXISTS);
	finish();
}

TESTS(T(every_change_is_in_the_walk_since_the_modseq_before),
    T(uids_grow_and_survive_everything),
    T(a_handle_follows_its_mailbox_and_knows_when_it_is_gone),
    T(a_body_is_whole_and_never_changes),
    T(what_is_aborted_or_fails_leaves_nothing),
    T(a_delivery_repeated_is_one_message),
    T(names_that_cannot_be_are_refused_everywhere))
