#include "store/keyfile.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/num.h"
#include "store/mailbox.h"

#define HEAD_MAX 128
/* So much may be superfluous in any file. */
#define SLACK 4096

static void
path_of(char path[PATH_MAX], const char *dir)
{
	snprintf(path, PATH_MAX, "%s/pillarbox-keywords", dir);
}

/* ---- reading ------------------------------------------------------------- */

/* "pillarbox 1 uidvalidity N size N" */
static bool
head_parse(struct slice line, uint32_t *uidvalidity, size_t *size)
{
	static const char *const words[] = { "pillarbox", "1", "uidvalidity",
		NULL, "size", NULL };
	uint64_t n;

	for (size_t i = 0; i < LEN(words); i++) {
		struct slice word;

		if (!slice_split(&line, ' ', &word))
			return false;
		if (words[i] != NULL ? !slice_eq(word, slice_str(words[i])) :
		    num_u64(word, UINT32_MAX, &n) == -1)
			return false;
		if (i == 3)
			*uidvalidity = (uint32_t)n;
	}
	*size = (size_t)n;
	return line.n == 0;
}

/* A whole line with its end, or false at the end or at a torn one. */
static bool
next_line(struct slice *rest, struct slice *line)
{
	ssize_t end = slice_find(*rest, '\n');

	if (end < 0)
		return false;
	*line = slice_head(*rest, (size_t)end);
	*rest = slice_from(*rest, (size_t)end + 1);
	return true;
}

/* "UID keyword keyword ..."; *names is what is behind the UID. */
static bool
line_parse(struct slice line, uint32_t *uid, struct slice *names)
{
	struct slice word, rest;
	size_t n = 0;

	if (!slice_split(&line, ' ', &word) || num_u32(word, uid) == -1 ||
	    *uid == 0)
		return false;
	*names = rest = line;
	while (slice_split(&rest, ' ', &word))
		if (!keyword_is_valid(word) || ++n > LIMIT_KEYWORDS)
			return false;
	return true;
}

bool
keyfile_parse(struct keyfile *k)
{
	struct slice rest = buf_slice(&k->text), line, names;
	uint32_t uid;

	if (!next_line(&rest, &line) ||
	    !head_parse(line, &k->uidvalidity, &k->size))
		return false;
	while (next_line(&rest, &line)) {
		if (!line_parse(line, &uid, &names)) {
			k->damaged++;
			continue;
		}
		idmap_remove(&k->by_uid, uid);
		/* At the end of a line without keywords stands its LF. */
		idmap_put(&k->by_uid, uid, (char *)(uintptr_t)(names.n > 0 ?
		    names.p : line.p + line.n));
	}
	/* Torn by a crash: it was never acknowledged. */
	k->damaged += rest.n > 0;
	return true;
}

bool
keyfile_get(const struct keyfile *k, uint32_t uid, struct slice *names)
{
	const char *at = idmap_get(&k->by_uid, uid);
	struct slice rest;

	if (at == NULL)
		return false;
	rest = slice_from(buf_slice(&k->text), (size_t)(at - k->text.p));
	return next_line(&rest, names);
}

static void
log_damaged(const char *path, unsigned lines)
{
	struct log_line line;

	log_begin(&line, LOG_WARN, "folder-file-damaged");
	log_str(&line, "path", path);
	if (lines > 0)
		log_num(&line, "lines", lines);
	log_end(&line);
}

/* 1: read, 0: there is nothing that can be used, -1: refused. */
static int
load(struct keyfile *k, const char *dir)
{
	char path[PATH_MAX];

	*k = (struct keyfile){ .text = BUF_INIT(LIMIT_KEYWORD_FILE) };
	idmap_init(&k->by_uid);
	path_of(path, dir);
	if (maildir_read(path, &k->text) == -1) {
		if (errno == ENOENT)
			return 0;
		if (errno != EINVAL && errno != ELOOP && errno != EFBIG) {
			store_errno("read", path);
			return -1;
		}
		buf_clear(&k->text);
		log_damaged(path, 0);
		return 0;
	}
	if (!keyfile_parse(k)) {
		log_damaged(path, 0);
		return 0;
	}
	if (k->damaged > 0)
		log_damaged(path, k->damaged);
	return 1;
}

int
keyfile_read(struct keyfile *k, const char *dir, uint32_t uidvalidity)
{
	int r = load(k, dir);

	if (r == 1 && k->uidvalidity != uidvalidity) {
		idmap_release(&k->by_uid);
		idmap_init(&k->by_uid);
	}
	return r == -1 ? -1 : 0;
}

void
keyfile_release(struct keyfile *k)
{
	idmap_release(&k->by_uid);
	buf_release(&k->text);
}

enum store_err
keyfile_apply(const struct keyfile *k, struct mailbox_txn *t, uint32_t uid,
    struct buf *bitmap)
{
	struct slice names, name;
	enum store_err err = STORE_OK;
	int n;

	if (!keyfile_get(k, uid, &names))
		return STORE_OK;
	for (size_t i = MAILDIR_LETTERS; i < LIMIT_KEYWORDS; i++)
		keyword_set(bitmap, i, false);
	while (err == STORE_OK && slice_split(&names, ' ', &name)) {
		err = mailbox_keyword_from(t, name, MAILDIR_LETTERS, &n);
		/* The file name is the truth of one that has a letter now. */
		if (err == STORE_OK && n >= MAILDIR_LETTERS)
			keyword_set(bitmap, (size_t)n, true);
		if (err == STORE_LIMIT)
			err = STORE_OK;
	}
	return err;
}

bool
keyfile_differs(const struct keyfile *k, const struct keywords *known,
    uint32_t uid, struct slice bitmap)
{
	struct buf said = BUF_INIT(KEYWORD_BYTES), is = BUF_INIT(KEYWORD_BYTES);
	struct slice names, name;
	bool differs = false;

	if (!keyfile_get(k, uid, &names))
		return false;
	buf_add_slice(&is, bitmap);
	for (size_t i = 0; i < MAILDIR_LETTERS; i++)
		keyword_set(&is, i, false);
	while (slice_split(&names, ' ', &name)) {
		int n = keywords_find(known, name);

		differs |= n < 0;
		if (n >= MAILDIR_LETTERS)
			keyword_set(&said, (size_t)n, true);
	}
	differs |= !slice_eq(buf_slice(&said), buf_slice(&is));
	buf_release(&said);
	buf_release(&is);
	return differs;
}

/* ---- lines --------------------------------------------------------------- */

bool
keyfile_needed(struct slice keywords)
{
	for (size_t n = MAILDIR_LETTERS; n < keywords.n * 8; n++)
		if (keyword_bit(keywords, n))
			return true;
	return false;
}

static void
put_line(struct buf *out, const struct keywords *k, uint32_t uid,
    struct slice bitmap)
{
	buf_addu(out, uid);
	for (size_t n = MAILDIR_LETTERS; n < bitmap.n * 8 && n < k->n; n++)
		if (keyword_bit(bitmap, n) && k->names[n] != NULL) {
			buf_addc(out, ' ');
			buf_adds(out, k->names[n]);
		}
	buf_addc(out, '\n');
}

void
keyfile_note(struct mailbox_txn *t, uint32_t uid, struct slice keywords,
    bool is_new)
{
	if (is_new && !keyfile_needed(keywords))
		return;
	if (t->lines.text.max == 0)
		buf_init(&t->lines.text, LIMIT_KEYWORD_FILE);
	put_line(&t->lines.text, &t->keywords, uid, keywords);
	t->lines.is_new |= is_new;
}

/* ---- the whole file ------------------------------------------------------ */

static enum store_err
replace(const char *dir, uint32_t uidvalidity, struct slice lines)
{
	struct buf text = BUF_INIT(LIMIT_KEYWORD_FILE + HEAD_MAX);
	enum store_err err = STORE_OK;
	char path[PATH_MAX];

	path_of(path, dir);
	buf_addf(&text, "pillarbox 1 uidvalidity %u size %zu\n", uidvalidity,
	    lines.n);
	buf_add_slice(&text, lines);
	if (file_replace(path, buf_slice(&text), 0600) == -1)
		err = store_errno("write", path);
	buf_release(&text);
	return err;
}

/* With what the transaction has changed. */
static enum store_err
write_whole(struct mailbox_txn *t)
{
	struct buf lines = BUF_INIT(LIMIT_KEYWORD_FILE - HEAD_MAX);
	int64_t id = t->row.id;
	enum store_err err = STORE_OK;
	sqlite3_stmt *st;

	st = index_query(t->ix, SQL_MESSAGE_FAR, "ii", index_key(id, 0),
	    index_key(id, UINT32_MAX));
	while (index_step(t->ix, st, &err) > 0) {
		struct message msg;

		message_read(st, &msg);
		if (keyfile_needed(msg.keywords))
			put_line(&lines, &t->keywords, msg.uid, msg.keywords);
	}
	if (err == STORE_OK && !buf_ok(&lines))
		err = STORE_LIMIT;
	if (err == STORE_OK)
		err = replace(t->dir, t->row.uidvalidity, buf_slice(&lines));
	buf_release(&lines);
	return err;
}

enum store_err
keyfile_compact(struct mailbox_txn *t)
{
	char path[PATH_MAX];

	path_of(path, t->dir);
	return file_exists(path) ? write_whole(t) : STORE_OK;
}

enum store_err
keyfile_restamp(const char *dir, uint32_t from, uint32_t to)
{
	enum store_err err = STORE_OK;
	struct slice rest, line;
	struct keyfile k;
	int r = load(&k, dir);

	rest = buf_slice(&k.text);
	if (r == -1)
		err = STORE_IO;
	else if (r == 1 && k.uidvalidity == from && next_line(&rest, &line))
		err = replace(dir, to, rest);
	keyfile_release(&k);
	return err;
}

/* ---- appending ----------------------------------------------------------- */

/*
 * Opens the file to append n bytes; *end is where it ends, *torn if not with a
 * line. -1 if it has to be written as a whole.
 */
static int
open_to_append(const struct mailbox_txn *t, size_t n, off_t *end, bool *torn)
{
	int fd;
	char path[PATH_MAX], head[HEAD_MAX], last = '\n';
	uint32_t uidvalidity;
	struct slice rest, line;
	struct stat st;
	size_t size;
	ssize_t got;

	path_of(path, t->dir);
	fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return -1;
	got = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 ?
	    pread(fd, head, sizeof(head), 0) : -1;
	rest = slice_of(head, got > 0 ? (size_t)got : 0);
	if (got <= 0 || !next_line(&rest, &line) ||
	    !head_parse(line, &uidvalidity, &size) ||
	    uidvalidity != t->row.uidvalidity ||
	    pread(fd, &last, 1, st.st_size - 1) != 1 ||
	    (uint64_t)st.st_size + n > 2 * (uint64_t)size + SLACK ||
	    (uint64_t)st.st_size + n > LIMIT_KEYWORD_FILE) {
		close(fd);
		return -1;
	}
	*end = st.st_size;
	*torn = last != '\n';
	return fd;
}

/* A tab is in no keyword: a torn line that is ended so says nothing. */
static int
append(int fd, struct slice lines, off_t end, bool torn, bool durable)
{
	if ((torn && file_write_all(fd, "\t\n", 2) == -1) ||
	    file_write_all(fd, lines.p, lines.n) == -1 ||
	    (durable && fdatasync(fd) == -1)) {
		int saved = errno;

		/* What stays of it is torn, or of no message that exists. */
		(void)!ftruncate(fd, end);
		errno = saved;
		return -1;
	}
	return 0;
}

enum store_err
keyfile_save(struct mailbox_txn *t)
{
	struct keyfile_lines *l = &t->lines;
	struct slice lines = slice_from(buf_slice(&l->text), l->saved);
	enum store_err err = STORE_OK;
	bool torn;
	int fd;

	if (!buf_ok(&l->text))
		return STORE_LIMIT;
	if (lines.n == 0)
		return STORE_OK;
	fd = open_to_append(t, lines.n, &l->end, &torn);
	if (fd == -1) {
		err = write_whole(t);
		l->end = 0;
	} else {
		if (append(fd, lines, l->end, torn, l->is_new) == -1)
			err = store_errno("write", t->dir);
		l->end += (off_t)(lines.n + 2 * torn);
		close(fd);
	}
	if (err == STORE_OK)
		l->saved = l->text.n;
	return err;
}

/*
 * Their UIDs will be given to others: so nothing may be said of them. If
 * somebody wrote behind us meanwhile, he had the lock and knows.
 */
void
keyfile_undo(struct mailbox_txn *t)
{
	struct keyfile_lines *l = &t->lines;
	struct buf text = BUF_INIT(LIMIT_KEYWORD_FILE);
	struct slice rest, line, uid;
	off_t end;
	bool torn;
	int fd;

	if (l->saved == 0 || !l->is_new)
		return;
	rest = slice_head(buf_slice(&l->text), l->saved);
	while (next_line(&rest, &line) && slice_split(&line, ' ', &uid))
		buf_addf(&text, "%.*s\n", SLICE_ARG(uid));
	fd = open_to_append(t, 0, &end, &torn);
	if (fd != -1) {
		if ((l->end == 0 || end == l->end) &&
		    append(fd, buf_slice(&text), end, torn, false) == -1)
			store_errno("write", t->dir);
		close(fd);
	}
	buf_release(&text);
}
