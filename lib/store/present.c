/*
 * Which UIDs of a mailbox exist, as bits, 4096 to a row. The rows of messages
 * say the same and are the truth for a rebuild; this is for reading all UIDs
 * of a large mailbox at once.
 */
#include "store/mailbox.h"

static int64_t
row_key(int64_t mailbox, uint32_t row)
{
	return mailbox << 32 | row;
}

static void
bits_read(unsigned char bits[PRESENT_BYTES], struct slice blob)
{
	memset(bits, 0, PRESENT_BYTES);
	if (blob.n > 0)
		memcpy(bits, blob.p, blob.n < PRESENT_BYTES ? blob.n :
		    PRESENT_BYTES);
}

enum store_err
present_save(struct mailbox_txn *t)
{
	struct present *p = &t->present;
	size_t n = PRESENT_BYTES;
	int64_t key = row_key(t->row.id, p->row);

	if (!p->dirty)
		return STORE_OK;
	p->dirty = false;
	/* A young row is short. */
	while (n > 0 && p->bits[n - 1] == 0)
		n--;
	if (n == 0)
		return index_exec(t->ix, SQL_UIDS_DROP, "ii", key, key);
	return index_exec(t->ix, SQL_UIDS_PUT, "ib", key,
	    slice_of(p->bits, n));
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
	bits_read(p->bits, r > 0 ? index_column(st, 0) : slice_of(NULL, 0));
	index_done(st);
	p->row = row;
	p->loaded = true;
	return STORE_OK;
}

enum store_err
present_set(struct mailbox_txn *t, uint32_t uid, bool on)
{
	enum store_err err = load(t, uid >> PRESENT_SHIFT);
	uint32_t at = uid & ((1u << PRESENT_SHIFT) - 1);
	unsigned char bit = (unsigned char)(1u << (at % 8));

	if (err != STORE_OK)
		return err;
	if (on)
		t->present.bits[at / 8] |= bit;
	else
		t->present.bits[at / 8] &= (unsigned char)~bit;
	t->present.dirty = true;
	return STORE_OK;
}

static void
append(struct present_list *out, uint32_t uid)
{
	if (out->n == out->cap) {
		out->cap = out->cap == 0 ? 64 : out->cap * 2;
		out->uids = mem_grow(out->uids, out->cap, sizeof(*out->uids));
	}
	out->uids[out->n++] = uid;
}

enum store_err
present_read(struct index *ix, int64_t mailbox, uint32_t first, uint32_t last,
    struct present_list *out)
{
	enum store_err err = STORE_OK;
	sqlite3_stmt *st;

	st = index_query(ix, SQL_UIDS_RANGE, "ii",
	    row_key(mailbox, first >> PRESENT_SHIFT),
	    row_key(mailbox, last >> PRESENT_SHIFT));
	while (index_step(ix, st, &err) > 0) {
		uint32_t base = (uint32_t)sqlite3_column_int64(st, 0)
		    << PRESENT_SHIFT;
		unsigned char bits[PRESENT_BYTES];

		bits_read(bits, index_column(st, 1));
		for (uint32_t i = 0; i < PRESENT_BYTES * 8; i++) {
			if (i % 8 == 0 && bits[i / 8] == 0) {
				i += 7;
				continue;
			}
			if ((bits[i / 8] >> (i % 8) & 1) != 0 &&
			    base + i >= first && base + i <= last)
				append(out, base + i);
		}
	}
	return err;
}
