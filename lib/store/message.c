/* Messages in the index: rows, counters, walks, vanished UIDs, bodies. */
#include "store/mailbox.h"

#include <fcntl.h>
#include <limits.h>

#include "core/log.h"
#include "mail/order.h"
#include "store/body.h"

/* How many expunged UIDs a mailbox remembers for QRESYNC. */
#define EXPUNGED_MAX 20000
/* A walk fills in missing cached texts for this many messages at a time. */
#define FILL_BATCH 64

/* ---- rows ---------------------------------------------------------------- */

bool
keyword_bit(struct slice bitmap, size_t n)
{
	return n / 8 < bitmap.n &&
	    ((unsigned char)bitmap.p[n / 8] >> (n % 8) & 1) != 0;
}

void
keyword_set(struct buf *bitmap, size_t n, bool on)
{
	if (n / 8 >= KEYWORD_BYTES)
		return;
	while (on && bitmap->n <= n / 8)
		buf_addc(bitmap, 0);
	if (n / 8 >= bitmap->n)
		return;
	if (on)
		bitmap->p[n / 8] |= (char)(1 << (n % 8));
	else
		bitmap->p[n / 8] &= (char)~(1 << (n % 8));
	/* One form for each set, so that equal sets compare equal. */
	while (bitmap->n > 0 && bitmap->p[bitmap->n - 1] == 0)
		buf_truncate(bitmap, bitmap->n - 1);
}

void
message_read(sqlite3_stmt *st, struct message *out)
{
	out->uid = (uint32_t)sqlite3_column_int64(st, 0);
	out->base = index_column(st, 1);
	out->place = sqlite3_column_int64(st, 2) == MAILDIR_NEW ?
	    MAILDIR_NEW : MAILDIR_CUR;
	out->flags = (unsigned)sqlite3_column_int64(st, 3);
	out->keywords = index_column(st, 4);
	out->date = sqlite3_column_int64(st, 5);
	out->saved = sqlite3_column_int64(st, 6);
	out->size = (uint64_t)sqlite3_column_int64(st, 7);
	out->vsize = (uint64_t)sqlite3_column_int64(st, 8);
	out->modseq = (uint64_t)sqlite3_column_int64(st, 9);
}

enum store_err
message_get(struct index *ix, int64_t mailbox, uint32_t uid,
    sqlite3_stmt **st, struct message *out)
{
	enum store_err err = STORE_OK;
	int r;

	*st = index_query(ix, SQL_MESSAGE_GET, "i", index_key(mailbox, uid));
	r = index_step(ix, *st, &err);
	if (r == 0)
		return STORE_NO_MESSAGE;
	if (r > 0)
		message_read(*st, out);
	return err;
}

uint64_t
message_letters(unsigned flags, struct slice keywords)
{
	uint64_t bits = flags & (STORE_FLAGS | MAILDIR_PASSED);

	for (size_t n = 0; n < MAILDIR_LETTERS && n < keywords.n * 8; n++)
		if (keyword_bit(keywords, n))
			bits |= MAILDIR_KEYWORD(n);
	return bits;
}

void
message_count_flags(struct mailbox_row *row, uint32_t uid, unsigned from,
    unsigned to, uint64_t vsize)
{
	if ((from & STORE_SEEN) != (to & STORE_SEEN))
		row->unseen += (to & STORE_SEEN) ? -1u : 1u;
	if (!(to & STORE_SEEN) && uid < row->unseen_from)
		row->unseen_from = uid;
	/* Who reads from the oldest on moves the mark. */
	if ((to & STORE_SEEN) && uid == row->unseen_from)
		row->unseen_from = uid + 1;
	if ((from & STORE_DELETED) == (to & STORE_DELETED))
		return;
	row->deleted += (to & STORE_DELETED) ? 1u : -1u;
	row->deleted_bytes += (to & STORE_DELETED) ? vsize : -vsize;
}

enum store_err
message_add(struct mailbox_txn *t, const struct message *msg)
{
	struct mailbox_row *row = &t->row;
	enum store_err err;

	err = index_exec(t->ix, SQL_MESSAGE_ADD, "iisiibiiiii",
	    index_key(row->id, msg->uid), row->id, msg->base,
	    (int64_t)msg->place, (int64_t)msg->flags,
	    msg->keywords.n > 0 ? msg->keywords : slice_of(NULL, 0),
	    msg->date, msg->saved, (int64_t)msg->size, (int64_t)msg->vsize,
	    (int64_t)msg->modseq);
	if (err != STORE_OK)
		return err;
	row->messages++;
	row->bytes += msg->vsize;
	/* A new message counts as unseen and not deleted, then its flags. */
	row->unseen++;
	message_count_flags(row, msg->uid, 0, msg->flags, msg->vsize);
	if (msg->place == MAILDIR_NEW && msg->uid < row->new_from)
		row->new_from = msg->uid;
	return present_put(t, msg->uid, msg->flags, msg->keywords);
}

enum store_err
message_put_flags(struct mailbox_txn *t, const struct message *old,
    const struct message *now)
{
	enum store_err err;

	err = index_exec(t->ix, SQL_MESSAGE_FLAGS, "iibii",
	    index_key(t->row.id, old->uid), (int64_t)now->flags,
	    now->keywords.n > 0 ? now->keywords : slice_of(NULL, 0),
	    (int64_t)t->row.modseq, (int64_t)now->place);
	if (err != STORE_OK)
		return err;
	message_count_flags(&t->row, old->uid, old->flags, now->flags,
	    old->vsize);
	return present_put(t, old->uid, now->flags, now->keywords);
}

enum store_err
message_drop(struct mailbox_txn *t, const struct message *msg)
{
	struct mailbox_row *row = &t->row;
	int64_t key = index_key(row->id, msg->uid);
	enum store_err err;

	message_count_flags(row, msg->uid, msg->flags, STORE_SEEN, msg->vsize);
	row->messages--;
	row->bytes -= msg->vsize;
	err = index_exec(t->ix, SQL_EXPUNGED_ADD, "iii", key, row->id,
	    (int64_t)row->modseq);
	if (err == STORE_OK)
		err = index_exec(t->ix, SQL_CACHE_DROP, "i", key);
	if (err == STORE_OK)
		err = index_exec(t->ix, SQL_MESSAGE_DROP, "i", key);
	return err == STORE_OK ? present_drop(t, msg->uid) : err;
}

enum store_err
message_select(struct index *ix, int64_t mailbox,
    const struct store_set *set, unsigned flags, uint32_t **uids, size_t *n)
{
	static const struct store_range all = { 1, STORE_UID_MAX };
	const struct store_range *r = set != NULL ? set->r : &all;
	size_t ranges = set != NULL ? set->n : 1;
	struct present_list list = { .flags = flags };
	enum store_err err = STORE_OK;

	for (size_t i = 0; err == STORE_OK && i < ranges; i++)
		err = present_read(ix, mailbox, r[i].first, r[i].last, &list);
	*uids = list.uids;
	*n = list.n;
	return err;
}

enum store_err
message_keywords(struct mailbox_txn *t, const struct slice *names, size_t n,
    bool create, struct buf *bitmap, unsigned *flags)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; err == STORE_OK && i < n; i++) {
		int number;

		bool passed = slice_ieq(names[i], S("$Forwarded"));

		/* Dovecot gives it a letter; where that is so, it keeps it. */
		if (passed)
			*flags |= MAILDIR_PASSED;
		err = mailbox_keyword(t, names[i], create && !passed, &number);
		if (err == STORE_OK && number >= 0)
			keyword_set(bitmap, (size_t)number, true);
	}
	return err;
}

enum store_err
message_prune_expunged(struct mailbox_txn *t)
{
	enum store_err err = STORE_OK;
	sqlite3_stmt *st;
	int64_t count = 0, limit = -1;

	st = index_query(t->ix, SQL_EXPUNGED_COUNT, "i", t->row.id);
	if (index_step(t->ix, st, &err) > 0) {
		count = sqlite3_column_int64(st, 0);
		index_done(st);
	}
	/* Only now and then: let a fifth pile up first. */
	if (err != STORE_OK || count < EXPUNGED_MAX + EXPUNGED_MAX / 5)
		return err;
	st = index_query(t->ix, SQL_EXPUNGED_NTH, "ii", t->row.id,
	    (int64_t)EXPUNGED_MAX);
	if (index_step(t->ix, st, &err) > 0) {
		limit = sqlite3_column_int64(st, 0);
		index_done(st);
	}
	if (err != STORE_OK || limit < 0)
		return err;
	t->row.forgotten = (uint64_t)limit;
	return index_exec(t->ix, SQL_EXPUNGED_PRUNE, "ii", t->row.id, limit);
}

/* ---- files --------------------------------------------------------------- */

void
message_path(struct buf *out, const char *dir, const struct message *msg)
{
	maildir_path(out, dir, msg->place, msg->base,
	    msg->place == MAILDIR_NEW ? 0 :
	    message_letters(msg->flags, msg->keywords));
}

bool
message_search(struct buf *out, const char *dir, struct slice base)
{
	struct maildir_listing l = { 0 };
	struct maildir_file *f = NULL;

	if (maildir_list(&l, dir, MAILDIR_NEW) == 0 &&
	    maildir_list(&l, dir, MAILDIR_CUR) == 0) {
		maildir_index(&l);
		f = maildir_find(&l, base);
	}
	if (f != NULL)
		buf_addf(out, "%s/%s/%.*s", dir, maildir_places[f->place],
		    SLICE_ARG(f->name));
	maildir_listing_release(&l);
	return f != NULL && buf_ok(out);
}

static int
open_path(const struct buf *path)
{
	return open(buf_str(path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NOCTTY | O_NONBLOCK);
}

int
message_open_file(const char *dir, const struct message *msg)
{
	struct buf path = BUF_INIT(PATH_MAX);
	int fd, saved;

	message_path(&path, dir, msg);
	fd = open_path(&path);
	if (fd == -1 && errno == ENOENT) {
		buf_clear(&path);
		errno = ENOENT;
		if (message_search(&path, dir, msg->base))
			fd = open_path(&path);
		else
			errno = ENOENT;
	}
	saved = errno;
	buf_release(&path);
	errno = saved;
	return fd;
}

/* One statement for the message and the mailbox it is in, as it is named now. */
static enum store_err
open_by_uid(struct store_mailbox *m, struct index *ix, uint32_t uid,
    struct buf *dir, int *fd)
{
	enum store_err err = STORE_OK;
	struct message msg;
	sqlite3_stmt *st = index_query(ix, SQL_MESSAGE_PLACE_OF, "i",
	    index_key(m->id, uid));
	int r = index_step(ix, st, &err);

	if (r <= 0)
		return r == 0 ? STORE_NO_MESSAGE : err;
	message_read(st, &msg);
	maildir_dir(dir, m->user->root, index_column(st, 10));
	*fd = message_open_file(buf_str(dir), &msg);
	if (*fd == -1)
		err = errno == ENOENT ? STORE_NO_MESSAGE :
		    store_errno("open", buf_str(dir));
	index_done(st);
	return err;
}

static enum store_err
body_open_once(struct store_mailbox *m, uint32_t uid, struct store_body *out)
{
	struct buf dir = BUF_INIT(PATH_MAX);
	struct index *ix;
	enum store_err err = index_take(m->user, &ix);
	int fd = -1;

	if (err != STORE_OK)
		return err;
	err = open_by_uid(m, ix, uid, &dir, &fd);
	index_give(m->user, ix);
	if (fd != -1)
		err = body_map(fd, buf_str(&dir), out);
	buf_release(&dir);
	return err;
}

enum store_err
store_body_open(struct store_mailbox *m, uint32_t uid, struct store_body *out)
{
	enum store_err err;

	*out = (struct store_body){ .fd = -1 };
	err = body_open_once(m, uid, out);
	if (err != STORE_NO_MESSAGE)
		return err;
	/* Renamed or removed meanwhile: learn which, then once more. */
	err = store_mailbox_sync(m);
	return err == STORE_OK ? body_open_once(m, uid, out) : err;
}

/* ---- walking ------------------------------------------------------------- */

#define WANT_CACHE (STORE_WANT_ENVELOPE | STORE_WANT_BODY |                    \
	STORE_WANT_BODYSTRUCTURE | STORE_WANT_HEADERS | STORE_WANT_OBJECTID |  \
	STORE_WANT_ORDER)

struct walk {
	struct store_mailbox *m;
	const struct store_walk *w;
	store_message_fn *fn;
	void *ctx;
	struct index *ix;
	char *dir;
	struct mailbox_row row;
	const char **names; /* of the message at hand */
	struct buf order;   /* the same */
	struct ordering ordering;
	int forwarded;      /* number of $Forwarded, or -1 */
	struct store_message bare; /* that of show_flags */
	enum store_err failed;     /* inside of it */
	size_t done;
	uint32_t at;        /* next UID */
	bool stop;
	/* Texts made here, to be saved when the statement is done. */
	struct cached *fill;
	uint32_t *fill_uids;
	size_t n_fill;
};

static void
names_of(struct walk *k, const struct message *msg, struct store_message *out)
{
	bool passed = (msg->flags & MAILDIR_PASSED) != 0;
	size_t n = 0;

	for (size_t i = 0; i < k->m->keywords.n && i < msg->keywords.n * 8; i++)
		if (k->m->keywords.names[i] != NULL &&
		    keyword_bit(msg->keywords, i)) {
			k->names[n++] = k->m->keywords.names[i];
			if ((int)i == k->forwarded)
				passed = false;
		}
	if (passed)
		k->names[n++] = "$Forwarded";
	out->keywords = k->names;
	out->n_keywords = n;
}

/* Reads the file of a message that has no cached texts yet. */
static void
fill_one(struct walk *k, const struct message *msg, struct store_message *out)
{
	struct cached *c = &k->fill[k->n_fill];
	int fd = message_open_file(k->dir, msg);
	struct store_body body;

	if (fd == -1)
		return;
	if (body_map(fd, k->dir, &body) != STORE_OK)
		return;
	cached_init(c);
	cached_make(c, body.text);
	if (!store_body_close(&body)) {
		cached_release(c);
		return;
	}
	k->fill_uids[k->n_fill++] = msg->uid;
	out->envelope = buf_slice(&c->envelope);
	out->body = buf_slice(&c->body);
	out->bodystructure = buf_slice(&c->bodystructure);
	out->headers = buf_slice(&c->headers);
	out->headers_complete = c->headers_complete;
	out->emailid = slice_of((const char *)c->emailid, STORE_OBJECTID);
	out->threadid = slice_of((const char *)c->threadid, STORE_OBJECTID);
}

static void
fill_save(struct walk *k)
{
	enum store_err err = STORE_OK;

	if (k->n_fill > 0)
		err = index_begin(k->ix);
	for (size_t i = 0; i < k->n_fill; i++) {
		struct message msg;
		sqlite3_stmt *st = NULL;

		/* It may have been expunged since. A failure costs only time. */
		if (err == STORE_OK && message_get(k->ix, k->m->id,
		    k->fill_uids[i], &st, &msg) == STORE_OK)
			err = cached_save(k->ix, index_key(k->m->id,
			    k->fill_uids[i]), &k->fill[i]);
		index_done(st);
		cached_release(&k->fill[i]);
	}
	if (k->n_fill > 0 && err == STORE_OK)
		index_commit(k->ix);
	index_rollback(k->ix);
	k->n_fill = 0;
}

/* Only what is wanted: each column costs. */
static void
show_cached(unsigned want, sqlite3_stmt *st, struct store_message *out)
{
	if ((want & STORE_WANT_ENVELOPE) != 0)
		out->envelope = index_column(st, 11);
	if ((want & STORE_WANT_BODY) != 0)
		out->body = index_column(st, 12);
	if ((want & STORE_WANT_BODYSTRUCTURE) != 0)
		out->bodystructure = index_column(st, 13);
	if ((want & (STORE_WANT_HEADERS | STORE_WANT_ORDER)) != 0) {
		out->headers = index_column(st, 14);
		out->headers_complete =
		    sqlite3_column_type(st, 14) != SQLITE_NULL;
	}
	if ((want & STORE_WANT_OBJECTID) != 0) {
		out->emailid = index_column(st, 15);
		out->threadid = index_column(st, 16);
	}
}

static void
show(struct walk *k, sqlite3_stmt *st)
{
	struct store_message out = { 0 };
	struct maildir_name name;
	struct message msg;

	message_read(st, &msg);
	out.uid = msg.uid;
	out.flags = msg.flags & STORE_FLAGS;
	out.modseq = msg.modseq;
	out.internaldate = msg.date;
	out.savedate = msg.saved;
	out.size = msg.size;
	out.vsize = msg.vsize;
	names_of(k, &msg, &out);
	if (k->w->want & WANT_CACHE) {
		if (sqlite3_column_type(st, 10) == SQLITE_NULL) {
			fill_one(k, &msg, &out);
		} else {
			show_cached(k->w->want, st, &out);
		}
	}
	if ((k->w->want & STORE_WANT_ORDER) != 0 && out.headers_complete) {
		buf_clear(&k->order);
		order_make(&k->order, out.headers);
		out.order = buf_slice(&k->order);
	}
	if (k->w->want & STORE_WANT_FILE) {
		maildir_name_parse(msg.base, &name);
		out.base = msg.base;
		out.delivery_id = name.delivery;
	}
	k->at = msg.uid + 1;
	k->done++;
	k->stop = k->fn(k->ctx, &out) != 0;
}

static bool
is_full(const struct walk *k)
{
	return k->stop || k->n_fill == FILL_BATCH ||
	    (k->w->limit > 0 && k->done >= k->w->limit);
}

static enum store_err
bare_keywords(struct walk *k, uint32_t uid, unsigned byte)
{
	struct message msg = { .flags = byte };
	enum store_err err = STORE_OK;
	sqlite3_stmt *st = NULL;

	if ((byte & PRESENT_KEYWORDS) != 0)
		err = message_get(k->ix, k->m->id, uid, &st, &msg);
	if (err == STORE_OK)
		names_of(k, &msg, &k->bare);
	index_done(st);
	return err;
}

/* Only the flags of a message, read without its row. */
static int
show_flags(void *ctx, uint32_t uid, unsigned byte)
{
	struct walk *k = ctx;

	k->bare.uid = uid;
	k->bare.flags = byte & STORE_FLAGS;
	k->bare.n_keywords = 0;
	if ((byte & ~(STORE_FLAGS | PRESENT)) != 0)
		k->failed = bare_keywords(k, uid, byte);
	if (k->failed != STORE_OK)
		return 1;
	k->at = uid + 1;
	k->done++;
	k->stop = k->fn(k->ctx, &k->bare) != 0;
	return is_full(k);
}

/* Messages first to last; false when the walk must pause or failed. */
static bool
walk_rows(struct walk *k, uint32_t first, uint32_t last, enum store_err *err)
{
	bool cache = (k->w->want & WANT_CACHE) != 0;
	sqlite3_stmt *st = index_query(k->ix, cache ?
	    SQL_MESSAGE_RANGE_CACHE : SQL_MESSAGE_RANGE, "ii",
	    index_key(k->m->id, first), index_key(k->m->id, last));

	while (!is_full(k) && index_step(k->ix, st, err) > 0)
		show(k, st);
	index_done(st);
	return *err == STORE_OK && !is_full(k);
}

static int
on_first(void *ctx, uint32_t uid, unsigned byte UNUSED)
{
	uint32_t *first = ctx;

	*first = uid;
	return 1;
}

static void
show_ordering(struct walk *k, uint32_t first, uint32_t last)
{
	struct slice left = ordering_begin(&k->ordering);
	struct store_message msg;

	while (!is_full(k) && ordering_next(&k->ordering, &left, &msg)) {
		if (msg.uid < first || msg.uid > last)
			continue;
		k->at = msg.uid + 1;
		k->done++;
		k->stop = k->fn(k->ctx, &msg) != 0;
	}
}

/* A row of the table at a time; what none has yet, message by message. */
static bool
walk_ordering(struct walk *k, uint32_t first, uint32_t last,
    enum store_err *err)
{
	uint32_t end, next;

	for (; *err == STORE_OK && !is_full(k); first = end + 1) {
		next = 0;
		*err = present_each(k->ix, k->m->id, first, last, on_first,
		    &next);
		if (*err != STORE_OK || next == 0)
			break;
		end = next | (PRESENT_ROW - 1);
		if (end > last)
			end = last;
		*err = ordering_load(&k->ordering, k->ix, &k->row,
		    next / PRESENT_ROW);
		if (*err == STORE_OK && k->ordering.whole)
			show_ordering(k, next, end);
		else if (*err == STORE_OK)
			walk_rows(k, next, end, err);
		if (end == last)
			break;
	}
	return *err == STORE_OK && !is_full(k);
}

static bool
walk_range(struct walk *k, uint32_t first, uint32_t last, enum store_err *err)
{
	if (k->w->order_only)
		return walk_ordering(k, first, last, err);
	if (!k->w->flags_only)
		return walk_rows(k, first, last, err);
	*err = present_each(k->ix, k->m->id, first, last, show_flags, k);
	if (*err == STORE_OK)
		*err = k->failed;
	return *err == STORE_OK && !is_full(k);
}

/* Those changed since; false as above. */
static bool
walk_since(struct walk *k, enum store_err *err)
{
	bool cache = (k->w->want & WANT_CACHE) != 0;
	const struct store_set *set = k->w->set;
	sqlite3_stmt *st;

	st = index_query(k->ix, cache ? SQL_MESSAGE_SINCE_CACHE :
	    SQL_MESSAGE_SINCE, "iii", k->m->id, (int64_t)k->w->since,
	    index_key(k->m->id, k->at));
	while (!is_full(k) && index_step(k->ix, st, err) > 0)
		if (set == NULL || store_set_has(set,
		    (uint32_t)sqlite3_column_int64(st, 0)))
			show(k, st);
	index_done(st);
	return *err == STORE_OK && !is_full(k);
}

static bool
walk_set(struct walk *k, enum store_err *err)
{
	static const struct store_range all = { 1, STORE_UID_MAX - 1 };
	const struct store_range *r = &all;
	size_t n = 1;

	if (k->w->since > 0)
		return walk_since(k, err);
	if (k->w->set != NULL) {
		r = k->w->set->r;
		n = k->w->set->n;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t first = r[i].first > k->at ? r[i].first : k->at;

		if (first <= r[i].last && !walk_range(k, first, r[i].last, err))
			return false;
	}
	return true;
}

enum store_err
store_walk(struct store_mailbox *m, const struct store_walk *w,
    store_message_fn *fn, void *ctx, uint32_t *next)
{
	struct walk k = { .m = m, .w = w, .fn = fn, .ctx = ctx, .at = w->from };
	struct buf dir = BUF_INIT(PATH_MAX);
	enum store_err err = index_take(m->user, &k.ix);
	bool done = false;

	if (err != STORE_OK)
		return err;
	buf_init(&k.order, ORDER_MAX);
	ordering_init(&k.ordering);
	keywords_release(&m->keywords);
	err = mailbox_row_get(k.ix, m->id, &k.row);
	if (err == STORE_OK)
		err = mailbox_load_keywords(k.ix, m->id, &m->keywords);
	if (err == STORE_OK) {
		maildir_dir(&dir, m->user->root, slice_str(k.row.name));
		k.dir = dir.p;
		k.names = mem_array(m->keywords.n + 1, sizeof(*k.names));
		k.forwarded = keywords_find(&m->keywords, S("$Forwarded"));
		if (w->want & WANT_CACHE) {
			k.fill = mem_array(FILL_BATCH, sizeof(*k.fill));
			k.fill_uids = mem_array(FILL_BATCH,
			    sizeof(*k.fill_uids));
		}
	}
	while (err == STORE_OK && !done) {
		done = walk_set(&k, &err);
		if (k.n_fill < FILL_BATCH)
			break;
		fill_save(&k);
		if (k.stop || is_full(&k))
			break;
	}
	fill_save(&k);
	if (next != NULL)
		*next = done || err != STORE_OK ? 0 : k.at;
	mem_free(k.names);
	mem_free(k.fill);
	mem_free(k.fill_uids);
	buf_release(&k.order);
	ordering_release(&k.ordering);
	buf_release(&dir);
	index_give(m->user, k.ix);
	return err;
}

enum store_err
store_mailbox_uids(struct store_mailbox *m, uint32_t **uids, size_t *n)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = index_take(m->user, &ix);

	*uids = NULL;
	*n = 0;
	if (err != STORE_OK)
		return err;
	err = mailbox_row_get(ix, m->id, &row);
	if (err == STORE_OK)
		err = message_select(ix, m->id, NULL, 0, uids, n);
	index_give(m->user, ix);
	return err;
}

/* Every UID below uidnext that does not exist. */
static enum store_err
all_missing(struct index *ix, const struct mailbox_row *row,
    struct store_set *out)
{
	struct present_list list = { 0 };
	enum store_err err;
	uint32_t at = 1;

	err = present_read(ix, row->id, 1, STORE_UID_MAX, &list);
	for (size_t i = 0; i < list.n; i++) {
		if (list.uids[i] > at)
			store_set_add(out, at, list.uids[i] - 1);
		at = list.uids[i] + 1;
	}
	if (at < row->uidnext)
		store_set_add(out, at, row->uidnext - 1);
	mem_free(list.uids);
	return err;
}

enum store_err
store_vanished(struct store_mailbox *m, uint64_t since, struct store_set *out)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = index_take(m->user, &ix);
	sqlite3_stmt *st;

	if (err != STORE_OK)
		return err;
	err = index_begin_read(ix);
	if (err == STORE_OK)
		err = mailbox_row_get(ix, m->id, &row);
	if (err == STORE_OK && since < row.forgotten) {
		err = all_missing(ix, &row, out);
	} else if (err == STORE_OK) {
		st = index_query(ix, SQL_EXPUNGED_SINCE, "ii", m->id,
		    (int64_t)since);
		while (index_step(ix, st, &err) > 0) {
			uint32_t uid = (uint32_t)sqlite3_column_int64(st, 0);

			store_set_add(out, uid, uid);
		}
	}
	index_give(m->user, ix);
	return err;
}
