/*
 * Which UIDs of a mailbox exist, and their system flags: a byte each, 1024 to a
 * row. The rows of messages say the same and are the truth for a rebuild; this
 * is for reading all UIDs or flags of a large mailbox at once.
 */
#include "store/mailbox.h"

static int64_t
row_key(int64_t mailbox, uint32_t row)
{
	return mailbox << 32 | row;
}

static void
row_read(unsigned char bytes[PRESENT_ROW], struct slice blob)
{
	size_t n = blob.n < PRESENT_ROW ? blob.n : PRESENT_ROW;

	if (n > 0)
		memcpy(bytes, blob.p, n);
	memset(bytes + n, 0, PRESENT_ROW - n);
}

enum store_err
present_save(struct mailbox_txn *t)
{
	struct present *p = &t->present;
	size_t n = PRESENT_ROW;
	int64_t key = row_key(t->row.id, p->row);
	enum store_err err;

	if (!p->dirty)
		return STORE_OK;
	p->dirty = false;
	/* A young row is short. */
	while (n > 0 && p->bytes[n - 1] == 0)
		n--;
	if (n == 0) {
		err = index_exec(t->ix, SQL_UIDS_DROP, "ii", key, key);
		return err != STORE_OK ? err :
		    index_exec(t->ix, SQL_ORDERINGS_DROP, "ii", key, key);
	}
	return index_exec(t->ix, SQL_UIDS_PUT, "ib", key,
	    slice_of(p->bytes, n));
}

static enum store_err
load(struct mailbox_txn *t, uint32_t row)
{
	struct present *p = &t->present;
	enum store_err err;
	sqlite3_stmt *st;
	int r;

	if (p->loaded && p->row == row)
		return STORE_OK;
	err = present_save(t);
	if (err != STORE_OK)
		return err;
	st = index_query(t->ix, SQL_UIDS_GET, "i", row_key(t->row.id, row));
	r = index_step(t->ix, st, &err);
	if (r < 0)
		return err;
	row_read(p->bytes, r > 0 ? index_column(st, 0) : slice_of(NULL, 0));
	index_done(st);
	p->row = row;
	p->loaded = true;
	return STORE_OK;
}

static enum store_err
put(struct mailbox_txn *t, uint32_t uid, unsigned byte)
{
	enum store_err err = load(t, uid / PRESENT_ROW);

	if (err != STORE_OK)
		return err;
	t->present.bytes[uid % PRESENT_ROW] = (unsigned char)byte;
	t->present.dirty = true;
	return STORE_OK;
}

enum store_err
present_put(struct mailbox_txn *t, uint32_t uid, unsigned flags,
    struct slice keywords)
{
	return put(t, uid, PRESENT | (flags & (STORE_FLAGS | MAILDIR_PASSED)) |
	    (keywords.n > 0 ? PRESENT_KEYWORDS : 0));
}

enum store_err
present_drop(struct mailbox_txn *t, uint32_t uid)
{
	return put(t, uid, 0);
}

enum store_err
present_each(struct index *ix, int64_t mailbox, uint32_t first, uint32_t last,
    present_fn *fn, void *ctx)
{
	enum store_err err = STORE_OK;
	bool stop = false;
	sqlite3_stmt *st;

	st = index_query(ix, SQL_UIDS_RANGE, "ii",
	    row_key(mailbox, first / PRESENT_ROW),
	    row_key(mailbox, last / PRESENT_ROW));
	while (!stop && index_step(ix, st, &err) > 0) {
		uint32_t base = (uint32_t)sqlite3_column_int64(st, 0) *
		    PRESENT_ROW;
		struct slice row = index_column(st, 1);
		uint32_t at = first > base ? first - base : 0;

		for (; !stop && at < row.n && at < PRESENT_ROW &&
		    base + at <= last; at++) {
			unsigned byte = (unsigned char)row.p[at];

			if ((byte & PRESENT) != 0)
				stop = fn(ctx, base + at, byte) != 0;
		}
	}
	index_done(st);
	return err;
}

static int
append(void *ctx, uint32_t uid, unsigned byte)
{
	struct present_list *out = ctx;

	if ((byte & out->flags) != out->flags)
		return 0;
	if (out->n == out->cap) {
		out->cap = out->cap == 0 ? 64 : out->cap * 2;
		out->uids = mem_grow(out->uids, out->cap, sizeof(*out->uids));
	}
	out->uids[out->n++] = uid;
	return 0;
}

enum store_err
present_read(struct index *ix, int64_t mailbox, uint32_t first, uint32_t last,
    struct present_list *out)
{
	return present_each(ix, mailbox, first, last, append, out);
}
