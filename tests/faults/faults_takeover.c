/*
 * Faults while a Maildir of Dovecot's is taken over, in one transaction or in
 * several, worked with, and given back. Checked after each, for a user made
 * for it:
 *
 * - every message has the UID of its record, under the old UIDVALIDITY, and
 *   its flags, keywords and date;
 * - what Dovecot had no record of, and what came later, has a UID above;
 * - what was acknowledged since is so, before and after the way back;
 * - what was given back says the same in Dovecot's files.
 */
#include "harness.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>

#include "store/folder.h"
#include "store/migrate.h"

#define DATE 1500000000

#define NEXT 20 /* no UID at or above was given out by Dovecot */

/* What Dovecot's files say, a folder each. */
static const struct {
	const char *box;
	const char *dir; /* with a slash */
	const char *uidlist;
	const char *keywords;
} folders[] = {
	{ "INBOX", "", "3 V1683462011 N20 G5f6aa01f2bd85764d10f0000a83ecd0d\n"
	    "3 W44 S40 :1.a.mail\n7 :2.b.mail\n8 :gone.mail\n"
	    "9 :3.c.mail\n12 P5 :4.d.mail\n",
	    "0 $Label1\n1 work\n3 far\n" },
	{ "Sub.Deep", ".Sub.Deep/",
	    "3 V1683462000 N3 G5f6aa01f2bd85764d10f0000a83ecd0e\n"
	    "1 :5.e.mail\n2 :6.f.mail\n", "2 other\n" },
};

static const struct {
	const char *box;
	const char *token;
	const char *file;
	const char *look; /* NULL: was not in the uidlist */
} messages[] = {
	{ "INBOX", "a", "cur/1.a.mail:2,FSb", "1683462011 3 05 work" },
	{ "INBOX", "b", "cur/2.b.mail:2,RTad",
	    "1683462011 7 0a $Label1 far" },
	{ "INBOX", "c", "cur/3.c.mail:2,PS", "1683462011 9 01 $Forwarded" },
	{ "INBOX", "d", "new/4.d.mail", "1683462011 12 00" },
	{ "INBOX", "late", "new/7.late.mail", NULL },
	{ "Sub.Deep", "e", ".Sub.Deep/cur/5.e.mail:2,c", "1683462000 1 00 other" },
	{ "Sub.Deep", "f", ".Sub.Deep/cur/6.f.mail:2,D", "1683462000 2 10" },
};

/* ---- what the work finds ------------------------------------------------- */

static void
put_message(const char *rest, const char *token)
{
	struct timespec times[2] = { { .tv_sec = DATE }, { .tv_sec = DATE } };
	char text[256];

	snprintf(text, sizeof(text), "Token: %s\n\ntext\nEND\n", token);
	put_file(rest, text);
	if (utimensat(AT_FDCWD, user_path(rest), times, 0) == -1)
		fatal(1, "cannot date %s", rest);
}

/* Not by way of the store: it would be ours then. */
static void
prepare(struct store_user *u UNUSED)
{
	static const char *const subs[] = { "cur", "new", "tmp" };
	char rest[256];

	for (size_t i = 0; i < LEN(folders); i++) {
		for (size_t k = 0; k < LEN(subs); k++) {
			snprintf(rest, sizeof(rest), "%s%s", folders[i].dir,
			    subs[k]);
			if (file_make_dirs(user_path(rest), 0700) == -1)
				fatal(1, "cannot make %s", rest);
		}
		snprintf(rest, sizeof(rest), "%sdovecot-uidlist",
		    folders[i].dir);
		put_file(rest, folders[i].uidlist);
		snprintf(rest, sizeof(rest), "%sdovecot-keywords",
		    folders[i].dir);
		put_file(rest, folders[i].keywords);
	}
	for (size_t i = 0; i < LEN(messages); i++)
		put_message(messages[i].file, messages[i].token);
	put_file("subscriptions", "V\t2\n\nSub\tDeep\n");
}

/* ---- the work ------------------------------------------------------------ */

static int
tell(void *ctx, const struct store_message *msg)
{
	ack("uid %s %u", (const char *)ctx, msg->uid);
	return 0;
}

static void
take_over(struct store_user *u, const char *box)
{
	struct store_walk w = { 0 };
	struct store_mailbox *m;

	if (store_mailbox_open(u, slice_str(box), false, &m) != STORE_OK)
		return;
	if (store_mailbox_sync(m) == STORE_OK)
		store_walk(m, &w, tell, (void *)(uintptr_t)box, NULL);
	store_mailbox_close(m);
}

static void
work(struct store_user *u)
{
	struct store_append_meta meta = { .flags = STORE_FLAGGED,
		.keywords = many_keywords(), .n_keywords = MANY_KEYWORDS };
	struct store_appended done;
	struct migrate_back back;

	for (size_t i = 0; i < LEN(folders); i++)
		take_over(u, folders[i].box);
	if (deliver_token(u, "INBOX", "new", &meta, &done) == STORE_OK)
		ack("new %u", done.first_uid);
	if (migrate_back(u, &back) == STORE_OK)
		ack("back");
}

/* ---- the checks ---------------------------------------------------------- */

static void
check_messages(const struct found_list *l)
{
	for (size_t i = 0; i < LEN(messages); i++) {
		const struct found *f = find_token(l, messages[i].box,
		    messages[i].token);

		if (f == NULL || count_token(l, messages[i].token) != 1)
			broken("is not there once", messages[i].token);
		if (messages[i].look != NULL ?
		    strcmp(f->look, messages[i].look) != 0 : f->uid < NEXT)
			broken(f->look, messages[i].token);
		if (f->date != DATE)
			broken("has another date", messages[i].token);
	}
}

static bool
has_uid(const struct found_list *l, struct slice box, struct slice uid)
{
	uint32_t n;

	for (size_t i = 0; num_u32(uid, &n) == 0 && i < l->n; i++)
		if (l->all[i].uid == n &&
		    slice_eq(slice_str(l->all[i].box), box))
			return true;
	return false;
}

/* "uid BOX UID", "new UID". */
static void
check_acks(const struct found_list *l, struct slice acks)
{
	size_t news = count_token(l, "new");
	struct slice line, word, box;

	while (slice_line(&acks, &line)) {
		bool new;

		if (!slice_split(&line, ' ', &word))
			continue;
		new = slice_eq(word, S("new"));
		box = S("INBOX");
		if (!new && (!slice_eq(word, S("uid")) ||
		    !slice_split(&line, ' ', &box)))
			continue;
		round_now.kept++;
		if (!has_uid(l, box, line) || (new && news != 1))
			broken("acknowledged and lost", "a UID");
		if (new && !has_many_keywords(find_token(l, "INBOX",
		    "new")->look))
			broken("has lost keywords", "new");
	}
	if (news > 1)
		broken("is there more than once", "new");
}

static void
must_be_equal(const struct found_list *a, const struct found_list *b)
{
	if (a->n != b->n)
		broken("another number of messages", "after a new start");
	for (size_t i = 0; i < a->n; i++) {
		const struct found *f = find_token(b, a->all[i].box,
		    a->all[i].token);

		if (f == NULL || strcmp(f->look, a->all[i].look) != 0 ||
		    f->date != a->all[i].date)
			broken("is another after a new start",
			    a->all[i].look);
	}
}

/* Dovecot's record of each file says the UID that we show. */
static void
check_records(const struct found_list *l, const char *box, const char *place,
    struct maildir_listing *files)
{
	char rest[512];

	for (size_t i = 0; i < files->n; i++) {
		struct buf text = BUF_INIT(65536);
		struct maildir_file *file = &files->files[i];
		const struct found *f;
		char *token;

		if (strcmp(maildir_places[file->place], place) != 0)
			continue;
		snprintf(rest, sizeof(rest), "%s%s/%.*s",
		    strcmp(box, "INBOX") == 0 ? "" : ".Sub.Deep/", place,
		    SLICE_ARG(file->name));
		if (file_read(user_path(rest), &text) == -1)
			broken("unreadable", rest);
		token = token_of(buf_slice(&text), rest);
		f = find_token(l, box, token);
		if (f == NULL || !file->listed || file->uid != f->uid)
			broken("Dovecot's record is wrong", rest);
		mem_free(token);
		buf_release(&text);
	}
}

static void
check_given_back(const struct found_list *l)
{
	for (size_t i = 0; i < LEN(folders); i++) {
		struct maildir_listing files = { 0 };
		const char *dir = user_path(folders[i].dir);
		struct folder header;

		if (takeover_read(dir, &header) != 1 ||
		    maildir_list(&files, dir, MAILDIR_NEW) == -1 ||
		    maildir_list(&files, dir, MAILDIR_CUR) == -1)
			broken("cannot be read", dir);
		maildir_index(&files);
		takeover_apply(dir, &files);
		check_records(l, folders[i].box, "new", &files);
		check_records(l, folders[i].box, "cur", &files);
		maildir_listing_release(&files);
	}
	if (file_exists(user_path("pillarbox.db")))
		broken("was not removed", "the index");
}

static void
check(struct store_user *u, struct slice acks, bool fired UNUSED)
{
	struct found_list now, again;
	struct migrate_back back;
	struct store_list list;
	bool subscribed = false;

	/* Dovecot could have it now. */
	if (is_acked(acks, "back") && file_exists(user_path("pillarbox.db")))
		broken("was not removed", "the index");
	find_all(u, &now);
	check_messages(&now);
	check_acks(&now, acks);
	remove_index();
	find_all(u, &again);
	must_be_equal(&now, &again);
	found_release(&again);
	if (migrate_back(u, &back) != STORE_OK || back.messages != now.n)
		broken("cannot be given back", "the user");
	check_given_back(&now);
	find_all(u, &again);
	must_be_equal(&now, &again);
	if (store_list(u, &list) != STORE_OK)
		broken("cannot be listed", "the user");
	for (size_t i = 0; i < list.n; i++)
		subscribed |= strcmp(list.entries[i].name, "Sub.Deep") == 0 &&
		    (list.entries[i].attributes & STORE_SUBSCRIBED) != 0;
	if (!subscribed)
		broken("is not subscribed any more", "Sub.Deep");
	store_list_release(&list);
	found_release(&again);
	found_release(&now);
}

int
main(int argc, char **argv)
{
	static const struct subject whole = { .name = "takeover", .afresh = 1,
		.prepare = prepare, .work = work, .check = check };
	struct subject parts = whole;
	int r = subject_main(argc, argv, &whole);

	if (r != 0 || subject_is_work(argv))
		return r;
	parts.name = "takeover (in parts)";
	parts.batch = 2;
	return subject_main(argc, argv, &parts);
}
