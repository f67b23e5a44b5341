/*
 * What SORT and THREAD compare of all messages (mail/order.h), 1024 UIDs to a
 * row. It is made of the cached headers when it is first asked for, and never
 * changes afterwards, for what it says of a UID stays true; a message that came
 * back from elsewhere is missed, and the row made again.
 *
 * A row is the version of the form, then for each message: its UID within the
 * row (2 octets), internaldate (8), vsize (8), the length of the form (2), which
 * is 0 if the file must be read, and the form.
 */
#include "store/mailbox.h"

#include "core/num.h"
#include "mail/order.h"

#define VERSION 4 /* octets */
#define ENTRY 20  /* octets before the form */
#define ROW_MAX (VERSION + PRESENT_ROW * (ENTRY + ORDER_MAX))

void
ordering_init(struct ordering *o)
{
	*o = (struct ordering){ 0 };
	buf_init(&o->bytes, ROW_MAX);
}

void
ordering_release(struct ordering *o)
{
	buf_release(&o->bytes);
}

static void
put32(struct buf *out, uint32_t n)
{
	unsigned char bytes[4];

	num_be32_put(bytes, n);
	buf_add(out, bytes, sizeof(bytes));
}

static void
put64(struct buf *out, uint64_t n)
{
	unsigned char bytes[8];

	num_be64_put(bytes, n);
	buf_add(out, bytes, sizeof(bytes));
}

bool
ordering_next(const struct ordering *o, struct slice *left,
    struct store_message *out)
{
	while (left->n >= ENTRY) {
		const unsigned char *p = (const unsigned char *)left->p;
		uint32_t head = num_be32(p);
		uint32_t at = head >> 16;
		size_t n = head & 0xffff;

		if (at >= PRESENT_ROW || n > left->n - ENTRY)
			return false;
		*out = (struct store_message){ .uid = o->row * PRESENT_ROW + at,
			.internaldate = (int64_t)num_be64(p + 4),
			.vsize = num_be64(p + 12),
			.order = slice_head(slice_from(*left, ENTRY), n) };
		*left = slice_from(*left, ENTRY + n);
		if (o->there[at])
			return true;
	}
	return false;
}

struct slice
ordering_begin(const struct ordering *o)
{
	return slice_from(buf_slice(&o->bytes), VERSION);
}

/* ---- reading -------------------------------------------------------------- */

static int
on_present(void *ctx, uint32_t uid, unsigned byte UNUSED)
{
	struct ordering *o = ctx;

	o->there[uid % PRESENT_ROW] = true;
	return 0;
}

/* True if it has all messages that are there. */
static bool
is_whole(const struct ordering *o)
{
	struct slice left = ordering_begin(o);
	struct store_message msg;
	size_t n = 0;

	for (size_t i = 0; i < PRESENT_ROW; i++)
		n += o->there[i];
	while (ordering_next(o, &left, &msg))
		n--;
	return n == 0;
}

static enum store_err
read_row(struct ordering *o, struct index *ix, int64_t key)
{
	sqlite3_stmt *st = index_query(ix, SQL_ORDERING_GET, "i", key);
	enum store_err err = STORE_OK;

	if (index_step(ix, st, &err) > 0) {
		struct slice bytes = index_column(st, 0);

		if (bytes.n >= VERSION && num_be32((const unsigned char *)
		    bytes.p) == order_version)
			buf_add_slice(&o->bytes, bytes);
		index_done(st);
	}
	return err;
}

/* ---- making --------------------------------------------------------------- */

static void
add(struct ordering *o, sqlite3_stmt *st)
{
	size_t at = o->bytes.n, n;
	struct message msg;

	message_read(st, &msg);
	put32(&o->bytes, 0);
	put64(&o->bytes, (uint64_t)msg.date);
	put64(&o->bytes, msg.vsize);
	/* NULL: too long to keep. */
	if (sqlite3_column_type(st, 14) != SQLITE_NULL)
		order_make(&o->bytes, index_column(st, 14));
	n = o->bytes.n - at - ENTRY;
	if (buf_ok(&o->bytes))
		num_be32_put((unsigned char *)o->bytes.p + at,
		    msg.uid % PRESENT_ROW << 16 | (uint32_t)n);
}

/* Nothing, if a message has no cached texts. */
static enum store_err
make_row(struct ordering *o, struct index *ix, int64_t mailbox)
{
	uint32_t first = o->row * PRESENT_ROW;
	sqlite3_stmt *st = index_query(ix, SQL_MESSAGE_RANGE_CACHE, "ii",
	    index_key(mailbox, first),
	    index_key(mailbox, first + PRESENT_ROW - 1));
	enum store_err err = STORE_OK;
	bool cached = true;

	put32(&o->bytes, order_version);
	while (cached && index_step(ix, st, &err) > 0) {
		cached = sqlite3_column_type(st, 10) != SQLITE_NULL;
		if (cached)
			add(o, st);
	}
	index_done(st);
	if (!cached || !buf_ok(&o->bytes))
		buf_clear(&o->bytes);
	return err;
}

static void
keep_row(struct ordering *o, struct index *ix, int64_t key)
{
	if (index_begin(ix) != STORE_OK)
		return;
	/* A failure costs only time. */
	if (index_exec(ix, SQL_ORDERING_PUT, "ib", key,
	    buf_slice(&o->bytes)) == STORE_OK)
		index_commit(ix);
	index_rollback(ix);
}

enum store_err
ordering_load(struct ordering *o, struct index *ix,
    const struct mailbox_row *mailbox, uint32_t row)
{
	int64_t key = mailbox->id << 32 | row;
	uint32_t first = row * PRESENT_ROW;
	enum store_err err;

	if (o->loaded && o->row == row)
		return STORE_OK;
	buf_clear(&o->bytes);
	memset(o->there, 0, sizeof(o->there));
	o->row = row;
	err = present_each(ix, mailbox->id, first, first + PRESENT_ROW - 1,
	    on_present, o);
	if (err == STORE_OK)
		err = read_row(o, ix, key);
	o->whole = err == STORE_OK && is_whole(o);
	if (err == STORE_OK && !o->whole &&
	    first + PRESENT_ROW - 1 < mailbox->uidnext) {
		buf_clear(&o->bytes);
		err = make_row(o, ix, mailbox->id);
		o->whole = err == STORE_OK && is_whole(o);
		if (o->whole)
			keep_row(o, ix, key);
	}
	o->loaded = err == STORE_OK;
	return err;
}
