/* Rounds of faults, and looking at a whole user. */
#include "harness.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#define ROUNDS_MAX 4000

struct round round_now;

/* ---- answers ------------------------------------------------------------- */

void
ack(const char *format, ...)
{
	char line[4096];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line) - 1, format, ap);
	va_end(ap);
	line[n++] = '\n';
	if (file_write_all(1, line, (size_t)n) == -1)
		_exit(3);
}

bool
is_acked(struct slice acks, const char *format, ...)
{
	char want[4096];
	struct slice line;
	va_list ap;

	va_start(ap, format);
	vsnprintf(want, sizeof(want), format, ap);
	va_end(ap);
	while (slice_line(&acks, &line))
		if (slice_eq(line, slice_str(want))) {
			round_now.kept++;
			return true;
		}
	return false;
}

NORETURN void
broken(const char *what, const char *detail)
{
	fatal(1, "round %u: %s: %s", round_now.n, what, detail);
}

/* ---- files --------------------------------------------------------------- */

const char *
user_path(const char *rest)
{
	static char paths[2][PATH_MAX];
	static int turn;
	char *path = paths[turn = !turn];

	snprintf(path, PATH_MAX, "%s/x.test/u/%s", round_now.dir, rest);
	return path;
}

void
remove_index(void)
{
	unlink(user_path("pillarbox.db"));
	unlink(user_path("pillarbox.db-wal"));
	unlink(user_path("pillarbox.db-shm"));
}

void
put_file(const char *rest, const char *text)
{
	int fd = open(user_path(rest), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || file_write_all(fd, text, strlen(text)) == -1)
		fatal(1, "cannot write %s", user_path(rest));
	close(fd);
}

/* ---- messages ------------------------------------------------------------ */

enum store_err
deliver_token(struct store_user *u, const char *box, const char *token,
    const struct store_append_meta *meta, struct store_appended *done)
{
	struct store_delivery d = { .mailbox = slice_str(box), .create = true,
		.fd = -1, .meta = *meta };
	char text[300];

	snprintf(text, sizeof(text), "Token: %s\r\n\r\ntext\r\nEND\r\n", token);
	d.prefix = slice_str(text);
	return store_deliver(u, &d, done);
}

const struct slice *
many_keywords(void)
{
	static char names[MANY_KEYWORDS][8];
	static struct slice keywords[MANY_KEYWORDS];

	for (int i = 0; i < MANY_KEYWORDS; i++) {
		snprintf(names[i], sizeof(names[i]), "k%d", i);
		keywords[i] = slice_str(names[i]);
	}
	return keywords;
}

bool
has_many_keywords(const char *look)
{
	for (int i = 0; i < MANY_KEYWORDS; i++) {
		struct slice rest = slice_str(look), word;
		bool found = false;

		while (!found && slice_word(&rest, &word))
			found = slice_eq(word, many_keywords()[i]);
		if (!found)
			return false;
	}
	return true;
}

char *
token_of(struct slice text, const char *where)
{
	ssize_t end = slice_find(text, '\n');

	if (!slice_starts(text, S("Token: ")) || !slice_ends(text, S("\nEND\n")))
		broken("not a whole message", where);
	return slice_dup(slice_from(slice_head(text, (size_t)end), 7));
}

static void
check_files(const char *box, const char *place)
{
	char rest[1200], file[2400];
	struct dirent *e;
	DIR *d;

	snprintf(rest, sizeof(rest), "%s%s/%s", strcmp(box, "INBOX") == 0 ?
	    "" : ".", strcmp(box, "INBOX") == 0 ? "." : box, place);
	d = opendir(user_path(rest));
	while (d != NULL && (e = readdir(d)) != NULL) {
		struct buf text = BUF_INIT(65536);

		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", rest, e->d_name);
		if (file_read(user_path(file), &text) == -1)
			broken("unreadable", file);
		mem_free(token_of(buf_slice(&text), file));
		buf_release(&text);
	}
	if (d != NULL)
		closedir(d);
}

/* ---- everything there is ------------------------------------------------- */

struct looking {
	struct found_list *out;
	const char *box;
	uint32_t uidvalidity;
	uint64_t bytes;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
look_at(void *ctx, const struct store_message *msg)
{
	struct looking *l = ctx;
	struct buf look = BUF_INIT(65536);
	const char **k = mem_array(msg->n_keywords + 1, sizeof(*k));
	struct found *f;

	for (size_t i = 0; i < msg->n_keywords; i++)
		k[i] = msg->keywords[i];
	qsort(k, msg->n_keywords, sizeof(*k), by_text);
	buf_addf(&look, "%u %u %02x", l->uidvalidity, msg->uid, msg->flags);
	for (size_t i = 0; i < msg->n_keywords; i++)
		buf_addf(&look, " %s", k[i]);
	mem_free(k);
	l->out->all = mem_grow(l->out->all, l->out->n + 1,
	    sizeof(*l->out->all));
	f = &l->out->all[l->out->n++];
	*f = (struct found){ .box = mem_str(l->box), .uid = msg->uid,
		.uidvalidity = l->uidvalidity, .look = buf_take(&look),
		.date = msg->internaldate };
	l->bytes += msg->vsize;
	return 0;
}

/* Flags are kept twice, and must be the same. */
static void
check_flags(struct store_mailbox *m, const struct looking *l, size_t from)
{
	const struct store_walk w = { .flags_only = true };
	struct found_list again = { 0 };
	struct looking k = *l;

	k.out = &again;
	if (store_walk(m, &w, look_at, &k, NULL) != STORE_OK ||
	    again.n != l->out->n - from)
		broken("has messages without flags", l->box);
	for (size_t i = 0; i < again.n; i++)
		if (strcmp(again.all[i].look, l->out->all[from + i].look) != 0)
			broken("has other flags", again.all[i].look);
	found_release(&again);
}

/* All of one mailbox. */
static void
find_in(struct store_user *u, struct looking *l)
{
	size_t from = l->out->n;
	struct store_walk w = { 0 };
	struct store_status st;
	struct store_mailbox *m;

	if (store_mailbox_open(u, slice_str(l->box), false, &m) != STORE_OK ||
	    store_mailbox_sync(m) != STORE_OK ||
	    store_mailbox_status(m, &st) != STORE_OK)
		broken("cannot be opened", l->box);
	l->uidvalidity = st.uidvalidity;
	if (store_walk(m, &w, look_at, l, NULL) != STORE_OK)
		broken("cannot be listed", l->box);
	if (st.messages != l->out->n - from)
		broken("is miscounted", l->box);
	check_flags(m, l, from);
	for (size_t i = from; i < l->out->n; i++) {
		struct found *f = &l->out->all[i];
		struct store_body body;

		if (i > from && f[-1].uid >= f->uid)
			broken("has a UID twice", l->box);
		if (store_body_open(m, f->uid, &body) != STORE_OK)
			broken("listed message cannot be read", f->look);
		f->token = token_of(body.text, f->look);
		store_body_close(&body);
	}
	store_mailbox_close(m);
	check_files(l->box, "cur");
	check_files(l->box, "new");
}

void
find_all(struct store_user *u, struct found_list *out)
{
	struct looking l = { .out = out };
	struct store_usage usage;
	struct store_list list;

	*out = (struct found_list){ 0 };
	if (store_list(u, &list) != STORE_OK)
		broken("cannot be listed", "the user");
	for (size_t i = 0; i < list.n; i++) {
		l.box = list.entries[i].name;
		if ((list.entries[i].attributes &
		    (STORE_NOSELECT | STORE_VIRTUAL)) == 0)
			find_in(u, &l);
	}
	store_list_release(&list);
	if (store_usage(u, &usage) != STORE_OK || usage.bytes != l.bytes ||
	    usage.messages != out->n)
		broken("usage is not what is there", "the user");
}

void
found_release(struct found_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		mem_free(l->all[i].box);
		mem_free(l->all[i].token);
		mem_free(l->all[i].look);
	}
	mem_free(l->all);
	*l = (struct found_list){ 0 };
}

const struct found *
find_token(const struct found_list *l, const char *box, const char *token)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->all[i].box, box) == 0 &&
		    strcmp(l->all[i].token, token) == 0)
			return &l->all[i];
	return NULL;
}

size_t
count_token(const struct found_list *l, const char *token)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += strcmp(l->all[i].token, token) == 0;
	return n;
}

/* ---- rounds -------------------------------------------------------------- */

static struct store_user *
open_user(struct store **s)
{
	struct store_config conf = { .mailroot = round_now.dir,
		.hostname = "mail", .boot_id = round_now.boot,
		.adopt_batch = round_now.batch };
	struct store_user *u;

	*s = store_open_root(&conf, NULL);
	if (*s == NULL || store_user_open(*s, S("u@x.test"), &u) != STORE_OK)
		fatal(1, "cannot open the store");
	return u;
}

static void
with_user(void (*fn)(struct store_user *u))
{
	struct store *s;
	struct store_user *u = open_user(&s);

	fn(u);
	store_user_close(u);
	store_close_root(s);
}

/* The work's half of run_work: argv is WORK FOLDER BOOT ROUND BATCH. */
static int
work_main(char **argv, const struct subject *s)
{
	log_init("work", LOG_ERROR);
	round_now = (struct round){ .dir = argv[2], .boot = argv[3],
		.n = (unsigned)strtoul(argv[4], NULL, 10),
		.batch = (unsigned)strtoul(argv[5], NULL, 10) };
	with_user(s->work);
	return 0;
}

static void
run_work(char **argv, struct buf *acks)
{
	char at[16], round[16], batch[16];
	bool kill = strcmp(argv[3], "0") == 0;
	int fds[2], status;
	pid_t pid;

	/* Each call is the last one twice: done, and not done. */
	snprintf(at, sizeof(at), "%u", kill ? (round_now.n + 1) / 2 :
	    round_now.n);
	snprintf(round, sizeof(round), "%u", round_now.n);
	snprintf(batch, sizeof(batch), "%u", round_now.batch);
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
		setenv("FAULT_AFTER", round_now.n % 2 ? "1" : "0", 1);
		execl(argv[0], argv[0], "work", argv[1], round_now.boot, round,
		    batch, NULL);
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
one_round(char **argv, const struct subject *s)
{
	struct buf acks = BUF_INIT(65536);
	struct store_user *u;
	struct store *store;
	char boot[32];
	bool fired;

	/* Now and then a reboot, now and then a lost index. */
	snprintf(boot, sizeof(boot), "boot-%u", round_now.n / 5);
	round_now.boot = boot;
	if (round_now.n % s->afresh == 0 && file_remove_tree(user_path("")) == -1 &&
	    errno != ENOENT)
		fatal(1, "cannot remove %s", user_path(""));
	if (s->prepare != NULL)
		with_user(s->prepare);
	if (round_now.n % 3 == 0)
		remove_index();
	run_work(argv, &acks);
	if (round_now.n % 7 == 0)
		remove_index();
	fired = is_acked(buf_slice(&acks), "fired");
	round_now.kept -= fired;
	u = open_user(&store);
	s->check(u, buf_slice(&acks), fired);
	store_user_close(u);
	store_close_root(store);
	buf_release(&acks);
	return fired;
}

bool
subject_is_work(char **argv)
{
	return argv[1] != NULL && strcmp(argv[1], "work") == 0;
}

int
subject_main(int argc, char **argv, const struct subject *s)
{
	unsigned unharmed = 0;

	if (argc == 6 && subject_is_work(argv))
		return work_main(argv, s);
	log_init("faults", LOG_ERROR);
	if (argc != 4)
		fatal(2, "usage: faults_%s FOLDER FAULTLIB ERRNO", s->name);
	round_now = (struct round){ .dir = argv[1], .batch = s->batch };
	/* Two in a row: what follows a call may be the end. */
	while (unharmed < 2 && ++round_now.n < ROUNDS_MAX)
		unharmed = one_round(argv, s) ? 0 : unharmed + 1;
	if (unharmed < 2)
		fatal(1, "the faults of %s do not end", s->name);
	printf("%s, errno=%s: %u faults, %u answers kept\n", s->name,
	    argv[3], round_now.n - 2, round_now.kept);
	return 0;
}
