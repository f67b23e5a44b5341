/*
 * Deliveries per second of lib/store beside the bare disk cycle (write, sync,
 * rename, sync of the folder) that each of them needs at least.
 *
 *	store_deliver FOLDER THREADS MESSAGES MAILBOXES
 *
 * FOLDER is empty and nothing was deleted on its file system just before: ext4
 * passes over recently freed inodes slowly.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "core/num.h"
#include "store/store.h"

static struct {
	const char *dir;
	unsigned threads;
	unsigned messages;
	unsigned mailboxes;
	char text[4096];
	struct store *store;
	int fd;
} bench;

static void
raw_one(unsigned mailbox, unsigned thread, unsigned n)
{
	char tmp[512], to[512], dir[256];
	int fd;

	snprintf(dir, sizeof(dir), "%s/raw/u%u/new", bench.dir, mailbox);
	snprintf(tmp, sizeof(tmp), "%s/raw/u%u/tmp/%u.%u", bench.dir, mailbox,
	    thread, n);
	snprintf(to, sizeof(to), "%s/%u.%u", dir, thread, n);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || file_write_all(fd, bench.text,
	    sizeof(bench.text)) == -1 || fdatasync(fd) == -1 ||
	    close(fd) == -1 || rename(tmp, to) == -1 ||
	    file_sync_dir(dir) == -1)
		fatal(1, "raw cycle failed: %s", to);
}

static void
store_one(unsigned mailbox, unsigned thread, unsigned n)
{
	struct store_delivery d = { .mailbox = S("INBOX"),
		.prefix = S("Return-Path: <a@b.test>\r\n"), .fd = bench.fd,
		.size = sizeof(bench.text) };
	struct store_appended done;
	struct store_user *u;
	char id[32], address[64];
	enum store_err err;

	snprintf(id, sizeof(id), "B%ut%u", thread, n);
	snprintf(address, sizeof(address), "u%u@x.test", mailbox);
	d.meta.delivery_id = slice_str(id);
	err = store_user_open(bench.store, slice_str(address), &u);
	if (err == STORE_OK)
		err = store_deliver(u, &d, &done);
	if (err != STORE_OK)
		fatal(1, "delivery failed: %s", store_err_text(err));
	store_user_close(u);
}

static void (*one)(unsigned, unsigned, unsigned);

static void *
work(void *arg)
{
	unsigned thread = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < bench.messages / bench.threads; i++)
		one((thread + i * 7) % bench.mailboxes, thread, i);
	return NULL;
}

static double
measure(const char *what, void (*fn)(unsigned, unsigned, unsigned))
{
	pthread_t *t = mem_array(bench.threads, sizeof(*t));
	int64_t start = now_wall_us();
	double rate;

	one = fn;
	for (unsigned i = 0; i < bench.threads; i++)
		pthread_create(&t[i], NULL, work, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < bench.threads; i++)
		pthread_join(t[i], NULL);
	mem_free(t);
	rate = bench.messages * 1e6 / (double)(now_wall_us() - start);
	printf("%s: %.0f/s with %u threads\n", what, rate, bench.threads);
	return rate;
}

static unsigned
number(const char *text)
{
	uint32_t n;

	if (num_u32(slice_str(text), &n) == -1 || n == 0)
		fatal(2, "not a number: %s", text);
	return n;
}

static const char header[] = "Subject: a message\r\nFrom: a@b.test\r\n"
    "To: c@d.test\r\nDate: Tue, 1 Jul 2003 10:52:37 +0200\r\n\r\n";

int
main(int argc, char **argv)
{
	struct store_config conf = { 0 };
	const char *why;
	char path[256];

	log_init("store_deliver", LOG_ERROR);
	if (argc != 5)
		fatal(2, "usage: store_deliver FOLDER THREADS MESSAGES MAILBOXES");
	bench.dir = conf.mailroot = argv[1];
	bench.threads = number(argv[2]);
	bench.messages = number(argv[3]);
	bench.mailboxes = number(argv[4]);
	memset(bench.text, 'x', sizeof(bench.text));
	for (size_t i = 70; i < sizeof(bench.text); i += 70)
		memcpy(bench.text + i, "\r\n", 2);
	memcpy(bench.text, header, sizeof(header) - 1);
	snprintf(path, sizeof(path), "%s/text", bench.dir);
	bench.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (bench.fd == -1 || file_write_all(bench.fd, bench.text,
	    sizeof(bench.text)) == -1)
		fatal(1, "cannot write %s", path);
	for (unsigned i = 0; i < bench.mailboxes; i++) {
		snprintf(path, sizeof(path), "%s/raw/u%u/new", bench.dir, i);
		if (file_make_dirs(path, 0700) == -1)
			fatal(1, "cannot make %s", path);
		snprintf(path, sizeof(path), "%s/raw/u%u/tmp", bench.dir, i);
		if (file_make_dirs(path, 0700) == -1)
			fatal(1, "cannot make %s", path);
	}
	measure("raw  ", raw_one);
	bench.store = store_open_root(&conf, &why);
	/* Make the mailboxes first: that is not what is measured. */
	for (unsigned i = 0; i < bench.mailboxes; i++)
		store_one(i, 99, i);
	measure("store", store_one);
	store_close_root(bench.store);
	return 0;
}
