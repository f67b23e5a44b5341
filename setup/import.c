/*
 * setup mailbox import: mail from a Maildir tree or mbox files. A message gets
 * an id from its content and from how many the same came before it in this
 * import; the store takes an id once, so a repeated import adds only what is
 * not there, whatever ended the last one.
 */
#include "setup/mailbox.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include <openssl/evp.h>

#include "core/file.h"
#include "core/map.h"
#include "core/num.h"
#include "mail/crlf.h"
#include "mail/mutf7.h"
#include "setup/commands.h"
#include "setup/mbox.h"

#define PIECE 65536
#define HELD_MAX (1u << 20) /* a message up to this size is written once it is
                             * known to be new */
#define LETTERS 26

struct importer {
	struct mailbox_job job;
	const char *path;   /* as given, for messages */
	struct files *files;
	struct store_user *user;
	const char *target; /* the mailbox argument in wire form, or NULL */
	/* The mailbox being filled. */
	struct buf wire;
	struct buf shown;
	struct map seen;    /* content: how many so far */
	struct buf file;    /* where the message comes from */
	/* The message. */
	struct store_append *append; /* NULL while all of it is in held */
	bool open;
	EVP_MD_CTX *hash;
	struct buf held;
	struct buf text;
	bool cr;
	uint64_t bytes;
	uint64_t offset;    /* in an mbox */
	int64_t date;
	/* All of it. */
	uint64_t added, repeated, odd;
	enum store_err err; /* ends the import */
	struct progress progress;
};

/* Something in the input that is not imported or is doubtful. */
static void
odd(struct importer *x, const char *what)
{
	progress_end(&x->progress);
	say(x->job.setup, LOG_WARN, "%s%s%s: %s", x->path,
	    x->file.n > 0 ? "/" : "", buf_str(&x->file), what);
	x->odd++;
}

static void
odd_at(struct importer *x, uint64_t offset, const char *what)
{
	progress_end(&x->progress);
	say(x->job.setup, LOG_WARN, "%s%s%s: byte %llu: %s", x->path,
	    x->file.n > 0 ? "/" : "", buf_str(&x->file),
	    (unsigned long long)offset, what);
	x->odd++;
}

/* ---- one message --------------------------------------------------------- */

static void
begin(struct importer *x)
{
	x->open = true;
	x->cr = false;
	x->bytes = 0;
	buf_clear(&x->held);
	if (EVP_DigestInit_ex(x->hash, EVP_sha256(), NULL) != 1)
		panic("import: SHA-256");
}

/* It is new, or too large to tell before: gives the store what is held. */
static void
open_append(struct importer *x)
{
	x->err = store_append_begin(x->user, buf_slice(&x->wire), true,
	    &x->append);
	if (x->err != STORE_OK)
		x->append = NULL;
	else
		(void)store_append_data(x->append, buf_slice(&x->held));
	buf_clear(&x->held);
}

/* Ends the message without having it. */
static void
drop(struct importer *x)
{
	if (x->append != NULL)
		store_append_abort(x->append);
	x->append = NULL;
	x->open = false;
}

/* The content is what the store keeps: LF line ends. */
static void
digest(struct importer *x)
{
	if (EVP_DigestUpdate(x->hash, x->text.p, x->text.n) != 1)
		panic("import: SHA-256");
	x->bytes += x->text.n;
	buf_clear(&x->text);
}

static void
data(struct importer *x, struct slice piece)
{
	if (!x->open || x->err != STORE_OK)
		return;
	if (x->append == NULL && x->held.n + piece.n > HELD_MAX)
		open_append(x);
	if (x->append != NULL)
		(void)store_append_data(x->append, piece);
	else
		buf_add_slice(&x->held, piece);
	crlf_strip(&x->text, piece, &x->cr);
	digest(x);
}

/* 32 characters that stand for the nth message of this content. */
static void
content_id(struct importer *x, char id[STORE_CONTENT_ID + 1])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct buf again = BUF_INIT(128);
	uintptr_t n;

	crlf_strip_end(&x->text, &x->cr);
	digest(x);
	if (EVP_DigestFinal_ex(x->hash, sum, NULL) != 1)
		panic("import: SHA-256");
	n = (uintptr_t)map_get(&x->seen, slice_of(sum, 24)) + 1;
	map_put(&x->seen, slice_of(sum, 24), (void *)n);
	if (n > 1) {
		buf_add(&again, sum, 32);
		buf_addu(&again, n);
		if (EVP_Digest(again.p, again.n, sum, NULL, EVP_sha256(),
		    NULL) != 1)
			panic("import: SHA-256");
		buf_release(&again);
	}
	for (size_t i = 0; i < STORE_CONTENT_ID; i++)
		id[i] = alphabet[sum[i] & 63];
	id[STORE_CONTENT_ID] = '\0';
}

static void
store_message(struct importer *x, const struct store_append_meta *meta)
{
	struct store_append *a;
	struct store_appended done;

	if (x->append == NULL)
		open_append(x);
	a = x->append;
	x->append = NULL;
	if (a == NULL)
		return;
	(void)store_append_message(a, meta);
	x->err = store_append_commit(a, &done);
	if (x->err == STORE_NAME || x->err == STORE_LIMIT) {
		odd_at(x, x->offset, "a keyword of the message cannot be "
		    "stored; it is left out");
		x->err = STORE_OK;
	} else if (x->err == STORE_OK) {
		x->added += !done.repeated;
		x->repeated += done.repeated;
	}
}

static void
end(struct importer *x, unsigned flags, const struct slice *keywords, size_t n)
{
	char id[STORE_CONTENT_ID + 1];
	bool there = false;

	if (!x->open || x->err != STORE_OK) {
		drop(x);
		return;
	}
	content_id(x, id);
	if (x->bytes == 0)
		odd_at(x, x->offset, "an empty message is left out");
	else if (x->append == NULL)
		x->err = store_has_content(x->user, buf_slice(&x->wire),
		    slice_str(id), &there);
	x->repeated += there;
	if (x->bytes > 0 && !there && x->err == STORE_OK)
		store_message(x, &(struct store_append_meta){
		    .flags = flags, .keywords = keywords, .n_keywords = n,
		    .internaldate = x->date, .delivery_id = slice_str(id) });
	drop(x);
	progress_show(&x->progress, buf_str(&x->shown), x->added +
	    x->repeated, 0);
}

/* ---- mailboxes ----------------------------------------------------------- */

/* Where mail of the source's mailbox name ("INBOX" for the top) goes. False
 * if it can go nowhere. */
static bool
choose(struct importer *x, struct slice name)
{
	bool top = slice_ieq(name, S("INBOX"));
	struct store_mailbox *m;

	buf_clear(&x->wire);
	buf_clear(&x->shown);
	if (x->target != NULL) {
		buf_adds(&x->wire, x->target);
		if (!top)
			buf_addc(&x->wire, '.');
	}
	if (x->target == NULL || !top)
		buf_add_slice(&x->wire, top ? S("INBOX") : name);
	if (!buf_ok(&x->wire) || !store_name_is_valid(buf_slice(&x->wire))) {
		odd(x, "its name cannot be one of a mailbox; left out");
		return false;
	}
	mailbox_shown_name(buf_str(&x->wire), &x->shown);
	map_release(&x->seen, NULL);
	map_init(&x->seen);
	/* What other programs deleted there is not there any more. */
	if (store_mailbox_open(x->user, buf_slice(&x->wire), false, &m) ==
	    STORE_OK) {
		(void)store_mailbox_sync(m);
		store_mailbox_close(m);
	}
	return true;
}

/* ---- mbox ---------------------------------------------------------------- */

static void
mbox_begin(void *ctx, uint64_t offset, int64_t date)
{
	struct importer *x = ctx;

	if (x->err != STORE_OK)
		return;
	x->offset = offset;
	x->date = date;
	begin(x);
}

static void
mbox_data(void *ctx, struct slice piece)
{
	data(ctx, piece);
}

static void
mbox_message_end(void *ctx, unsigned flags, struct slice keywords)
{
	struct slice list[LIMIT_KEYWORDS], word;
	size_t n = 0;

	while (n < LEN(list) && slice_word(&keywords, &word))
		list[n++] = word;
	end(ctx, flags, list, n);
}

static void
mbox_odd(void *ctx, uint64_t offset, const char *what)
{
	odd_at(ctx, offset, what);
}

static const struct mbox_ops mbox_import = {
	.begin = mbox_begin,
	.data = mbox_data,
	.end = mbox_message_end,
	.odd = mbox_odd,
};

static int
import_mbox(struct importer *x, int fd)
{
	char *piece = mem_alloc(PIECE);
	struct mbox_reader r;
	ssize_t n;
	int ok = 0;

	mbox_init(&r, &mbox_import, x);
	while ((n = read(fd, piece, PIECE)) > 0 && ok == 0 &&
	    x->err == STORE_OK)
		ok = mbox_feed(&r, slice_of(piece, (size_t)n));
	if (n < 0)
		odd_at(x, r.offset, strerror(errno));
	else if (x->err == STORE_OK && mbox_end(&r) == -1)
		odd_at(x, r.offset, "this is no mbox: it does not begin with "
		    "a line \"From sender date\"");
	drop(x);
	mbox_release(&r);
	mem_free(piece);
	return x->err == STORE_OK ? 0 : 1;
}

/* ---- folders of files ---------------------------------------------------- */

struct names {
	char **list;
	size_t n, cap;
};

static void
names_release(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		mem_free(l->list[i]);
	mem_free(l->list);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted: those of a Maildir begin with the time. -1
 * with errno set. */
static int
names_read(struct importer *x, const char *dir, struct names *l)
{
	int fd = files_open(x->files, dir);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;

	*l = (struct names){ 0 };
	if (d == NULL) {
		int saved = errno;

		if (fd != -1)
			close(fd);
		errno = saved;
		return -1;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		if (l->n == l->cap) {
			l->cap = l->cap == 0 ? 64 : l->cap * 2;
			l->list = mem_grow(l->list, l->cap,
			    sizeof(*l->list));
		}
		l->list[l->n++] = mem_str(e->d_name);
	}
	closedir(d);
	if (l->n > 0)
		qsort(l->list, l->n, sizeof(*l->list), by_name);
	return 0;
}

static bool
has_dir(struct importer *x, const char *dir, const char *sub)
{
	struct buf path = BUF_INIT(FILES_PATH_MAX);
	struct stat st;
	int fd;
	bool r;

	buf_addf(&path, "%s%s", dir, sub);
	fd = files_open(x->files, buf_str(&path));
	r = fd != -1 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	if (fd != -1)
		close(fd);
	buf_release(&path);
	return r;
}

/* ---- Maildir ------------------------------------------------------------- */

/* dovecot-keywords: "0 name". */
static void
keywords_read(struct importer *x, const char *dir, struct buf *text,
    struct slice names[LETTERS])
{
	struct buf path = BUF_INIT(FILES_PATH_MAX);
	struct slice rest, line, number;
	uint64_t n;
	int fd;

	buf_addf(&path, "%sdovecot-keywords", dir);
	fd = files_open(x->files, buf_str(&path));
	if (fd != -1 && file_read_fd(fd, text) == -1)
		buf_clear(text);
	if (fd != -1)
		close(fd);
	rest = buf_slice(text);
	while (slice_line(&rest, &line))
		if (slice_split(&line, ' ', &number) &&
		    num_u64(number, LETTERS - 1, &n) == 0)
			names[n] = slice_trim(line);
	buf_release(&path);
}

static unsigned
letters_parse(struct slice letters, const struct slice names[LETTERS],
    struct slice *keywords, size_t *n)
{
	unsigned flags = 0;

	for (size_t i = 0; i < letters.n; i++) {
		char c = letters.p[i];

		flags |= c == 'D' ? STORE_DRAFT : c == 'F' ? STORE_FLAGGED :
		    c == 'R' ? STORE_ANSWERED : c == 'S' ? STORE_SEEN :
		    c == 'T' ? STORE_DELETED : 0;
		if (c == 'P')
			keywords[(*n)++] = S("$Forwarded");
		else if (c >= 'a' && c <= 'z' && names[c - 'a'].n > 0 &&
		    *n < LETTERS)
			keywords[(*n)++] = names[c - 'a'];
		if (*n > LETTERS)
			break;
	}
	return flags;
}

/* gzip and zstd, as Dovecot's mail_compress writes them. */
static bool
is_compressed(struct slice start)
{
	return slice_starts(start, slice_of("\x1f\x8b\x08", 3)) ||
	    slice_starts(start, slice_of("\x28\xb5\x2f\xfd", 4));
}

static void
import_fd(struct importer *x, int fd, struct slice name,
    const struct slice names[LETTERS])
{
	struct slice keywords[LETTERS + 2];
	ssize_t info = slice_ifind(name, S(":2,"));
	char *piece = mem_alloc(PIECE);
	size_t n_keywords = 0;
	unsigned flags = 0;
	bool first = true;
	ssize_t n;

	if (info >= 0)
		flags = letters_parse(slice_from(name, (size_t)info + 3),
		    names, keywords, &n_keywords);
	begin(x);
	while (x->err == STORE_OK && (n = read(fd, piece, PIECE)) != 0) {
		if (n < 0 || (first && is_compressed(slice_of(piece,
		    (size_t)n)))) {
			odd(x, n < 0 ? strerror(errno) :
			    "compressed mail cannot be imported; left out");
			break;
		}
		first = false;
		data(x, slice_of(piece, (size_t)n));
	}
	if (x->err == STORE_OK && n == 0)
		end(x, flags, keywords, n_keywords);
	drop(x);
	mem_free(piece);
}

static void
import_file(struct importer *x, const char *dir, const char *sub,
    const char *name, const struct slice names[LETTERS])
{
	struct stat st;
	int fd;

	buf_clear(&x->file);
	buf_addf(&x->file, "%s%s/%s", dir, sub, name);
	fd = files_open(x->files, buf_str(&x->file));
	if (fd == -1) {
		odd(x, errno == ELOOP ? "a symbolic link is left out" :
		    strerror(errno));
	} else if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		odd(x, "this is no file; left out");
	} else {
		x->date = (int64_t)st.st_mtim.tv_sec;
		x->offset = 0;
		import_fd(x, fd, slice_str(name), names);
	}
	if (fd != -1)
		close(fd);
}

/* dir is "" or ".Name/". */
static void
import_folder(struct importer *x, const char *dir)
{
	static const char *const subs[] = { "cur", "new" };
	struct slice name = S("INBOX"), names[LETTERS] = { { NULL, 0 } };
	struct buf keywords = BUF_INIT(1 << 20);

	buf_clear(&x->file);
	buf_adds(&x->file, dir);
	if (*dir != '\0')
		name = slice_of(dir + 1, strlen(dir) - 2);
	if (!choose(x, name))
		return;
	keywords_read(x, dir, &keywords, names);
	for (size_t s = 0; s < LEN(subs); s++) {
		struct buf path = BUF_INIT(FILES_PATH_MAX);
		struct names l;

		buf_addf(&path, "%s%s", dir, subs[s]);
		if (names_read(x, buf_str(&path), &l) == -1 &&
		    errno != ENOENT) {
			buf_clear(&x->file);
			buf_adds(&x->file, buf_str(&path));
			odd(x, strerror(errno));
		}
		for (size_t i = 0; i < l.n && x->err == STORE_OK; i++)
			if (l.list[i][0] != '.')
				import_file(x, dir, subs[s], l.list[i], names);
		names_release(&l);
		buf_release(&path);
	}
	buf_release(&keywords);
}

static void
import_maildir(struct importer *x, const struct names *l)
{
	import_folder(x, "");
	for (size_t i = 0; i < l->n && x->err == STORE_OK; i++) {
		struct buf dir = BUF_INIT(FILES_PATH_MAX);

		buf_addf(&dir, "%s/", l->list[i]);
		if (l->list[i][0] == '.' && (has_dir(x, buf_str(&dir), "cur") ||
		    has_dir(x, buf_str(&dir), "new")))
			import_folder(x, buf_str(&dir));
		buf_release(&dir);
	}
}

/* ---- the command --------------------------------------------------------- */

/* A folder of NAME.mbox files. */
static void
import_mboxes(struct importer *x, const struct names *l)
{
	for (size_t i = 0; i < l->n && x->err == STORE_OK; i++) {
		struct buf wire = BUF_INIT(LIMIT_MAILBOX_NAME);
		struct slice name = slice_str(l->list[i]);
		int fd;

		if (!slice_ends(name, S(".mbox")))
			continue;
		buf_clear(&x->file);
		buf_adds(&x->file, l->list[i]);
		fd = files_open(x->files, l->list[i]);
		if (fd == -1)
			odd(x, strerror(errno));
		else if (mutf7_encode(&wire, slice_head(name, name.n - 5)) ==
		    -1)
			odd(x, "its name is not UTF-8; left out");
		else if (choose(x, buf_slice(&wire)))
			import_mbox(x, fd);
		if (fd != -1)
			close(fd);
		buf_release(&wire);
	}
}

static int
import_dir(struct importer *x)
{
	struct names l;
	size_t files = 0;

	if (names_read(x, "", &l) == -1)
		return say_abort(x->job.setup, "%s: %s", x->path,
		    strerror(errno));
	for (size_t i = 0; i < l.n; i++)
		files += slice_ends(slice_str(l.list[i]), S(".mbox"));
	if (has_dir(x, "", "cur") || has_dir(x, "", "new"))
		import_maildir(x, &l);
	else if (files > 0)
		import_mboxes(x, &l);
	else
		x->odd += (uint64_t)say_abort(x->job.setup, "%s: neither a "
		    "Maildir (cur, new) nor a folder of .mbox files", x->path);
	names_release(&l);
	return 0;
}

static int
import_all(struct importer *x)
{
	struct stat st;
	int fd = files_open(x->files, ""), r = 0;

	if (fd == -1 || fstat(fd, &st) == -1)
		r = say_abort(x->job.setup, "%s: %s", x->path,
		    strerror(errno));
	else if (S_ISDIR(st.st_mode))
		r = import_dir(x);
	else if (choose(x, S("INBOX")))
		r = import_mbox(x, fd);
	if (fd != -1)
		close(fd);
	return r;
}

static int
import_run(struct mailbox_job *j, struct owner *o, struct store_user *u)
{
	struct importer *x = CONTAINER_OF(j, struct importer, job);
	struct buf target = BUF_INIT(LIMIT_MAILBOX_NAME);
	int r = 1;

	x->files = o->files;
	x->user = u;
	buf_init(&x->wire, 2 * LIMIT_MAILBOX_NAME);
	buf_init(&x->shown, 2 * LIMIT_MAILBOX_NAME);
	buf_init(&x->file, FILES_PATH_MAX);
	buf_init(&x->held, HELD_MAX);
	buf_init(&x->text, 2 * PIECE);
	map_init(&x->seen);
	x->hash = EVP_MD_CTX_new();
	progress_init(&x->progress);
	if (j->n == 0 || mailbox_wire_name(j->setup, j->names[0],
	    &target) == 0) {
		x->target = j->n > 0 ? buf_str(&target) : NULL;
		r = import_all(x);
	}
	progress_end(&x->progress);
	if (x->err != STORE_OK)
		r = say_abort(j->setup, "%s/%s: %s; what is imported so far "
		    "stays, repeat the command to go on", x->path,
		    buf_str(&x->file), store_err_text(x->err));
	say(j->setup, LOG_INFO, "%llu messages imported, %llu were there "
	    "already, %llu problems", (unsigned long long)x->added,
	    (unsigned long long)x->repeated, (unsigned long long)x->odd);
	EVP_MD_CTX_free(x->hash);
	map_release(&x->seen, NULL);
	buf_release(&x->wire);
	buf_release(&x->shown);
	buf_release(&x->file);
	buf_release(&x->held);
	buf_release(&x->text);
	buf_release(&target);
	return r != 0 || x->odd > 0 ? 1 : 0;
}

int
cmd_mailbox_import(struct setup *s, int argc, char **argv)
{
	struct importer x = { .job = { .setup = s, .run = import_run } };

	if (argc < 2 || argc > 3 || argv[0][0] == '-')
		return say_usage(s, 1);
	x.path = argv[1];
	x.job.names = argv + 2;
	x.job.n = argc - 2;
	return mailbox_run(&x.job, argv[0], argv[1], false);
}
