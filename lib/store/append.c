/*
 * Adding messages: APPEND and delivery. The bytes go to tmp/ and are synced
 * while no lock is held; then one short transaction assigns the UID, renames
 * the file into place and adds the row; then the directory is synced, again
 * without a lock. So parallel deliveries share the disk's commits.
 */
#include "store/mailbox.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "mail/crlf.h"

/* A message up to this size is written with one call and never mapped. */
#define APPEND_BUFFER 262144
#define APPEND_COPY 65536
/* How long a delivery id is remembered. */
#define DELIVERED_KEEP (14 * 24 * 3600)

struct append_message {
	char *tmp;         /* path in tmp/, until renamed */
	char *placed;      /* path after the rename */
	char *unique;      /* "<secs>.M<usec>P<pid>Q<id>.<host>" */
	char *delivery;    /* or NULL */
	unsigned flags;
	char **keywords;
	size_t n_keywords;
	int64_t date;
	uint64_t size;
	uint64_t vsize;
	struct cached texts;
	bool linked;       /* its texts are made when they are asked for */
};

struct store_append {
	struct store_user *user;
	char *name;
	bool create;
	char *dir;
	enum store_err err; /* the first one */
	/* The message being written. */
	int fd;
	char *tmp;
	struct buf text;
	bool flushed;       /* part of it is in the file */
	bool cr;
	enum quota_kind quota;
	uint64_t size;
	/* What it replaces, if old is not NULL. */
	struct store_mailbox *old;
	uint32_t old_uid;
	uint64_t old_vsize;
	bool old_far;       /* it is another user's */
	/* Those that are whole. */
	struct append_message *messages;
	size_t n;
};

/* ---- writing ------------------------------------------------------------- */

/* NULL with errno if it is too long. */
static char *
tmp_path(struct store_append *a)
{
	struct buf path = BUF_INIT(PATH_MAX);

	buf_addf(&path, "%s/tmp/", a->dir);
	maildir_unique(&path, slice_of(NULL, 0), a->user->store->hostname);
	if (!buf_ok(&path)) {
		buf_release(&path);
		errno = ENAMETOOLONG;
		return NULL;
	}
	return buf_take(&path);
}

static int
open_tmp(struct store_append *a)
{
	char *path = tmp_path(a);

	if (path == NULL)
		return -1;
	mem_free(a->tmp);
	a->tmp = path;
	a->fd = open(a->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (a->fd == -1 && errno == ENOENT && maildir_mend(a->dir) == 0)
		a->fd = open(a->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	return a->fd == -1 ? -1 : 0;
}

static void
set_err(struct store_append *a, enum store_err err)
{
	if (a->err == STORE_OK)
		a->err = err;
}

static void
flush(struct store_append *a)
{
	if (a->err != STORE_OK)
		return;
	if (a->fd == -1 && open_tmp(a) == -1 && errno == ENOENT && !a->create)
		set_err(a, STORE_NO_MAILBOX); /* deleted meanwhile */
	else if (a->fd == -1 ||
	    file_write_all(a->fd, a->text.p, a->text.n) == -1)
		set_err(a, store_errno("write", a->tmp != NULL ? a->tmp :
		    a->dir));
}

static enum store_err
make_folder(struct store_user *u, struct slice name, bool create)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = index_take(u, &ix);

	if (err != STORE_OK)
		return err;
	err = mailbox_find(u, ix, name, create, &row);
	index_give(u, ix);
	return err;
}

enum store_err
store_append_begin(struct store_user *u, struct slice name, bool create,
    struct store_append **out)
{
	struct buf dir = BUF_INIT(PATH_MAX);
	struct store_append *a;
	enum store_err err = mailbox_name(name, &name);

	if (err != STORE_OK)
		return err;
	maildir_dir(&dir, u->root, name);
	/* A folder that is there is enough to write into its tmp/. */
	if (!maildir_exists(buf_str(&dir)))
		err = make_folder(u, name, create);
	if (err != STORE_OK) {
		buf_release(&dir);
		return err;
	}
	a = mem_zero(sizeof(*a));
	a->user = u;
	a->name = slice_dup(name);
	a->create = create;
	a->dir = buf_take(&dir);
	a->fd = -1;
	buf_init(&a->text, APPEND_BUFFER + APPEND_COPY + 2);
	*out = a;
	return STORE_OK;
}

void
append_set_quota(struct store_append *a, enum quota_kind kind)
{
	a->quota = kind;
}

enum store_err
store_append_fits(struct store_append *a, uint64_t bytes)
{
	size_t more = a->n + 1;

	for (size_t i = 0; i < a->n; i++)
		bytes += a->messages[i].vsize;
	if (a->old != NULL && !a->old_far) {
		if (bytes <= a->old_vsize)
			return STORE_OK;
		bytes -= a->old_vsize;
		more--;
	}
	return quota_fits(a->user, slice_str(a->name), a->quota, bytes, more);
}

enum store_err
store_append_replaces(struct store_append *a, struct store_mailbox *m,
    uint32_t uid)
{
	sqlite3_stmt *st = NULL;
	struct message msg;
	struct index *ix;
	enum store_err err;

	err = index_take(m->user, &ix);
	if (err != STORE_OK)
		return err;
	err = message_get(ix, m->id, uid, &st, &msg);
	if (err == STORE_OK) {
		a->old = m;
		a->old_uid = uid;
		a->old_vsize = msg.vsize;
		a->old_far = strcmp(m->user->root, a->user->root) != 0;
	}
	index_done(st);
	index_give(m->user, ix);
	return err;
}

enum store_err
store_append_data(struct store_append *a, struct slice bytes)
{
	while (bytes.n > 0 && a->err == STORE_OK) {
		struct slice piece = slice_head(bytes, APPEND_COPY);
		size_t before = a->text.n;

		bytes = slice_from(bytes, piece.n);
		crlf_strip(&a->text, piece, &a->cr);
		a->size += a->text.n - before;
		if (a->text.n >= APPEND_BUFFER) {
			flush(a);
			buf_clear(&a->text);
			a->flushed = true;
		}
	}
	return a->err;
}

enum store_err
store_append_fd(struct store_append *a, int fd, off_t offset, uint64_t length)
{
	char *piece = mem_alloc(APPEND_COPY);

	while (length > 0 && a->err == STORE_OK) {
		size_t n = length < APPEND_COPY ? (size_t)length : APPEND_COPY;

		if (file_pread_all(fd, piece, n, offset) == -1) {
			set_err(a, store_errno("read", "the message"));
			break;
		}
		store_append_data(a, slice_of(piece, n));
		offset += (off_t)n;
		length -= n;
	}
	mem_free(piece);
	return a->err;
}

/* ---- ending one message -------------------------------------------------- */

/* Counts sizes and makes the cached texts. */
static int
measure(struct store_append *a, struct append_message *msg)
{
	struct slice text = buf_slice(&a->text);
	struct mapped map = { 0 };

	if (a->flushed && a->size > 0) {
		if (mapped_open(&map, a->fd, (size_t)a->size) == -1)
			return -1;
		text = map.text;
	}
	msg->size = text.n;
	msg->vsize = crlf_size(text, NULL);
	cached_make(&msg->texts, text);
	if (!mapped_close(&map)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

static bool
delivery_id_is_valid(struct slice id)
{
	if (id.n > 32)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!ascii_is_alnum(id.p[i]) && id.p[i] != '-' &&
		    id.p[i] != '_')
			return false;
	return true;
}

/* What the file will be called, as far as it is known before the UID. */
static char *
unique_name(struct store_append *a, const struct append_message *msg)
{
	struct buf b = BUF_INIT(NAME_MAX);

	maildir_unique(&b, slice_str(msg->delivery), a->user->store->hostname);
	return buf_take(&b);
}

static void
message_release(struct append_message *msg)
{
	for (size_t i = 0; i < msg->n_keywords; i++)
		mem_free(msg->keywords[i]);
	mem_free(msg->keywords);
	mem_free(msg->tmp);
	mem_free(msg->placed);
	mem_free(msg->unique);
	mem_free(msg->delivery);
	cached_release(&msg->texts);
}

/* Stamps and syncs the file, and closes it. */
static int
finish_file(struct store_append *a, int64_t *date)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = *date } };
	struct stat st;
	int r, saved;

	/* INTERNALDATE is the file's date: a rebuild finds it there. */
	r = *date != 0 ? futimens(a->fd, times) : fstat(a->fd, &st);
	if (r == 0 && *date == 0)
		*date = st.st_mtime;
	if (r == 0)
		r = fdatasync(a->fd);
	saved = errno;
	if (close(a->fd) == -1 && r == 0) {
		saved = errno;
		r = -1;
	}
	a->fd = -1;
	errno = saved;
	return r;
}

enum store_err
store_append_message(struct store_append *a,
    const struct store_append_meta *meta)
{
	struct append_message *msg;
	size_t before = a->text.n;

	if (!delivery_id_is_valid(meta->delivery_id))
		set_err(a, STORE_NAME);
	crlf_strip_end(&a->text, &a->cr);
	a->size += a->text.n - before;
	flush(a);
	if (a->err != STORE_OK)
		return a->err;
	a->messages = mem_grow(a->messages, a->n + 1, sizeof(*a->messages));
	msg = &a->messages[a->n++];
	*msg = (struct append_message){ .flags = meta->flags & STORE_FLAGS,
		.date = meta->internaldate };
	cached_init(&msg->texts);
	if (meta->delivery_id.n > 0)
		msg->delivery = slice_dup(meta->delivery_id);
	msg->keywords = mem_array(meta->n_keywords + 1,
	    sizeof(*msg->keywords));
	msg->n_keywords = meta->n_keywords;
	for (size_t i = 0; i < meta->n_keywords; i++)
		msg->keywords[i] = slice_dup(meta->keywords[i]);
	msg->unique = unique_name(a, msg);
	msg->tmp = a->tmp;
	a->tmp = NULL;
	if (measure(a, msg) == -1 || finish_file(a, &msg->date) == -1)
		set_err(a, store_errno("sync", msg->tmp));
	buf_clear(&a->text);
	a->flushed = false;
	a->size = 0;
	return a->err;
}

/* ---- files that are there already ------------------------------------------ */

char *
append_tmp(struct store_append *a)
{
	char *path = tmp_path(a);

	/* Only the first one can find tmp/ missing. */
	if (path == NULL || (a->n == 0 && maildir_mend(a->dir) == -1))
		set_err(a, store_errno("mkdir", a->dir));
	return path;
}

/* The bytes may be another program's, which did not sync them. */
static int
sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r, saved;

	if (fd == -1)
		return -1;
	r = fdatasync(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

enum store_err
append_file(struct store_append *a, const struct append_file *file)
{
	struct append_message *msg;

	a->messages = mem_grow(a->messages, a->n + 1, sizeof(*a->messages));
	msg = &a->messages[a->n++];
	*msg = (struct append_message){ .flags = file->flags,
		.date = file->date, .size = file->size, .vsize = file->vsize,
		.tmp = file->tmp, .linked = true };
	cached_init(&msg->texts);
	msg->keywords = mem_array(file->n_keywords + 1,
	    sizeof(*msg->keywords));
	msg->n_keywords = file->n_keywords;
	for (size_t i = 0; i < file->n_keywords; i++)
		msg->keywords[i] = slice_dup(file->keywords[i]);
	msg->unique = unique_name(a, msg);
	if (sync_file(msg->tmp) == -1)
		set_err(a, store_errno("sync", msg->tmp));
	return a->err;
}

/* ---- commit -------------------------------------------------------------- */

static void
append_free(struct store_append *a)
{
	if (a->fd != -1)
		close(a->fd);
	if (a->tmp != NULL)
		unlink(a->tmp);
	for (size_t i = 0; i < a->n; i++) {
		if (a->messages[i].tmp != NULL)
			unlink(a->messages[i].tmp);
		message_release(&a->messages[i]);
	}
	buf_release(&a->text);
	mem_free(a->messages);
	mem_free(a->tmp);
	mem_free(a->dir);
	mem_free(a->name);
	mem_free(a);
}

void
store_append_abort(struct store_append *a)
{
	if (a != NULL)
		append_free(a);
}

/* 1: delivered before, *uid is the message's; 0: not; -1: *err. */
static int
find_delivered(struct index *ix, int64_t mailbox, const char *id,
    uint32_t *uid, enum store_err *err)
{
	sqlite3_stmt *st;
	int r;

	if (id == NULL)
		return 0;
	st = index_query(ix, SQL_DELIVERED_GET, "si", slice_str(id), mailbox);
	r = index_step(ix, st, err);
	if (r > 0) {
		*uid = (uint32_t)sqlite3_column_int64(st, 0);
		index_done(st);
	}
	if (r > 0 && strlen(id) == STORE_CONTENT_ID) {
		struct message msg;

		*err = message_get(ix, mailbox, *uid, &st, &msg);
		index_done(st);
		r = *err == STORE_OK ? 1 : *err == STORE_NO_MESSAGE ? 0 : -1;
		if (r == 0)
			*err = STORE_OK;
	}
	return r;
}

enum store_err
store_has_content(struct store_user *u, struct slice name, struct slice id,
    bool *out)
{
	enum store_err err = mailbox_name(name, &name);
	char *text = slice_dup(id);
	struct mailbox_row row;
	struct index *ix;
	uint32_t uid;

	*out = false;
	if (err == STORE_OK)
		err = index_take(u, &ix);
	if (err == STORE_OK) {
		err = mailbox_row_by_name(ix, name, &row);
		if (err == STORE_OK)
			*out = find_delivered(ix, row.id, text, &uid, &err) > 0;
		index_give(u, ix);
	}
	mem_free(text);
	return err == STORE_NO_MAILBOX ? STORE_OK : err;
}

static enum store_err
remember_delivery(struct mailbox_txn *t, const struct append_message *msg,
    uint32_t uid)
{
	enum store_err err;
	int64_t at;

	if (msg->delivery == NULL)
		return STORE_OK;
	at = mailbox_delivered_at(slice_str(msg->delivery));
	err = index_exec(t->ix, SQL_DELIVERED_ADD, "isii", t->row.id,
	    slice_str(msg->delivery), (int64_t)uid, at);
	if (err == STORE_OK && uid % 1024 == 0)
		err = index_exec(t->ix, SQL_DELIVERED_PRUNE, "i",
		    now_wall() - DELIVERED_KEEP);
	return err;
}

static enum store_err
keywords_of(struct mailbox_txn *t, const struct append_message *msg,
    struct buf *bitmap, unsigned *flags)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; err == STORE_OK && i < msg->n_keywords; i++) {
		struct slice name = slice_str(msg->keywords[i]);

		err = message_keywords(t, &name, 1, true, bitmap, flags);
	}
	return err;
}

static int
place_file(struct mailbox_txn *t, const char *from, const char *to)
{
	if (rename(from, to) == 0)
		return 0;
	if (errno != ENOENT || maildir_mend(t->dir) == -1)
		return -1;
	return rename(from, to);
}

/* Renames the file into place and adds its row. */
static enum store_err
place_one(struct mailbox_txn *t, struct append_message *msg, uint32_t uid)
{
	struct buf bitmap = BUF_INIT(KEYWORD_BYTES);
	struct buf base = BUF_INIT(NAME_MAX), path = BUF_INIT(PATH_MAX);
	struct message row = { .uid = uid, .flags = msg->flags,
		.date = msg->date, .saved = now_wall(), .size = msg->size,
		.vsize = msg->vsize, .modseq = t->row.modseq };
	enum store_err err = keywords_of(t, msg, &bitmap, &row.flags);

	buf_addf(&base, "%s,S=%llu,W=%llu,U=%u", msg->unique,
	    (unsigned long long)msg->size, (unsigned long long)msg->vsize,
	    uid);
	row.base = buf_slice(&base);
	row.keywords = buf_slice(&bitmap);
	row.place = row.flags == 0 && bitmap.n == 0 ? MAILDIR_NEW :
	    MAILDIR_CUR;
	message_path(&path, t->dir, &row);
	if (err == STORE_OK && !buf_ok(&path))
		err = STORE_NAME;
	t->touched[row.place] = true;
	if (err == STORE_OK && place_file(t, msg->tmp, buf_str(&path)) == -1)
		err = store_errno("rename", buf_str(&path));
	if (err == STORE_OK) {
		msg->placed = buf_take(&path);
		mem_free(msg->tmp);
		msg->tmp = NULL;
		err = message_add(t, &row);
	}
	if (err == STORE_OK && !msg->linked)
		err = cached_save(t->ix, index_key(t->row.id, uid),
		    &msg->texts);
	if (err == STORE_OK)
		err = remember_delivery(t, msg, uid);
	if (err == STORE_OK)
		keyfile_note(t, uid, row.keywords, true);
	buf_release(&bitmap);
	buf_release(&base);
	buf_release(&path);
	return err;
}

static enum store_err
check_quota(struct mailbox_txn *t, const struct store_append *a)
{
	uint64_t bytes = 0;
	size_t more = a->n;

	for (size_t i = 0; i < a->n; i++)
		bytes += a->messages[i].vsize;
	if (a->old != NULL && !a->old_far) {
		if (bytes <= a->old_vsize)
			return STORE_OK;
		bytes -= a->old_vsize;
		more--;
	}
	return quota_check(t, NULL, a->quota, bytes, more);
}

static enum store_err
drop_message(struct mailbox_txn *t, uint32_t uid, bool *removed)
{
	sqlite3_stmt *st = NULL;
	struct message msg;
	enum store_err err = message_get(t->ix, t->row.id, uid, &st, &msg);

	if (err == STORE_OK) {
		*removed = true;
		t->row.modseq++;
		err = message_remove(t, &msg);
	}
	index_done(st);
	return err == STORE_OK ? message_prune_expunged(t) : err;
}

/*
 * Removes what is replaced, in the transaction that added the new message. Its
 * name is synced first: else a power cut could take both (law 2).
 */
static enum store_err
remove_old(const struct store_append *a, struct mailbox_txn *to, bool *removed)
{
	struct mailbox_txn other = { 0 };
	enum store_err err;

	for (int p = MAILDIR_CUR; p <= MAILDIR_NEW; p++)
		if (to->touched[p] &&
		    maildir_sync_dir(to->dir, maildir_places[p]) == -1)
			return store_errno("sync", to->dir);
	if (a->old->id == to->row.id)
		return drop_message(to, a->old_uid, removed);
	err = mailbox_txn_open(&other, a->user, to->ix, a->old->id);
	if (err == STORE_OK && other.more)
		err = STORE_AGAIN;
	if (err == STORE_OK)
		err = drop_message(&other, a->old_uid, removed);
	if (err == STORE_OK)
		err = mailbox_txn_save(&other);
	mailbox_txn_release(&other);
	return err;
}

/* The same in the mailbox of another user, when the new message is there to
 * stay. */
static enum store_err
remove_far(const struct store_append *a)
{
	struct store_set set = STORE_SET_INIT;
	enum store_err err;

	store_set_add(&set, a->old_uid, a->old_uid);
	err = store_expunge(a->old, &set, false, NULL, NULL);
	store_set_release(&set);
	return err;
}

/* The transaction. sync[place] tells which directories to sync after it. */
static enum store_err
commit_all(struct store_append *a, struct store_appended *out, bool sync[2])
{
	struct mailbox_txn t;
	bool removed = false;
	enum store_err err = mailbox_begin_named(a->user, slice_str(a->name),
	    a->create, &t);

	if (err != STORE_OK)
		return err;
	*out = (struct store_appended){ .uidvalidity = t.row.uidvalidity,
		.n = (uint32_t)a->n };
	if (a->n > 0 && find_delivered(t.ix, t.row.id,
	    a->messages[0].delivery, &out->first_uid, &err) > 0) {
		/* Who delivered it may have died before the sync. */
		out->repeated = sync[MAILDIR_CUR] = sync[MAILDIR_NEW] = true;
		return mailbox_end(&t, STORE_OK);
	}
	if (err == STORE_OK)
		err = check_quota(&t, a);
	/* The folder was renamed after the files were written: no matter. */
	if (err == STORE_OK)
		err = mailbox_take_uids(&t, (uint32_t)a->n, &out->first_uid);
	t.row.modseq++;
	for (size_t i = 0; err == STORE_OK && i < a->n; i++)
		err = place_one(&t, &a->messages[i],
		    out->first_uid + (uint32_t)i);
	if (err == STORE_OK && a->old != NULL && !a->old_far)
		err = remove_old(a, &t, &removed);
	sync[MAILDIR_CUR] = t.touched[MAILDIR_CUR];
	sync[MAILDIR_NEW] = t.touched[MAILDIR_NEW];
	err = mailbox_end(&t, err);
	/* Once the old one may be gone the new one stays: it is adopted at the
	 * next look. */
	if (err != STORE_OK && !removed)
		for (size_t i = 0; i < a->n; i++)
			if (a->messages[i].placed != NULL)
				unlink(a->messages[i].placed);
	return err;
}

enum store_err
store_append_commit(struct store_append *a, struct store_appended *out)
{
	bool sync[2] = { false, false };
	enum store_err err = a->err;

	*out = (struct store_appended){ 0 };
	/* A damaged index shows itself here: it is rebuilt, once. */
	for (int tries = 0; a->err == STORE_OK && tries < 2; tries++) {
		err = commit_all(a, out, sync);
		if (err != STORE_CORRUPT || (a->n > 0 &&
		    a->messages[0].placed != NULL))
			break;
	}
	if (err == STORE_OK)
		err = mailbox_sync_dirs(a->user, a->dir, sync);
	if (err == STORE_OK && a->old_far)
		err = remove_far(a);
	append_free(a);
	return err;
}

/* ---- delivery ------------------------------------------------------------ */

static void
feed(struct store_append *a, const struct store_delivery *d)
{
	uint64_t at = 0;

	store_append_data(a, d->prefix);
	for (size_t i = 0; i <= d->n_cuts; i++) {
		uint64_t end = i < d->n_cuts ? (uint64_t)d->cuts[i].offset :
		    d->size;

		if (end > d->size)
			end = d->size;
		if (end > at)
			store_append_fd(a, d->fd, (off_t)at, end - at);
		if (i < d->n_cuts && end + d->cuts[i].length > at)
			at = end + d->cuts[i].length;
	}
}

enum store_err
store_deliver(struct store_user *u, const struct store_delivery *d,
    struct store_appended *out)
{
	struct store_append *a;
	enum store_err err = store_append_begin(u, d->mailbox, d->create, &a);

	if (err != STORE_OK)
		return err;
	append_set_quota(a, QUOTA_DELIVER);
	feed(a, d);
	store_append_message(a, &d->meta);
	return store_append_commit(a, out);
}
