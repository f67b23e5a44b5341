/*
 * Large mailboxes: how long taking over a Maildir of Dovecot, opening it, and
 * rebuilding its index takes, and how much memory that needs.
 *
 *	store_big FOLDER MESSAGES MAILBOXES
 *
 * Makes the Maildir in FOLDER, which is empty.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "core/num.h"
#include "store/store.h"

static const char text[] = "Subject: a message\nFrom: a@b.test\n"
    "To: c@d.test\nDate: Tue, 1 Jul 2003 10:52:37 +0200\n\nA line.\n";

static unsigned
number(const char *arg)
{
	uint32_t n;

	if (num_u32(slice_str(arg), &n) == -1 || n == 0)
		fatal(2, "not a number: %s", arg);
	return n;
}

static long
peak_kb(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss;
}

static void
make_folder(const char *dir, unsigned messages)
{
	char path[512];
	FILE *list;

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir,
		    (const char *[]){ "cur", "new", "tmp" }[i]);
		if (file_make_dirs(path, 0700) == -1)
			fatal(1, "cannot make %s", path);
	}
	snprintf(path, sizeof(path), "%s/dovecot-uidlist", dir);
	list = fopen(path, "w");
	if (list == NULL)
		fatal(1, "cannot make %s", path);
	fprintf(list, "3 V1683462011 N1 G5f6aa01f2bd85764d10f0000a83ecd0d\n");
	for (unsigned i = 1; i <= messages; i++) {
		char name[128];
		int fd;

		snprintf(name, sizeof(name), "%u.M%uP100.mail,S=%zu,W=%zu",
		    1500000000 + i, i % 1000000, sizeof(text) - 1,
		    sizeof(text) + 5);
		fprintf(list, "%u :%s\n", i, name);
		snprintf(path, sizeof(path), "%s/cur/%s:2,%s", dir, name,
		    i % 3 ? "S" : "FS");
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1 || file_write_all(fd, text, sizeof(text) - 1) ==
		    -1)
			fatal(1, "cannot make %s", path);
		close(fd);
	}
	fclose(list);
}

static void
ok(enum store_err err, const char *what)
{
	if (err != STORE_OK)
		fatal(1, "%s: %s", what, store_err_text(err));
}

static void
told(void *ctx, const char *mailbox UNUSED, uint64_t done UNUSED,
    uint64_t total UNUSED)
{
	unsigned *n = ctx;

	(*n)++;
}

/* What SELECT asks for. */
static void
open_box(struct store *s, const char *name, unsigned want)
{
	const char *const *names;
	struct store_mailbox *m;
	struct store_status st;
	struct store_user *u;
	uint32_t *uids, from, to;
	size_t n;

	ok(store_user_open(s, S("u@x.test"), &u), "user");
	ok(store_mailbox_open(u, slice_str(name), false, &m), "open");
	ok(store_mailbox_sync(m), "sync");
	ok(store_mailbox_recent(m, false, &from, &to), "recent");
	ok(store_mailbox_status(m, &st), "status");
	ok(store_mailbox_keywords(m, &names, &n), "keywords");
	ok(store_mailbox_uids(m, &uids, &n), "uids");
	if (n != want || st.uidvalidity != 1683462011 || uids[n - 1] != want)
		fatal(1, "%zu messages, not %u", n, want);
	mem_free(uids);
	store_mailbox_close(m);
	store_user_close(u);
}

static struct store *
open_store(const char *dir)
{
	struct store_config conf = { .mailroot = dir };

	return store_open_root(&conf, NULL);
}

int
main(int argc, char **argv)
{
	unsigned messages, folders, each, steps = 0;
	struct store_user *u;
	struct store *s;
	char path[256];
	int64_t at;
	long before;

	log_init("store_big", LOG_WARN);
	if (argc != 4)
		fatal(2, "usage: store_big FOLDER MESSAGES MAILBOXES");
	messages = number(argv[2]);
	folders = number(argv[3]);
	each = messages / folders;
	for (unsigned i = 0; i < folders; i++) {
		snprintf(path, sizeof(path), i == 0 ? "%s/x.test/u" :
		    "%s/x.test/u/.Folder%u", argv[1], i);
		make_folder(path, each);
	}
	before = peak_kb();
	s = open_store(argv[1]);
	at = now_wall_us();
	open_box(s, "INBOX", each);
	printf("takeover of %u messages in %u mailboxes: %.2f s, %ld KiB\n",
	    messages, folders, (double)(now_wall_us() - at) / 1e6,
	    peak_kb() - before);
	/* Settle what adoption itself made unsure. */
	usleep(100000);
	open_box(s, "INBOX", each);
	store_close_root(s);
	s = open_store(argv[1]);
	at = now_wall_us();
	open_box(s, "INBOX", each);
	printf("first opening of %u messages: %.1f ms\n", each,
	    (double)(now_wall_us() - at) / 1e3);
	at = now_wall_us();
	for (int i = 0; i < 10; i++)
		open_box(s, "INBOX", each);
	printf("warm opening of %u messages: %.1f ms\n", each,
	    (double)(now_wall_us() - at) / 1e4);
	ok(store_user_open(s, S("u@x.test"), &u), "user");
	at = now_wall_us();
	ok(store_rebuild(u, S(""), told, &steps), "rebuild");
	printf("rebuild of %u messages: %.2f s, %u reports, %ld KiB at most\n",
	    messages, (double)(now_wall_us() - at) / 1e6, steps, peak_kb());
	store_user_close(u);
	open_box(s, "INBOX", each);
	store_close_root(s);
	return 0;
}
