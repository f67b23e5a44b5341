/*
 * COPY and MOVE inside one user: hard links and renames, so no body is written
 * twice, and at no moment a message exists nowhere. The target is synced before
 * the transaction ends. A rename is one step of the file system, so the source
 * needs no sync of its own. A message with keywords that its file name cannot
 * tell (store/keyfile.h) is moved by a second name: the first one goes when the
 * target's file says them.
 */
#include "store/mailbox.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "core/file.h"
#include "core/now.h"

struct copy {
	struct mailbox_txn from;
	struct mailbox_txn other; /* the target, when it is another mailbox */
	struct mailbox_txn *to;
	const struct store_target *target;
	bool move;
	bool across;     /* the folders are on different file systems */
	struct store_set linked; /* moved by a second name */
	bool removed;    /* sources are gone that cannot come back */
	struct map made; /* new path: old one, or "" for a second name; to undo */
};

void
store_copied_release(struct store_copied *c)
{
	mem_free(c->from);
	mem_free(c->to);
	*c = (struct store_copied){ 0 };
}

/* ---- files --------------------------------------------------------------- */

static int
copy_bytes(const char *from, const char *to)
{
	char piece[16384];
	struct timespec times[2];
	struct stat st;
	ssize_t n = -1;
	int out = -1, saved;
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (in == -1)
		return -1;
	if (fstat(in, &st) == 0)
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	while (out != -1 && (n = read(in, piece, sizeof(piece))) > 0)
		if (file_write_all(out, piece, (size_t)n) == -1) {
			n = -1;
			break;
		}
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (n == 0 && (futimens(out, times) == -1 || fdatasync(out) == -1))
		n = -1;
	saved = errno;
	close(in);
	if (out != -1)
		close(out);
	if (n != 0 && out != -1)
		unlink(to);
	errno = saved;
	return n == 0 ? 0 : -1;
}

int
copy_file(const char *from, const char *to)
{
	if (link(from, to) == 0)
		return 0;
	if (errno != EXDEV && errno != EPERM && errno != EMLINK &&
	    errno != EOPNOTSUPP)
		return -1;
	return copy_bytes(from, to);
}

/* Gives the file its new name; a moved one leaves the old one behind only if
 * it could not be renamed. */
static int
place_file(struct copy *c, const char *from, const char *to, bool stays)
{
	if (stays)
		return copy_file(from, to);
	if (rename(from, to) == 0)
		return 0;
	if (errno != EXDEV)
		return -1;
	c->across = true;
	return copy_bytes(from, to);
}

static enum store_err
transfer(struct copy *c, const struct message *src,
    const struct message *dst)
{
	struct buf from = BUF_INIT(PATH_MAX), to = BUF_INIT(PATH_MAX);
	bool far = c->move && keyfile_needed(dst->keywords);
	bool stays = !c->move || far;
	enum store_err err = STORE_OK;
	int r;

	if (far)
		store_set_add(&c->linked, src->uid, src->uid);
	message_path(&from, c->from.dir, src);
	message_path(&to, c->to->dir, dst);
	c->to->touched[dst->place] = true;
	if (c->move)
		c->from.touched[src->place] = true;
	r = place_file(c, buf_str(&from), buf_str(&to), stays);
	if (r == -1 && errno == ENOENT) {
		buf_clear(&from);
		if (message_search(&from, c->from.dir, src->base))
			r = place_file(c, buf_str(&from), buf_str(&to),
			    stays);
		else
			errno = ENOENT;
	}
	if (r == 0)
		map_put(&c->made, buf_slice(&to), mem_str(!stays &&
		    !c->across ? buf_str(&from) : ""));
	else
		err = errno == ENOENT ? STORE_NO_MESSAGE :
		    store_errno(c->move ? "move" : "link", buf_str(&to));
	buf_release(&from);
	buf_release(&to);
	return err;
}

/* What cannot be undone is adopted at the next look. */
static void
undo(struct copy *c)
{
	struct map_iter it = { 0 };
	struct slice path;
	void *old;

	while (map_next(&c->made, &it, &path, &old)) {
		char *name = slice_dup(path);

		if (*(const char *)old == '\0')
			unlink(name);
		else
			(void)rename(name, old);
		mem_free(name);
	}
}

/* A copy counts in full although its body is shared. A move changes nothing
 * and is always possible, as in Dovecot. */
static enum store_err
check_quota(struct copy *c, const uint32_t *uids, size_t n)
{
	uint64_t bytes = 0;
	enum store_err err = STORE_OK;

	if (c->from.user->quota.limit.bytes > 0)
		for (size_t i = 0; err == STORE_OK && i < n; i++) {
			struct message msg;
			sqlite3_stmt *st = NULL;

			err = message_get(c->from.ix, c->from.row.id, uids[i],
			    &st, &msg);
			if (err == STORE_OK)
				bytes += msg.vsize;
			index_done(st);
		}
	return err != STORE_OK ? err : quota_check(c->to,
	    c->to == &c->from ? NULL : &c->from, QUOTA_ADD, bytes, n);
}

/* ---- rows ---------------------------------------------------------------- */

/* The flags and keywords that may come along, those under the numbers of the
 * target. */
static enum store_err
map_flags(struct copy *c, struct slice from, struct buf *out,
    unsigned *flags)
{
	const struct keywords *k = &c->from.keywords;
	enum store_err err = STORE_OK;

	*flags &= ~(STORE_FLAGS & ~c->target->flags);
	if (!c->target->keywords) {
		*flags &= ~MAILDIR_PASSED;
		return STORE_OK;
	}
	if (c->to == &c->from) {
		buf_add_slice(out, from);
		return STORE_OK;
	}
	for (size_t n = 0; err == STORE_OK && n < k->n; n++) {
		struct slice name = slice_str(k->names[n]);

		if (k->names[n] != NULL && keyword_bit(from, n))
			err = message_keywords(c->to, &name, 1, true, out,
			    flags);
	}
	return err;
}

static void
copy_base(struct buf *out, const struct copy *c, const struct message *src,
    uint32_t uid)
{
	maildir_unique(out, slice_of(NULL, 0), c->from.user->store->hostname);
	buf_addf(out, ",S=%llu,W=%llu,U=%u", (unsigned long long)src->size,
	    (unsigned long long)src->vsize, uid);
}

static enum store_err
copy_one(struct copy *c, uint32_t uid, uint32_t to_uid)
{
	struct buf base = BUF_INIT(NAME_MAX), bitmap = BUF_INIT(KEYWORD_BYTES);
	struct message src = { 0 }, dst;
	sqlite3_stmt *st = NULL;
	enum store_err err;

	err = message_get(c->from.ix, c->from.row.id, uid, &st, &src);
	dst = src;
	if (err == STORE_OK)
		err = map_flags(c, src.keywords, &bitmap, &dst.flags);
	if (err == STORE_OK) {
		copy_base(&base, c, &src, to_uid);
		dst.uid = to_uid;
		dst.base = buf_slice(&base);
		dst.keywords = buf_slice(&bitmap);
		dst.place = MAILDIR_CUR;
		dst.modseq = c->to->row.modseq;
		dst.saved = now_wall();
		err = transfer(c, &src, &dst);
	}
	if (err == STORE_OK)
		err = message_add(c->to, &dst);
	if (err == STORE_OK)
		err = index_exec(c->to->ix, SQL_CACHE_COPY, "ii",
		    index_key(c->from.row.id, uid),
		    index_key(c->to->row.id, to_uid));
	if (err == STORE_OK)
		keyfile_note(c->to, to_uid, dst.keywords, true);
	index_done(st);
	buf_release(&base);
	buf_release(&bitmap);
	return err;
}

static enum store_err
remove_sources(struct copy *c, const struct store_copied *out)
{
	enum store_err err = STORE_OK;

	if (out->n > 0)
		c->from.row.modseq++;
	c->removed = c->across || c->linked.n > 0;
	/* Then copies stay, whatever happens from here on. */
	if (c->removed)
		c->to->lines.is_new = false;
	for (size_t i = 0; err == STORE_OK && i < out->n; i++) {
		struct message msg;
		sqlite3_stmt *st = NULL;

		err = message_get(c->from.ix, c->from.row.id, out->from[i],
		    &st, &msg);
		if (err == STORE_OK)
			err = c->across || store_set_has(&c->linked, msg.uid) ?
			    message_remove(&c->from, &msg) :
			    message_drop(&c->from, &msg);
		index_done(st);
	}
	/* What has two names must not come back under the old one. */
	if (err == STORE_OK && c->removed)
		err = mailbox_sync_dirs(c->from.user, c->from.dir,
		    c->from.touched);
	return err == STORE_OK ? message_prune_expunged(&c->from) : err;
}

static enum store_err
copy_all(struct copy *c, const struct store_set *set,
    struct store_copied *out)
{
	enum store_err err;
	uint32_t first = 0;

	err = message_select(c->from.ix, c->from.row.id, set, 0, &out->from,
	    &out->n);
	out->uidvalidity = c->to->row.uidvalidity;
	out->to = mem_array(out->n + 1, sizeof(*out->to));
	if (err != STORE_OK || out->n == 0)
		return err;
	if (!c->move)
		err = check_quota(c, out->from, out->n);
	if (err == STORE_OK)
		err = mailbox_take_uids(c->to, (uint32_t)out->n, &first);
	if (err == STORE_OK)
		c->to->row.modseq++;
	for (size_t i = 0; err == STORE_OK && i < out->n; i++) {
		out->to[i] = first + (uint32_t)i;
		err = copy_one(c, out->from[i], out->to[i]);
	}
	if (err == STORE_OK &&
	    maildir_sync_dir(c->to->dir, "cur") == -1)
		err = store_errno("sync", c->to->dir);
	/* Before what is removed takes its keywords along. */
	if (err == STORE_OK && c->linked.n > 0)
		err = keyfile_save(c->to);
	return err == STORE_OK && c->move ? remove_sources(c, out) : err;
}

/* ---- both commands ------------------------------------------------------- */

/* What takes long there is done before, in transactions of its own. */
static enum store_err
settle_target(struct store_user *u, const struct mailbox_row *row)
{
	struct store_mailbox m = { .user = u, .id = row->id };
	struct buf dir = BUF_INIT(PATH_MAX);
	enum store_err err = STORE_OK;
	struct mailbox_txn t;
	bool gone;

	maildir_dir(&dir, u->root, slice_str(row->name));
	if (mailbox_is_stale(u, buf_str(&dir), row, false, &gone)) {
		err = mailbox_begin(&m, &t);
		if (err == STORE_OK)
			err = mailbox_end(&t, STORE_OK);
	}
	buf_release(&dir);
	return err;
}

/* Makes the target if it is a special mailbox, and finds its id. */
static enum store_err
find_target(struct store_user *u, struct slice name, int64_t *id)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = mailbox_name(name, &name);

	if (err == STORE_OK)
		err = index_take(u, &ix);
	if (err != STORE_OK)
		return err;
	err = mailbox_find(u, ix, name, false, &row);
	*id = row.id;
	index_give(u, ix);
	return err == STORE_OK ? settle_target(u, &row) : err;
}

static enum store_err
copy_or_move(struct store_mailbox *m, const struct store_set *set,
    const struct store_target *to, bool move, struct store_copied *out)
{
	struct copy c = { .move = move, .target = to };
	enum store_err err;
	int64_t id = 0;

	*out = (struct store_copied){ 0 };
	if (strcmp(to->user->root, m->user->root) != 0)
		return copy_far(m, set, to, move, out);
	err = find_target(m->user, to->name, &id);
	if (err == STORE_OK)
		err = mailbox_begin(m, &c.from);
	if (err != STORE_OK)
		return err;
	c.to = &c.from;
	if (id != m->id) {
		c.to = &c.other;
		err = mailbox_txn_open(c.to, m->user, c.from.ix, id);
		if (err == STORE_OK && c.to->more)
			err = STORE_AGAIN;
	}
	if (err == STORE_OK)
		err = copy_all(&c, set, out);
	if (err == STORE_OK && c.to == &c.other)
		err = mailbox_txn_save(c.to);
	err = mailbox_end(&c.from, err);
	if (err != STORE_OK)
		keyfile_undo(&c.other);
	mailbox_txn_release(&c.other);
	if (err != STORE_OK && !c.removed)
		undo(&c);
	map_release(&c.made, mem_free);
	store_set_release(&c.linked);
	if (err != STORE_OK)
		store_copied_release(out);
	return err;
}

enum store_err
store_copy_to(struct store_mailbox *m, const struct store_set *set,
    const struct store_target *to, struct store_copied *out)
{
	return copy_or_move(m, set, to, false, out);
}

enum store_err
store_move_to(struct store_mailbox *m, const struct store_set *set,
    const struct store_target *to, struct store_copied *out)
{
	return copy_or_move(m, set, to, true, out);
}

enum store_err
store_copy(struct store_mailbox *m, const struct store_set *set,
    struct slice to, struct store_copied *out)
{
	return copy_or_move(m, set, &(struct store_target){ m->user, to,
	    STORE_FLAGS, true }, false, out);
}

enum store_err
store_move(struct store_mailbox *m, const struct store_set *set,
    struct slice to, struct store_copied *out)
{
	return copy_or_move(m, set, &(struct store_target){ m->user, to,
	    STORE_FLAGS, true }, true, out);
}
