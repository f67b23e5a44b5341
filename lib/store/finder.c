/* Reading the search index; see finder.h. */
#include "store/finder.h"

#include "store/signatures.h"

struct store_finder {
	struct signatures db;
	struct signed_box box;
	const struct store_needle *needles;
	size_t n;
	enum signatures_sql query;
};

/* Reads of a message only what some needle is looked for in. */
static enum signatures_sql
query_for(const struct store_needle *needles, size_t n)
{
	bool head = false, body = false;

	for (size_t i = 0; i < n; i++) {
		head = head || needles[i].in_header;
		body = body || needles[i].in_body;
	}
	return !head ? SIG_BODIES : !body ? SIG_HEADS : SIG_BOTH;
}

static enum store_err
open_box(struct store_mailbox *m, struct signatures *db,
    struct signed_box *box)
{
	char guid[33];
	uint32_t uidvalidity;
	enum store_err err = signatures_whose(m, guid, &uidvalidity);

	if (err != STORE_OK)
		return err;
	db->quiet = true;
	err = signatures_open(db, m->user->root, false);
	return err == STORE_OK ? signatures_box(db, guid, uidvalidity, box) :
	    err;
}

enum store_err
store_finder_open(struct store_mailbox *m, const struct store_needle *needles,
    size_t n, struct store_finder **out)
{
	struct store_finder *f;

	*out = NULL;
	assert(n <= STORE_NEEDLES);
	if (!m->user->store->conf.search_index || n == 0)
		return STORE_OK;
	f = mem_zero(sizeof(*f));
	f->needles = needles;
	f->n = n;
	f->query = query_for(needles, n);
	/* Without it everything is looked into: slower, and as good. */
	if (open_box(m, &f->db, &f->box) == STORE_OK)
		*out = f;
	else
		store_finder_close(f);
	return STORE_OK;
}

void
store_finder_close(struct store_finder *f)
{
	if (f == NULL)
		return;
	signatures_close(&f->db);
	mem_free(f);
}

static bool
may_contain(const struct store_needle *needle, struct slice head,
    struct slice body)
{
	if (needle->in_header && gram_may_contain(head, &needle->text))
		return true;
	return needle->in_body && (gram_may_contain(body, &needle->exact) ||
	    gram_may_contain(body, &needle->text));
}

void
store_finder_step(struct store_finder *f, uint32_t from, store_finder_fn *fn,
    void *ctx, uint32_t *next)
{
	enum store_err err = STORE_OK;
	sqlite3_stmt *st = signatures_query(&f->db, f->query, "ii",
	    index_key(f->box.id, from), index_key(f->box.id, STORE_UID_MAX));

	*next = 0;
	while (signatures_step(&f->db, st, &err) > 0) {
		uint32_t uid = (uint32_t)sqlite3_column_int64(st, 0);
		struct slice head = index_column(st, 1);
		struct slice body = index_column(st, 2);
		uint32_t may = 0;

		for (size_t i = 0; i < f->n; i++)
			if (may_contain(&f->needles[i], head, body))
				may |= 1u << i;
		if (fn(ctx, uid, may) != 0) {
			*next = uid < STORE_UID_MAX ? uid + 1 : 0;
			break;
		}
	}
	index_done(st);
}

enum store_err
store_gathered(struct store_mailbox *m, struct store_gathered *out)
{
	struct signatures db = { 0 };
	struct signed_box box = { 0 };
	enum store_err err = open_box(m, &db, &box);

	*out = (struct store_gathered){ .indexed = box.messages,
		.none = db.db == NULL };
	signatures_close(&db);
	return err == STORE_NO_MAILBOX ? STORE_OK : err;
}
