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

/* Of a row: the bytes of the UIDs first to last. Nonzero stops. */
typedef int row_fn(void *ctx, uint32_t first, const unsigned char *bytes,
    size_t n);

static enum store_err
each_row(struct index *ix, int64_t mailbox, uint32_t first, uint32_t last,
    row_fn *fn, void *ctx)
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
		struct slice row = slice_head(index_column(st, 1), PRESENT_ROW);
		uint32_t at = first > base ? first - base : 0;

		row = slice_head(row, (size_t)last - base + 1);
		if (at < row.n)
			stop = fn(ctx, base + at,
			    (const unsigned char *)row.p + at,
			    row.n - at) != 0;
	}
	index_done(st);
	return err;
}

struct each {
	present_fn *fn;
	void *ctx;
};

static int
each_present(void *ctx, uint32_t first, const unsigned char *bytes, size_t n)
{
	const struct each *e = ctx;

	for (size_t i = 0; i < n; i++)
		if ((bytes[i] & PRESENT) != 0 &&
		    e->fn(e->ctx, first + (uint32_t)i, bytes[i]) != 0)
			return 1;
	return 0;
}

enum store_err
present_each(struct index *ix, int64_t mailbox, uint32_t first, uint32_t last,
    present_fn *fn, void *ctx)
{
	struct each e = { fn, ctx };

	return each_row(ix, mailbox, first, last, each_present, &e);
}

/* All of a mailbox is read so by SELECT: no branch, no call for a UID. */
static int
append(void *ctx, uint32_t first, const unsigned char *bytes, size_t n)
{
	struct present_list *out = ctx;
	const unsigned want = out->flags | PRESENT;
	size_t to = out->n;
	uint32_t *uids;

	if (out->cap - out->n < n) {
		out->cap = out->cap * 2 + n;
		out->uids = mem_grow(out->uids, out->cap, sizeof(*out->uids));
	}
	uids = out->uids;
	for (size_t i = 0; i < n; i++) {
		uids[to] = first + (uint32_t)i;
		to += (bytes[i] & want) == want;
	}
	out->n = to;
	return 0;
}

enum store_err
present_read(struct index *ix, int64_t mailbox, uint32_t first, uint32_t last,
    struct present_list *out)
{
	return each_row(ix, mailbox, first, last, append, out);
}
