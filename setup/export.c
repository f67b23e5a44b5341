/*
 * setup mailbox export: mail into a Maildir tree or mboxrd files. Into a tree
 * that has messages of an earlier export only the new ones are written, and
 * files are renamed to the flags of now; an mbox file is replaced as a whole.
 */
#include "setup/mailbox.h"

#include <fcntl.h>

#include <dirent.h>

#include "core/file.h"
#include "core/map.h"
#include "setup/commands.h"
#include "setup/mbox.h"

#define BATCH 500
#define OUT_MAX 262144
#define LETTERS 26 /* keywords that a Maildir can show */

struct exporter {
	struct mailbox_job job;
	bool mbox;
	/* Of the mailbox being written. */
	struct files *files;
	struct store_mailbox *m;
	const char *shown;
	char dir[FILES_PATH_MAX]; /* "" or ".Name/" */
	struct map there;         /* base name: path below dir */
	char *letters[LETTERS];
	size_t n_letters;
	int out;                  /* the mbox file */
	bool failed;
	uint64_t done, all;
	struct progress progress;
};

/* A message of a batch; its strings are owned. */
struct item {
	uint32_t uid;
	unsigned flags;
	int64_t date;
	char *base;
	char **keywords;
	size_t n;
};

static void
fail_file(struct exporter *x, const char *path)
{
	say_abort(x->job.setup, "%s: %s", path, strerror(errno));
	x->failed = true;
}

/* ---- batches ------------------------------------------------------------- */

struct batch {
	struct item items[BATCH];
	size_t n;
};

static int
collect(void *ctx, const struct store_message *msg)
{
	struct batch *b = ctx;
	struct item *i = &b->items[b->n++];

	*i = (struct item){ .uid = msg->uid, .flags = msg->flags,
		.date = msg->internaldate, .base = slice_dup(msg->base),
		.n = msg->n_keywords };
	i->keywords = mem_array(i->n + 1, sizeof(*i->keywords));
	for (size_t k = 0; k < i->n; k++)
		i->keywords[k] = mem_str(msg->keywords[k]);
	return 0;
}

static void
batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		for (size_t k = 0; k < b->items[i].n; k++)
			mem_free(b->items[i].keywords[k]);
		mem_free(b->items[i].keywords);
		mem_free(b->items[i].base);
	}
	b->n = 0;
}

/* Calls one for every message of the mailbox. */
static int
each_message(struct exporter *x,
    void (*one)(struct exporter *x, const struct item *i))
{
	struct store_walk w = { .want = STORE_WANT_FILE, .limit = BATCH,
		.from = 1 };
	struct batch *b = mem_zero(sizeof(*b));
	enum store_err err = STORE_OK;

	while (w.from != 0 && err == STORE_OK && !x->failed) {
		uint32_t next = 0;

		err = store_walk(x->m, &w, collect, b, &next);
		for (size_t i = 0; i < b->n && !x->failed; i++) {
			one(x, &b->items[i]);
			x->done++;
			progress_show(&x->progress, x->shown, x->done, x->all);
		}
		batch_release(b);
		w.from = next;
	}
	mem_free(b);
	if (err != STORE_OK)
		return mailbox_failed(x->job.setup, x->shown, err);
	return x->failed ? 1 : 0;
}

/* A message that cannot be read is told and left out; one that is gone
 * meanwhile is just gone. */
static bool
open_body(struct exporter *x, const struct item *i, struct store_body *body)
{
	enum store_err err = store_body_open(x->m, i->uid, body);

	if (err != STORE_OK && err != STORE_NO_MESSAGE) {
		say(x->job.setup, LOG_ERROR, "%s: message with UID %u: %s",
		    x->shown, i->uid, store_err_text(err));
		x->failed = true;
	}
	return err == STORE_OK;
}

/* ---- Maildir ------------------------------------------------------------- */

/* The path below the export's root. */
static const char *
below(const struct exporter *x, const char *rest, struct buf *b)
{
	buf_clear(b);
	buf_addf(b, "%s%s", x->dir, rest);
	return buf_str(b);
}

static void
list_dir(struct exporter *x, const char *sub)
{
	struct buf path = BUF_INIT(FILES_PATH_MAX);
	int fd = files_open(x->files, below(x, sub, &path));
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		struct slice base = slice_str(e->d_name);
		ssize_t colon = slice_find(base, ':');

		if (e->d_name[0] == '.')
			continue;
		buf_clear(&path);
		buf_addf(&path, "%s/%s", sub, e->d_name);
		if (colon >= 0)
			base = slice_head(base, (size_t)colon);
		if (map_get(&x->there, base) == NULL)
			map_put(&x->there, base, mem_str(buf_str(&path)));
	}
	if (d != NULL)
		closedir(d);
	else
		fail_file(x, buf_str(&path));
	buf_release(&path);
}

/* The letters as Dovecot keeps them, so that they can be read again. */
static void
write_keywords(struct exporter *x)
{
	struct buf text = BUF_INIT(LETTERS * (LIMIT_KEYWORD + 8));
	struct buf path = BUF_INIT(FILES_PATH_MAX);
	const char *const *names;
	size_t n = 0;
	int fd;

	if (store_mailbox_keywords(x->m, &names, &n) != STORE_OK)
		n = 0;
	for (size_t i = 0; i < n && x->n_letters < LETTERS; i++) {
		if (strcmp(names[i], "$Forwarded") == 0)
			continue;
		buf_addf(&text, "%zu %s\n", x->n_letters, names[i]);
		x->letters[x->n_letters++] = mem_str(names[i]);
	}
	if (x->n_letters > 0) {
		fd = files_create(x->files,
		    below(x, "dovecot-keywords", &path));
		if (fd == -1 || file_write_all(fd, text.p, text.n) == -1)
			fail_file(x, buf_str(&path));
		if (fd != -1)
			close(fd);
	}
	buf_release(&text);
	buf_release(&path);
}

static void
add_letters(const struct exporter *x, const struct item *i, struct buf *out)
{
	static const struct {
		char letter;
		unsigned flag;
	} flags[] = {
		{ 'D', STORE_DRAFT }, { 'F', STORE_FLAGGED },
		{ 'P', 0 }, { 'R', STORE_ANSWERED }, { 'S', STORE_SEEN },
		{ 'T', STORE_DELETED },
	};
	bool keyword[LETTERS] = { false }, passed = false;

	for (size_t k = 0; k < i->n; k++) {
		passed |= strcmp(i->keywords[k], "$Forwarded") == 0;
		for (size_t l = 0; l < x->n_letters; l++)
			keyword[l] |= strcmp(i->keywords[k],
			    x->letters[l]) == 0;
	}
	buf_adds(out, ":2,");
	for (size_t f = 0; f < LEN(flags); f++)
		if ((i->flags & flags[f].flag) != 0 ||
		    (flags[f].letter == 'P' && passed))
			buf_addc(out, flags[f].letter);
	for (size_t l = 0; l < x->n_letters; l++)
		if (keyword[l])
			buf_addc(out, (char)('a' + l));
}

static void
write_file(struct exporter *x, const struct item *i, const char *to)
{
	struct buf tmp = BUF_INIT(FILES_PATH_MAX);
	struct buf path = BUF_INIT(FILES_PATH_MAX);
	struct store_body body;
	int fd;

	if (!open_body(x, i, &body))
		return;
	buf_addf(&tmp, "%stmp/%s", x->dir, i->base);
	fd = files_create(x->files, buf_str(&tmp));
	if (fd == -1 || file_write_all(fd, body.text.p, body.text.n) == -1 ||
	    files_place(x->files, buf_str(&tmp), below(x, to, &path),
	    i->date) == -1)
		fail_file(x, buf_str(&tmp));
	if (fd != -1)
		close(fd);
	store_body_close(&body);
	buf_release(&tmp);
	buf_release(&path);
}

static void
export_file(struct exporter *x, const struct item *i)
{
	const char *old = map_get(&x->there, slice_str(i->base));
	struct buf from = BUF_INIT(FILES_PATH_MAX);
	struct buf path = BUF_INIT(FILES_PATH_MAX);
	struct buf to = BUF_INIT(FILES_PATH_MAX);

	buf_addf(&to, "cur/%s", i->base);
	add_letters(x, i, &to);
	if (old == NULL) {
		write_file(x, i, buf_str(&to));
	} else if (strcmp(old, buf_str(&to)) != 0 &&
	    files_place(x->files, below(x, old, &from),
	    below(x, buf_str(&to), &path), 0) == -1) {
		fail_file(x, buf_str(&from));
	}
	buf_release(&from);
	buf_release(&path);
	buf_release(&to);
}

static int
make_dirs(struct exporter *x)
{
	static const char *const subs[] = { "cur", "new", "tmp" };
	struct buf path = BUF_INIT(FILES_PATH_MAX);

	if (x->dir[0] != '\0') {
		buf_addf(&path, "%.*s", (int)strlen(x->dir) - 1, x->dir);
		if (files_mkdir(x->files, buf_str(&path)) == -1)
			fail_file(x, buf_str(&path));
	}
	for (size_t i = 0; i < LEN(subs) && !x->failed; i++)
		if (files_mkdir(x->files, below(x, subs[i], &path)) == -1)
			fail_file(x, buf_str(&path));
	buf_release(&path);
	return x->failed ? -1 : 0;
}

static int
export_maildir(struct exporter *x, const char *wire)
{
	int r = 1;

	if (strcmp(wire, "INBOX") == 0)
		x->dir[0] = '\0';
	else
		snprintf(x->dir, sizeof(x->dir), ".%s/", wire);
	map_init(&x->there);
	if (make_dirs(x) == 0) {
		write_keywords(x);
		list_dir(x, "cur");
		list_dir(x, "new");
		r = each_message(x, export_file);
	}
	map_release(&x->there, mem_free);
	while (x->n_letters > 0)
		mem_free(x->letters[--x->n_letters]);
	return r;
}

/* ---- mbox ---------------------------------------------------------------- */

static void
flush(void *ctx, struct buf *out)
{
	struct exporter *x = ctx;

	if (!x->failed && file_write_all(x->out, out->p, out->n) == -1)
		fail_file(x, x->shown);
	buf_clear(out);
}

static void
export_text(struct exporter *x, const struct item *i)
{
	struct buf out = BUF_INIT(OUT_MAX + LIMIT_KEYWORDS * LIMIT_KEYWORD);
	struct store_body body;

	if (!open_body(x, i, &body))
		return;
	mbox_head(&out, body.text, i->date, i->flags,
	    (const char *const *)i->keywords, i->n);
	mbox_body(&out, body.text, flush, x);
	store_body_close(&body);
	buf_release(&out);
}

static int
export_mbox(struct exporter *x, const char *wire UNUSED)
{
	struct buf path = BUF_INIT(FILES_PATH_MAX);
	struct buf tmp = BUF_INIT(FILES_PATH_MAX);
	int r = 1;

	buf_addf(&path, "%s.mbox", x->shown);
	buf_addf(&tmp, "%s.mbox.tmp", x->shown);
	x->out = files_create(x->files, buf_str(&tmp));
	if (x->out == -1) {
		fail_file(x, buf_str(&tmp));
	} else {
		r = each_message(x, export_text);
		if (r == 0 && (fsync(x->out) == -1 || files_place(x->files,
		    buf_str(&tmp), buf_str(&path), 0) == -1)) {
			fail_file(x, buf_str(&tmp));
			r = 1;
		}
		close(x->out);
	}
	buf_release(&path);
	buf_release(&tmp);
	return r;
}

/* ---- the command --------------------------------------------------------- */

static int
export_one(struct exporter *x, struct store_user *u, const char *wire)
{
	struct buf shown = BUF_INIT(2 * LIMIT_MAILBOX_NAME);
	struct store_status st = { 0 };
	enum store_err err = store_mailbox_open(u, slice_str(wire), false,
	    &x->m);
	int r = 1;

	mailbox_shown_name(wire, &shown);
	x->shown = buf_str(&shown);
	x->failed = false;
	x->done = 0;
	if (err == STORE_OK) {
		err = store_mailbox_sync(x->m);
		if (err == STORE_OK)
			err = store_mailbox_status(x->m, &st);
		x->all = st.messages;
		if (err == STORE_OK)
			r = (x->mbox ? export_mbox : export_maildir)(x, wire);
		store_mailbox_close(x->m);
	}
	progress_end(&x->progress);
	if (err != STORE_OK)
		mailbox_failed(x->job.setup, x->shown, err);
	if (r == 0)
		say(x->job.setup, LOG_INFO, "'%s': %llu messages exported",
		    x->shown, (unsigned long long)x->done);
	buf_release(&shown);
	return r;
}

static int
export_run(struct mailbox_job *j, struct owner *o, struct store_user *u)
{
	struct exporter *x = CONTAINER_OF(j, struct exporter, job);
	struct store_list all;
	enum store_err err = store_list(u, &all);
	int r = 0;

	x->files = o->files;
	progress_init(&x->progress);
	if (err != STORE_OK)
		return mailbox_failed(j->setup, buf_str(&j->address), err);
	for (int i = 0; i < j->n; i++) {
		struct buf wire = BUF_INIT(LIMIT_MAILBOX_NAME);

		r |= mailbox_existing(j, u, j->names[i], &wire) == -1 ? 1 :
		    export_one(x, u, buf_str(&wire));
		buf_release(&wire);
	}
	for (size_t i = 0; i < all.n && j->n == 0; i++)
		if ((all.entries[i].attributes & (STORE_NOSELECT |
		    STORE_VIRTUAL)) == 0)
			r |= export_one(x, u, all.entries[i].name);
	store_list_release(&all);
	return r;
}

int
cmd_mailbox_export(struct setup *s, int argc, char **argv)
{
	struct exporter x = { .job = { .setup = s, .run = export_run } };
	int r, root;

	if (argc > 0 && strcmp(argv[0], "--mbox") == 0) {
		x.mbox = true;
		argc--;
		argv++;
	}
	if (argc < 2 || argv[0][0] == '-')
		return say_usage(s, 1);
	x.job.names = argv + 2;
	x.job.n = argc - 2;
	if (file_make_dirs(argv[1], 0700) == -1)
		return say_abort(s, "%s: %s", argv[1], strerror(errno));
	r = mailbox_run(&x.job, argv[0], argv[1], true);
	/* All files at once: what is said to be exported is on disk. */
	root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1 || syncfs(root) == -1)
		r = say_abort(s, "%s: %s", argv[1], strerror(errno));
	if (root != -1)
		close(root);
	return r;
}
