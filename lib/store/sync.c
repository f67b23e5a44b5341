/*
 * Noticing what other programs did to a folder (law 3), taking over a
 * Dovecot folder, and rebuilding a lost index: all three are the comparison of
 * the rows with the files, followed by adopting what differs.
 *
 * The directory wins over the index in everything a file name tells. A UID in
 * a file name is believed only where no row can have used it: at or above the
 * row's UIDNEXT, below the durable mark of its folder.
 */
#include "store/mailbox.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "core/log.h"
#include "core/now.h"
#include "mail/crlf.h"
#include "store/body.h"

/* Files between two reports of progress. */
#define PROGRESS_STEP 1000

struct change {
	uint32_t uid;
	struct maildir_file *file; /* NULL: gone */
};

struct scan {
	struct mailbox_txn *t;
	struct maildir_listing files;
	struct change *changes;
	size_t n;
	size_t cap;
	size_t adopted;   /* new files */
	bool batches;     /* it may stop in between */
	bool whole;       /* both directories, all rows */
	bool boot;        /* what was not synced may be lost */
	struct keyfile far;
	bool far_read;
	uint32_t uidnext; /* before anything was adopted */
};

/* ---- is there anything to do? -------------------------------------------- */

static int64_t
now_ms(void)
{
	return now_wall_us() / 1000;
}

/* Reading a huge cur/ again is due less often than a small one. */
static bool
cur_is_due(const struct mailbox_row *row)
{
	int64_t pause = (int64_t)row->messages / 10;

	return (row->unsure & MAILBOX_UNSURE_CUR) &&
	    now_ms() - row->scanned >= pause;
}

bool
mailbox_is_stale(struct store_user *u, const char *dir,
    const struct mailbox_row *row, bool look, bool *gone)
{
	int64_t cur = maildir_mtime(dir, MAILDIR_CUR);
	int64_t fresh = maildir_mtime(dir, MAILDIR_NEW);

	*gone = cur == -1 && errno == ENOENT;
	if (strcmp(row->boot, u->store->boot_id) != 0)
		return true;
	if (cur != row->mtime[MAILDIR_CUR] || fresh != row->mtime[MAILDIR_NEW])
		return true;
	return look && ((row->unsure & MAILBOX_UNSURE_NEW) || cur_is_due(row));
}

/* ---- comparing ----------------------------------------------------------- */

static void
add_change(struct scan *s, uint32_t uid, struct maildir_file *file)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 64 : s->cap * 2;
		s->changes = mem_grow(s->changes, s->cap,
		    sizeof(*s->changes));
	}
	s->changes[s->n++] = (struct change){ uid, file };
}

/* Letters of keywords that have no name mean nothing. */
static uint64_t
known_letters(const struct keywords *k, uint64_t bits)
{
	for (size_t i = 0; i < MAILDIR_LETTERS; i++)
		if (i >= k->n || k->names[i] == NULL)
			bits &= ~MAILDIR_KEYWORD(i);
	return bits;
}

static enum store_err
far_read(struct scan *s)
{
	if (s->far_read)
		return STORE_OK;
	s->far_read = true;
	return keyfile_read(&s->far, s->t->dir, s->t->row.uidvalidity) == -1 ?
	    STORE_DENIED : STORE_OK;
}

static bool
row_differs(struct scan *s, const struct message *msg,
    const struct maildir_file *f)
{
	uint64_t on_disk = maildir_letters_parse(f->letters);

	if (f->place != msg->place || (s->boot &&
	    keyfile_differs(&s->far, &s->t->keywords, msg->uid, msg->keywords)))
		return true;
	if (f->place == MAILDIR_NEW && f->letters.n == 0)
		return false;
	return known_letters(&s->t->keywords, on_disk) !=
	    known_letters(&s->t->keywords,
	    message_letters(msg->flags, msg->keywords));
}

/* Compares the rows with the files; returns how many rows have no file. */
static enum store_err
compare(struct scan *s, size_t *missing)
{
	int64_t id = s->t->row.id;
	enum store_err err = STORE_OK;
	struct maildir_file *f;
	struct message msg;
	sqlite3_stmt *st;

	*missing = 0;
	st = index_query(s->t->ix, s->whole ? SQL_MESSAGE_RANGE :
	    SQL_MESSAGE_NEW, "ii", index_key(id, s->whole ? 0 :
	    s->t->row.new_from), index_key(id, UINT32_MAX));
	while (index_step(s->t->ix, st, &err) > 0) {
		message_read(st, &msg);
		f = maildir_find(&s->files, msg.base);
		if (f == NULL) {
			add_change(s, msg.uid, NULL);
			(*missing)++;
			continue;
		}
		f->matched = true;
		if (row_differs(s, &msg, f))
			add_change(s, msg.uid, f);
	}
	return err;
}

static enum store_err
list_files(struct scan *s)
{
	maildir_listing_release(&s->files);
	s->n = 0;
	/* new/ first: files move from new/ to cur/, never back. */
	if (maildir_list(&s->files, s->t->dir, MAILDIR_NEW) == -1 ||
	    (s->whole && maildir_list(&s->files, s->t->dir, MAILDIR_CUR) == -1))
		return errno == ENOENT ? STORE_NO_MAILBOX :
		    store_errno("list", s->t->dir);
	maildir_index(&s->files);
	return STORE_OK;
}

/*
 * A directory that is changed while it is read may not show a file at all, so
 * missing files are believed only the second time.
 */
static enum store_err
list_and_compare(struct scan *s)
{
	size_t missing = 0;
	enum store_err err = STORE_OK;

	for (int tries = 0; tries < 2; tries++) {
		err = list_files(s);
		if (err == STORE_OK)
			err = compare(s, &missing);
		if (err != STORE_OK || missing == 0)
			break;
		s->whole = true;
	}
	return err;
}

/* ---- adopting changes of known messages ---------------------------------- */

static enum store_err
adopt_letters(struct scan *s, const struct message *msg,
    const struct maildir_file *f)
{
	uint64_t bits = maildir_letters_parse(f->letters);
	struct mailbox_row *row = &s->t->row;
	struct buf bitmap = BUF_INIT(KEYWORD_BYTES);
	struct message now = *msg;
	enum store_err err;

	now.place = f->place;
	if (f->place != MAILDIR_NEW || f->letters.n > 0)
		now.flags = (unsigned)(bits & (STORE_FLAGS | MAILDIR_PASSED));
	bits = known_letters(&s->t->keywords, bits);
	buf_add_slice(&bitmap, msg->keywords);
	for (size_t n = 0; n < MAILDIR_LETTERS && f->letters.n > 0; n++)
		keyword_set(&bitmap, n, (bits & MAILDIR_KEYWORD(n)) != 0);
	err = s->boot ? keyfile_apply(&s->far, s->t, msg->uid, &bitmap) :
	    STORE_OK;
	now.keywords = buf_slice(&bitmap);
	if (f->place == MAILDIR_NEW && msg->uid < row->new_from)
		row->new_from = msg->uid;
	if (err == STORE_OK)
		err = message_put_flags(s->t, msg, &now);
	buf_release(&bitmap);
	return err;
}

static enum store_err
adopt_changes(struct scan *s)
{
	enum store_err err = STORE_OK;

	if (s->n > 0)
		s->t->row.modseq++;
	for (size_t i = 0; err == STORE_OK && i < s->n; i++) {
		struct message msg;
		sqlite3_stmt *st = NULL;

		err = message_get(s->t->ix, s->t->row.id, s->changes[i].uid,
		    &st, &msg);
		if (err == STORE_OK)
			err = s->changes[i].file == NULL ?
			    message_drop(s->t, &msg) :
			    adopt_letters(s, &msg, s->changes[i].file);
		index_done(st);
	}
	return err;
}

/* ---- adopting new files -------------------------------------------------- */

/* Where the file is to be; the flags, known or not, stay. */
static void
file_path(struct buf *out, const char *dir, const struct maildir_file *f,
    struct slice base)
{
	buf_addf(out, "%s/%s/%.*s", dir, maildir_places[f->place],
	    SLICE_ARG(base));
	if (f->place == MAILDIR_CUR || f->letters.n > 0)
		buf_addf(out, ":2,%.*s", SLICE_ARG(f->letters));
}

/* Sizes of a file whose name does not match it: counted, or unpacked. */
static void
measure_text(struct slice text, const struct maildir_name *name,
    struct message *msg)
{
	enum body_kind kind = body_kind(text);
	struct buf plain = BUF_INIT(LIMIT_BODY_UNPACKED);

	if (kind == BODY_PLAIN) {
		msg->vsize = crlf_size(text, NULL);
	} else if (name->size >= 0 && name->vsize >= name->size) {
		/* Dovecot's sizes are those of the message in it. */
		msg->size = (uint64_t)name->size;
		msg->vsize = (uint64_t)name->vsize;
	} else if (body_unpack(kind, text, &plain) == 0) {
		msg->size = plain.n;
		msg->vsize = crlf_size(buf_slice(&plain), NULL);
	}
	buf_release(&plain);
}

/* Sizes as the name tells them, else from the file. -1 with errno. */
static int
measure(const char *path, const struct maildir_name *name,
    const struct stat *st, struct message *msg)
{
	struct mapped map;
	int fd, r;

	msg->size = (uint64_t)st->st_size;
	msg->vsize = msg->size;
	if (st->st_size == 0)
		return 0;
	if (name->size == st->st_size && name->vsize >= name->size &&
	    name->vsize / 2 <= name->size) {
		msg->vsize = (uint64_t)name->vsize;
		return 0;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return -1;
	r = mapped_open(&map, fd, (size_t)st->st_size);
	close(fd);
	if (r == -1)
		return -1;
	measure_text(map.text, name, msg);
	if (!mapped_close(&map))
		log_error("message-shrank", "path=%s", path);
	return 0;
}

/* The base name the file gets: its own with the UID, or one of ours. */
static void
new_base(struct buf *out, const struct scan *s, const struct maildir_file *f,
    uint32_t uid)
{
	if (f->base.n + 16 <= MAILDIR_BASE_MAX) {
		maildir_name_with_uid(out, f->base, uid);
		return;
	}
	maildir_unique(out, slice_of(NULL, 0), s->t->user->store->hostname);
	buf_addf(out, ",U=%u", uid);
}

static enum store_err
adopt_row(struct scan *s, const struct maildir_file *f, struct message *msg)
{
	uint64_t bits = known_letters(&s->t->keywords,
	    maildir_letters_parse(f->letters));
	struct buf bitmap = BUF_INIT(KEYWORD_BYTES);
	struct maildir_name name;
	enum store_err err;

	maildir_name_parse(msg->base, &name);
	for (size_t n = 0; n < MAILDIR_LETTERS; n++)
		keyword_set(&bitmap, n, (bits & MAILDIR_KEYWORD(n)) != 0);
	/* A UID that was believed had a message before. */
	err = f->uid == msg->uid ? far_read(s) : STORE_OK;
	if (err == STORE_OK && f->uid == msg->uid)
		err = keyfile_apply(&s->far, s->t, msg->uid, &bitmap);
	msg->flags = (unsigned)(bits & (STORE_FLAGS | MAILDIR_PASSED));
	msg->keywords = buf_slice(&bitmap);
	msg->place = f->place;
	msg->modseq = s->t->row.modseq;
	if (err == STORE_OK)
		err = message_add(s->t, msg);
	/* A delivery of ours whose row was lost is still that delivery. */
	if (err == STORE_OK && name.delivery.n > 0)
		err = index_exec(s->t->ix, SQL_DELIVERED_ADD, "isii",
		    s->t->row.id, name.delivery, (int64_t)msg->uid,
		    mailbox_delivered_at(name.delivery));
	buf_release(&bitmap);
	return err;
}

static enum store_err
adopt_file(struct scan *s, const struct maildir_file *f, uint32_t uid)
{
	struct buf from = BUF_INIT(PATH_MAX), to = BUF_INIT(PATH_MAX);
	struct buf base = BUF_INIT(NAME_MAX);
	struct message msg = { .uid = uid };
	enum store_err err = STORE_OK;
	struct maildir_name name;
	struct stat st;

	buf_addf(&from, "%s/%s/%.*s", s->t->dir, maildir_places[f->place],
	    SLICE_ARG(f->name));
	maildir_name_parse(f->base, &name);
	if (lstat(buf_str(&from), &st) == -1 ||
	    measure(buf_str(&from), &name, &st, &msg) == -1) {
		/* Gone again, or unreadable: not ours to judge. */
		if (errno != ENOENT)
			err = store_errno("read", buf_str(&from));
		if (err == STORE_DENIED)
			err = STORE_OK;
		goto out;
	}
	msg.date = st.st_mtime;
	msg.saved = st.st_ctime;
	if (name.uid == uid)
		buf_add_slice(&base, f->base);
	else
		new_base(&base, s, f, uid);
	file_path(&to, s->t->dir, f, buf_slice(&base));
	if (!slice_eq(buf_slice(&from), buf_slice(&to))) {
		s->t->touched[f->place] = true;
		if (rename(buf_str(&from), buf_str(&to)) == -1) {
			if (errno != ENOENT)
				err = store_errno("rename", buf_str(&from));
			goto out;
		}
	}
	msg.base = buf_slice(&base);
	err = adopt_row(s, f, &msg);
out:
	buf_release(&from);
	buf_release(&to);
	buf_release(&base);
	return err;
}

/* A file to adopt, and the time in its name. */
struct newcomer {
	struct maildir_file *file;
	int64_t seconds;
	int64_t usec;
};

/* Believed UIDs first, ascending; then by time. */
static int
by_uid_then_time(const void *a, const void *b)
{
	const struct newcomer *m = a, *n = b;
	const struct maildir_file *x = m->file, *y = n->file;

	if (x->uid != y->uid) {
		if (x->uid == 0 || y->uid == 0)
			return x->uid == 0 ? 1 : -1;
		return x->uid < y->uid ? -1 : 1;
	}
	/* Of two with one UID the first gets it. */
	if (x->listed != y->listed)
		return x->listed ? -1 : 1;
	if (m->seconds != n->seconds)
		return m->seconds < n->seconds ? -1 : 1;
	if (m->usec != n->usec)
		return m->usec < n->usec ? -1 : 1;
	return slice_cmp(x->base, y->base);
}

/* Those that no row has, in the order of their UIDs to be; mem_free it. */
static struct newcomer *
newcomers(struct scan *s, size_t *out)
{
	struct newcomer *todo = mem_array(s->files.n + 1, sizeof(*todo));
	size_t n = 0;

	for (size_t i = 0; i < s->files.n; i++) {
		struct maildir_file *f = &s->files.files[i];
		struct maildir_name name;

		if (f->matched)
			continue;
		if (f->uid < s->uidnext || f->uid >= s->t->row.reserved)
			f->uid = 0;
		maildir_name_parse(f->base, &name);
		todo[n++] = (struct newcomer){ f, name.seconds, name.usec };
	}
	qsort(todo, n, sizeof(*todo), by_uid_then_time);
	*out = n;
	return todo;
}

/* Counts an adopted file; t->more when the rest must wait. */
static void
adopted(struct scan *s, size_t todo)
{
	const struct mailbox_progress *p = s->t->progress;

	s->adopted++;
	if (p != NULL && (s->adopted % PROGRESS_STEP == 0 ||
	    s->adopted == todo))
		p->fn(p->ctx, s->t->row.name, s->adopted, todo);
	s->t->more = s->batches && s->adopted < todo &&
	    s->adopted >= s->t->user->store->conf.adopt_batch;
}

static enum store_err
adopt_new_files(struct scan *s, bool jump)
{
	struct mailbox_row *row = &s->t->row;
	enum store_err err = STORE_OK;
	size_t n, i;
	struct newcomer *todo = newcomers(s, &n);

	if (n > 0)
		row->modseq++;
	for (i = 0; err == STORE_OK && !s->t->more && i < n &&
	    todo[i].file->uid != 0; i++) {
		struct maildir_file *f = todo[i].file;

		/* Two files with one UID: the second is as good as none. */
		if (f->uid < row->uidnext) {
			f->uid = 0;
			continue;
		}
		row->uidnext = f->uid + 1;
		err = adopt_file(s, f, f->uid);
		f->matched = true;
		adopted(s, n);
	}
	/* UIDs above what is known may have been given out and forgotten. */
	if (jump && !s->t->more && row->uidnext < row->reserved)
		row->uidnext = row->reserved;
	for (i = 0; err == STORE_OK && !s->t->more && i < n; i++) {
		uint32_t uid, before;

		if (todo[i].file->matched)
			continue;
		err = mailbox_take_uids(s->t, 1, &uid);
		before = row->messages;
		if (err == STORE_OK)
			err = adopt_file(s, todo[i].file, uid);
		if (err == STORE_OK && row->messages == before)
			row->uidnext = uid; /* nobody got it */
		adopted(s, n);
	}
	mem_free(todo);
	return err;
}

/* ---- the whole ----------------------------------------------------------- */

static enum store_err
adopt_keywords(struct mailbox_txn *t)
{
	struct keywords k = { 0 };
	enum store_err err = STORE_OK;

	if (keywords_read(&k, t->dir) == -1)
		err = STORE_DENIED;
	for (size_t i = 0; err == STORE_OK && i < k.n; i++) {
		if (k.names[i] == NULL || (i < t->keywords.n &&
		    t->keywords.names[i] != NULL) ||
		    keywords_find(&t->keywords, slice_str(k.names[i])) >= 0)
			continue;
		err = index_exec(t->ix, SQL_KEYWORD_ADD, "iis", t->row.id,
		    (int64_t)i, slice_str(k.names[i]));
		keywords_set(&t->keywords, i, slice_str(k.names[i]));
	}
	keywords_release(&k);
	return err;
}

/* The durable mark, after a reboot or a rebuild. */
static enum store_err
adopt_folder(struct mailbox_txn *t, bool *takeover)
{
	struct folder f;
	int r = folder_read(t->dir, &f);

	*takeover = false;
	if (r == -1)
		return store_errno("read", t->dir);
	if (r == 0) {
		/* Somebody removed it: write it anew. */
		mailbox_folder(t, &f);
		return folder_write(t->dir, &f);
	}
	if (strcmp(f.guid, t->row.guid) != 0 ||
	    f.uidvalidity != t->row.uidvalidity) {
		/* Another folder has taken the place of this one. */
		return STORE_NO_MAILBOX;
	}
	*takeover = f.takeover;
	if (f.reserved > t->row.reserved)
		t->row.reserved = f.reserved;
	return STORE_OK;
}

static enum store_err
end_takeover(struct mailbox_txn *t)
{
	struct log_line line;
	struct folder f;

	mailbox_folder(t, &f);
	f.takeover = false;
	log_begin(&line, LOG_INFO, "maildir-taken-over");
	log_str(&line, "folder", t->dir);
	log_num(&line, "messages", t->row.messages);
	log_end(&line);
	return folder_write(t->dir, &f);
}

static enum store_err
sync_touched(struct mailbox_txn *t)
{
	for (int p = MAILDIR_CUR; p <= MAILDIR_NEW; p++)
		if (t->touched[p] &&
		    maildir_sync_dir(t->dir, maildir_places[p]) == -1)
			return store_errno("sync", t->dir);
	return STORE_OK;
}

/* What the row says of the directories, as they were before reading them. */
static void
remember(struct scan *s, int64_t cur, int64_t fresh, int64_t at_ns)
{
	struct mailbox_row *row = &s->t->row;

	row->unsure &= s->whole ? 0 : MAILBOX_UNSURE_CUR;
	row->mtime[MAILDIR_NEW] = fresh;
	if (at_ns - fresh < MAILDIR_TICK_NS)
		row->unsure |= MAILBOX_UNSURE_NEW;
	if (!s->whole)
		return;
	row->mtime[MAILDIR_CUR] = cur;
	row->scanned = now_ms();
	if (at_ns - cur < MAILDIR_TICK_NS)
		row->unsure |= MAILBOX_UNSURE_CUR;
}

static enum store_err
adopt(struct mailbox_txn *t, bool look, bool batches)
{
	struct scan s = { .t = t, .uidnext = t->row.uidnext,
		.batches = batches };
	bool takeover = false, gone;
	int64_t cur, fresh, at_ns;
	enum store_err err;

	t->more = false;
	if (!mailbox_is_stale(t->user, t->dir, &t->row, look, &gone))
		return STORE_OK;
	if (gone)
		return STORE_NO_MAILBOX;
	s.boot = strcmp(t->row.boot, t->user->store->boot_id) != 0;
	at_ns = now_wall_us() * 1000;
	cur = maildir_mtime(t->dir, MAILDIR_CUR);
	fresh = maildir_mtime(t->dir, MAILDIR_NEW);
	s.whole = s.boot || cur != t->row.mtime[MAILDIR_CUR] ||
	    (look && cur_is_due(&t->row));
	err = adopt_folder(t, &takeover);
	if (err == STORE_OK && s.whole)
		err = adopt_keywords(t);
	if (err == STORE_OK && s.boot)
		err = far_read(&s);
	if (err == STORE_OK)
		err = list_and_compare(&s);
	if (err == STORE_OK && takeover)
		takeover_apply(t->dir, &s.files);
	if (err == STORE_OK && s.boot &&
	    t->row.modseq < (uint64_t)mailbox_clock_modseq())
		t->row.modseq = (uint64_t)mailbox_clock_modseq();
	if (err == STORE_OK)
		err = adopt_changes(&s);
	if (err == STORE_OK)
		err = adopt_new_files(&s, s.boot);
	if (err == STORE_OK)
		err = sync_touched(t);
	if (err == STORE_OK && takeover && !t->more)
		err = end_takeover(t);
	if (err == STORE_OK && !t->more) {
		remember(&s, cur, fresh, at_ns);
		if (s.boot)
			snprintf(t->row.boot, sizeof(t->row.boot), "%s",
			    t->user->store->boot_id);
	}
	keyfile_release(&s.far);
	maildir_listing_release(&s.files);
	mem_free(s.changes);
	return err;
}

enum store_err
mailbox_adopt(struct mailbox_txn *t, bool look)
{
	return adopt(t, look, true);
}

/* ---- rebuilding ---------------------------------------------------------- */

/* Leaves nothing of the rows of a mailbox but its identity. */
static enum store_err
empty(struct mailbox_txn *t)
{
	struct mailbox_row *row = &t->row;
	int64_t first = index_key(row->id, 0);
	int64_t last = index_key(row->id, UINT32_MAX);
	static const enum index_sql by_range[] = { SQL_MESSAGES_DROP,
		SQL_CACHES_DROP, SQL_UIDS_DROP, SQL_ORDERINGS_DROP };
	enum store_err err = STORE_OK;

	for (size_t i = 0; err == STORE_OK && i < LEN(by_range); i++)
		err = index_exec(t->ix, by_range[i], "ii", first, last);
	if (err == STORE_OK)
		err = index_exec(t->ix, SQL_EXPUNGEDS_DROP, "i", row->id);
	row->forgotten = ++row->modseq;
	row->uidnext = row->new_from = row->unseen_from = 1;
	row->messages = row->unseen = row->deleted = 0;
	row->bytes = row->deleted_bytes = 0;
	row->boot[0] = '\0';
	t->present = (struct present){ 0 };
	return err;
}

static enum store_err
rebuild_mailbox(struct store_user *u, struct slice name,
    const struct mailbox_progress *progress)
{
	struct mailbox_txn t;
	enum store_err err = mailbox_begin_named(u, name, false, &t);

	if (err != STORE_OK)
		return err;
	t.progress = progress;
	err = empty(&t);
	/* In one go: sessions must not see a part of the mailbox. */
	if (err == STORE_OK)
		err = adopt(&t, true, false);
	if (err == STORE_OK)
		err = keyfile_compact(&t);
	return mailbox_end(&t, err);
}

enum store_err
store_rebuild(struct store_user *u, struct slice name, store_progress_fn *fn,
    void *ctx)
{
	struct mailbox_progress progress = { fn, ctx };
	enum store_err err = STORE_OK;
	struct store_list list;

	if (name.n > 0) {
		err = mailbox_name(name, &name);
		return err != STORE_OK ? err :
		    rebuild_mailbox(u, name, fn != NULL ? &progress : NULL);
	}
	err = store_list(u, &list);
	if (err != STORE_OK)
		return err;
	for (size_t i = 0; err == STORE_OK && i < list.n; i++) {
		if (list.entries[i].attributes & (STORE_NOSELECT |
		    STORE_VIRTUAL))
			continue;
		err = rebuild_mailbox(u, slice_str(list.entries[i].name),
		    fn != NULL ? &progress : NULL);
		if (err == STORE_NO_MAILBOX)
			err = STORE_OK;
	}
	store_list_release(&list);
	return err;
}
