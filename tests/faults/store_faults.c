/*
 * Drives lib/store through every fault that faultlib can make, on one mailbox
 * that lives on through all of them, and checks the laws after each:
 *
 * - what was acknowledged is there, whole, under the UID that was told;
 * - no UID ever shows another message than it did before;
 * - every file in cur/ and new/ is one whole message;
 * - repeating a delivery after a crash does not duplicate it.
 *
 *	store_faults FOLDER FAULTLIB ERRNO    (ERRNO 0: kill -9)
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include "core/file.h"
#include "core/log.h"
#include "core/map.h"
#include "core/num.h"
#include "store/store.h"

static const char *const boxes[] = { "INBOX", "Archive", "Trash" };

/* ---- the work, in a process of its own ----------------------------------- */

static struct store *
open_store(const char *dir, const char *boot)
{
	struct store_config conf = { .mailroot = dir, .hostname = "mail",
		.boot_id = boot };

	return store_open_root(&conf, NULL);
}

static void
ack(const char *what, const char *box, uint32_t uid, const char *token)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%s %s %u %s\n", what, box, uid,
	    token);

	if (file_write_all(1, line, (size_t)n) == -1)
		_exit(3);
}

static enum store_err
deliver(struct store_user *u, const char *box, const char *token,
    struct store_appended *done)
{
	struct store_delivery d = { .mailbox = slice_str(box), .create = true,
		.fd = -1, .meta = { .delivery_id = slice_str(token) } };
	char text[300];

	snprintf(text, sizeof(text), "Token: %s\r\n\r\ntext\r\nEND\r\n", token);
	d.prefix = slice_str(text);
	return store_deliver(u, &d, done);
}

static uint32_t
add(struct store_user *u, const char *box, const char *token)
{
	struct store_appended done;

	if (deliver(u, box, token, &done) != STORE_OK)
		return 0;
	ack("has", box, done.first_uid, token);
	return done.first_uid;
}

static void
transfer(struct store_user *u, const char *from, uint32_t uid,
    const char *to, bool move, const char *token)
{
	struct store_set set = STORE_SET_INIT;
	struct store_mailbox *m;
	struct store_copied done = { 0 };

	if (store_mailbox_open(u, slice_str(from), true, &m) != STORE_OK)
		return;
	store_set_add(&set, uid, uid);
	if ((move ? store_move : store_copy)(m, &set, slice_str(to), &done) ==
	        STORE_OK && done.n == 1) {
		ack("has", to, done.to[0], token);
		if (move)
			ack("gone", from, uid, token);
	}
	store_copied_release(&done);
	store_set_release(&set);
	store_mailbox_close(m);
}

static void
flag_and_expunge(struct store_user *u, const char *box, const char *token)
{
	struct slice k = S("work");
	struct store_change c = { .how = STORE_ADD, .flags = STORE_DELETED,
		.keywords = &k, .n_keywords = 1 };
	struct store_set gone = STORE_SET_INIT, set = STORE_SET_INIT;
	struct store_mailbox *m;
	uint32_t uid = add(u, box, token);

	if (uid == 0 ||
	    store_mailbox_open(u, slice_str(box), true, &m) != STORE_OK)
		return;
	store_set_add(&set, uid, uid);
	if (store_change_flags(m, &set, &c, NULL, NULL) == STORE_OK &&
	    store_expunge(m, &set, true, &gone, NULL) == STORE_OK &&
	    store_set_has(&gone, uid))
		ack("gone", box, uid, token);
	store_set_release(&gone);
	store_set_release(&set);
	store_mailbox_close(m);
}

/* A message, then another of the same token in its place elsewhere. */
static void
replace(struct store_user *u, const char *token)
{
	struct store_append_meta meta = { 0 };
	struct store_append *a = NULL;
	struct store_appended done;
	struct store_mailbox *m;
	uint32_t uid = add(u, "INBOX", token);
	char text[300];

	if (uid == 0 || store_mailbox_open(u, S("INBOX"), true, &m) != STORE_OK)
		return;
	snprintf(text, sizeof(text), "Token: %s\r\n\r\nnew\r\nEND\r\n", token);
	if (store_append_begin(u, S("Archive"), true, &a) == STORE_OK &&
	    store_append_replaces(a, m, uid) == STORE_OK) {
		(void)store_append_data(a, slice_str(text));
		(void)store_append_message(a, &meta);
		if (store_append_commit(a, &done) == STORE_OK) {
			ack("has", "Archive", done.first_uid, token);
			ack("gone", "INBOX", uid, token);
		}
	} else {
		store_append_abort(a);
	}
	store_mailbox_close(m);
}

static int
work(const char *dir, const char *boot, const char *round)
{
	struct store *s = open_store(dir, boot);
	struct store_user *u;
	char token[64];
	uint32_t uid;

	log_init("work", LOG_ERROR);
	if (s == NULL || store_user_open(s, S("u@x.test"), &u) != STORE_OK)
		return 2;
	snprintf(token, sizeof(token), "a%s", round);
	uid = add(u, "INBOX", token);
	if (uid != 0) {
		transfer(u, "INBOX", uid, "Archive", false, token);
		transfer(u, "INBOX", uid, "Trash", true, token);
	}
	snprintf(token, sizeof(token), "b%s", round);
	add(u, "Archive", token);
	snprintf(token, sizeof(token), "c%s", round);
	flag_and_expunge(u, "Trash", token);
	snprintf(token, sizeof(token), "r%s", round);
	replace(u, token);
	/* Whatever becomes of it, the checks must find what they knew. */
	(void)store_rebuild(u, S("Archive"), NULL, NULL);
	snprintf(token, sizeof(token), "d%s", round);
	add(u, "INBOX", token);
	store_user_close(u);
	store_close_root(s);
	return 0;
}

/* ---- the checks ---------------------------------------------------------- */

static struct {
	const char *dir;
	struct map seen;  /* "box uid": token, over all rounds */
	struct map now;   /* "box uid": token, as it is */
	unsigned round;
	unsigned acks;
} check;

NORETURN static void
broken(const char *what, const char *detail)
{
	fatal(1, "round %u: %s: %s", check.round, what, detail);
}

/* The token of a whole message, for the caller to free. */
static char *
token_of(struct slice text, const char *where)
{
	ssize_t end = slice_find(text, '\n');

	if (!slice_starts(text, S("Token: ")) || !slice_ends(text, S("\nEND\n")))
		broken("not a whole message", where);
	return slice_dup(slice_from(slice_head(text, (size_t)end), 7));
}

static void
check_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		struct buf text = BUF_INIT(65536);
		char file[1024];

		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (file_read(file, &text) == -1)
			broken("unreadable", file);
		mem_free(token_of(buf_slice(&text), file));
		buf_release(&text);
	}
	if (d != NULL)
		closedir(d);
}

static void
check_files(void)
{
	static const char *const folders[] = { "cur", "new", ".Archive/cur",
		".Archive/new", ".Trash/cur", ".Trash/new" };
	char path[512];

	for (size_t i = 0; i < LEN(folders); i++) {
		snprintf(path, sizeof(path), "%s/x.test/u/%s", check.dir,
		    folders[i]);
		check_folder(path);
	}
}

static void
look_at(struct store_mailbox *m, const char *box, uint32_t uid)
{
	struct store_body body;
	char key[64], *token, *before;

	if (store_body_open(m, uid, &body) != STORE_OK)
		broken("listed message cannot be read", box);
	snprintf(key, sizeof(key), "%s %u", box, uid);
	token = token_of(body.text, key);
	store_body_close(&body);
	before = map_get(&check.seen, slice_str(key));
	if (before != NULL && strcmp(before, token) != 0)
		broken("a UID shows another message", key);
	if (before == NULL)
		map_put(&check.seen, slice_str(key), mem_str(token));
	map_put(&check.now, slice_str(key), token);
}

static void
look(struct store_user *u)
{
	map_release(&check.now, mem_free);
	map_init(&check.now);
	for (size_t i = 0; i < LEN(boxes); i++) {
		struct store_mailbox *m;
		uint32_t *uids;
		size_t n;

		if (store_mailbox_open(u, slice_str(boxes[i]), true, &m) !=
		        STORE_OK || store_mailbox_sync(m) != STORE_OK ||
		    store_mailbox_uids(m, &uids, &n) != STORE_OK)
			broken("cannot be opened", boxes[i]);
		for (size_t k = 0; k < n; k++)
			look_at(m, boxes[i], uids[k]);
		mem_free(uids);
		store_mailbox_close(m);
	}
}

static bool
is_anywhere(struct slice token)
{
	struct map_iter it = { 0 };
	struct slice key;
	void *value;

	while (map_next(&check.now, &it, &key, &value))
		if (slice_eq(slice_str(value), token))
			return true;
	return false;
}

/* "has BOX UID TOKEN", "gone BOX UID TOKEN", "fired". */
static bool
check_acks(struct slice acks)
{
	struct slice line, word[4];
	bool fired = false;
	struct map gone;

	map_init(&gone);
	/* A message that was moved on need not be where it first was. */
	for (int pass = 0; pass < 2; pass++) {
		struct slice rest = acks;

		while (slice_line(&rest, &line)) {
			char key[64], *token;
			bool has;

			fired |= slice_eq(line, S("fired"));
			for (size_t i = 0; i < LEN(word); i++)
				if (!slice_split(&line, ' ', &word[i]))
					word[i] = S("");
			snprintf(key, sizeof(key), "%.*s %.*s",
			    SLICE_ARG(word[1]), SLICE_ARG(word[2]));
			has = slice_eq(word[0], S("has"));
			if (pass == 0 && slice_eq(word[0], S("gone"))) {
				map_put(&gone, slice_str(key), &gone);
				if (map_get(&check.now, slice_str(key)) != NULL)
					broken("acknowledged as gone", key);
			}
			if (pass == 0 || !has ||
			    map_get(&gone, slice_str(key)) != NULL)
				continue;
			check.acks++;
			token = map_get(&check.now, slice_str(key));
			if (token == NULL && slice_starts(word[3], S("r")) &&
			    !is_anywhere(word[3]))
				broken("lost with what replaces it", key);
			/* A MOVE or EXPUNGE may have worked and not been told. */
			if (token == NULL && !slice_starts(word[3], S("b")) &&
			    !slice_starts(word[3], S("d")) && fired)
				continue;
			if (token == NULL ||
			    !slice_eq(slice_str(token), word[3]))
				broken("acknowledged and lost", key);
		}
	}
	map_release(&gone, NULL);
	return fired;
}

/* The queue repeats what it got no answer for. */
static void
check_repeat(struct store_user *u)
{
	struct map_iter it = { 0 };
	struct store_appended done;
	struct slice key;
	char token[64];
	unsigned copies = 0;
	void *value;

	snprintf(token, sizeof(token), "d%u", check.round);
	if (deliver(u, "INBOX", token, &done) != STORE_OK)
		broken("delivery cannot be repeated", token);
	look(u);
	while (map_next(&check.now, &it, &key, &value))
		copies += strcmp(value, token) == 0;
	if (copies != 1)
		broken("repeated delivery is not there once", token);
}

static void
remove_index(void)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char path[512];

	for (size_t i = 0; i < LEN(tails); i++) {
		snprintf(path, sizeof(path), "%s/x.test/u/pillarbox.db%s",
		    check.dir, tails[i]);
		unlink(path);
	}
}

/* ---- rounds -------------------------------------------------------------- */

static void
run_work(char **argv, const char *boot, struct buf *acks)
{
	char at[16], round[16];
	int fds[2], status;
	pid_t pid;

	snprintf(at, sizeof(at), "%u", check.round);
	snprintf(round, sizeof(round), "%u", check.round);
	if (pipe(fds) == -1 || (pid = fork()) == -1)
		fatal(1, "pipe or fork failed");
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(fds[1], 1);
		dup2(null, 2);
		close(fds[0]);
		close(fds[1]);
		close(null);
		setenv("LD_PRELOAD", argv[2], 1);
		setenv("FAULT_ERRNO", argv[3], 1);
		setenv("FAULT_AT", at, 1);
		setenv("FAULT_AFTER", check.round % 2 ? "1" : "0", 1);
		execl(argv[0], argv[0], "work", argv[1], boot, round, NULL);
		_exit(9);
	}
	close(fds[1]);
	if (file_read_fd(fds[0], acks) == -1)
		fatal(1, "cannot read the work's answers");
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) ? WEXITSTATUS(status) != 0 :
	    WTERMSIG(status) != SIGKILL)
		broken("the work died", "unexpectedly");
}

static bool
one_round(char **argv)
{
	struct buf acks = BUF_INIT(65536);
	struct store_user *u;
	struct store *s;
	char boot[32];
	bool fired;

	/* Now and then a reboot, now and then a lost index. */
	snprintf(boot, sizeof(boot), "boot-%u", check.round / 5);
	if (check.round % 3 == 0)
		remove_index();
	run_work(argv, boot, &acks);
	if (check.round % 7 == 0)
		remove_index();
	check_files();
	s = open_store(check.dir, boot);
	if (s == NULL || store_user_open(s, S("u@x.test"), &u) != STORE_OK)
		fatal(1, "cannot open the store");
	look(u);
	fired = check_acks(buf_slice(&acks));
	check_repeat(u);
	store_user_close(u);
	store_close_root(s);
	buf_release(&acks);
	return fired;
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "work") == 0)
		return work(argv[2], argv[3], argv[4]);
	log_init("store_faults", LOG_ERROR);
	if (argc != 4)
		fatal(2, "usage: store_faults FOLDER FAULTLIB ERRNO");
	check.dir = argv[1];
	map_init(&check.seen);
	map_init(&check.now);
	do
		check.round++;
	while (one_round(argv) && check.round < 2000);
	printf("store_faults errno=%s: %u faults, %u acknowledgements kept\n",
	    argv[3], check.round - 1, check.acks);
	map_release(&check.seen, mem_free);
	map_release(&check.now, mem_free);
	return 0;
}
