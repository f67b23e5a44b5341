/* Transactions on a mailbox; giving out UIDs and keywords in them. */
#include "store/mailbox.h"

#include <limits.h>

/* UIDs are reserved durably so many at a time. */
#define UID_BLOCK 1000u

/* ---- transactions -------------------------------------------------------- */

enum store_err
mailbox_txn_open(struct mailbox_txn *t, struct store_user *u,
    struct index *ix, int64_t id)
{
	struct mailbox_row row;
	enum store_err err;

	*t = (struct mailbox_txn){ .user = u, .ix = ix };
	err = mailbox_row_get(ix, id, &row);
	return err == STORE_OK ? mailbox_txn_open_row(t, u, ix, &row) : err;
}

enum store_err
mailbox_txn_open_row(struct mailbox_txn *t, struct store_user *u,
    struct index *ix, const struct mailbox_row *row)
{
	enum store_err err;

	*t = (struct mailbox_txn){ .user = u, .ix = ix, .row = *row,
		.loaded = { row->bytes, row->messages } };
	t->dir = mailbox_dir(u, slice_str(row->name));
	err = mailbox_load_keywords(ix, row->id, &t->keywords);
	return err == STORE_OK ? mailbox_adopt(t, false) : err;
}

enum store_err
mailbox_txn_settle(struct mailbox_txn *t)
{
	const struct mailbox_progress *progress = t->progress;
	struct store_user *u = t->user;
	struct index *ix = t->ix;
	enum store_err err = STORE_OK;

	while (err == STORE_OK && t->more) {
		struct mailbox_row row = t->row;

		err = mailbox_txn_save(t);
		if (err == STORE_OK)
			err = index_commit(ix);
		if (err == STORE_OK)
			err = index_begin(ix);
		if (err == STORE_OK)
			err = mailbox_row_get(ix, row.id, &row);
		if (err != STORE_OK)
			break;
		mailbox_txn_release(t);
		err = mailbox_txn_open_row(t, u, ix, &row);
		t->progress = progress;
	}
	return err;
}

enum store_err
mailbox_txn_save(struct mailbox_txn *t)
{
	enum store_err err;

	for (int p = MAILDIR_CUR; p <= MAILDIR_NEW; p++) {
		/* Half adopted, the directory must look changed. */
		if (!t->touched[p] || t->more)
			continue;
		t->row.mtime[p] = maildir_mtime(t->dir,
		    (enum maildir_place)p);
		t->row.unsure |= p == MAILDIR_CUR ? MAILBOX_UNSURE_CUR :
		    MAILBOX_UNSURE_NEW;
		t->touched[p] = false;
	}
	quota_change(t->user, t->loaded.bytes, (uint32_t)t->loaded.messages,
	    t->row.bytes, t->row.messages);
	t->loaded = (struct store_usage){ t->row.bytes, t->row.messages };
	err = present_save(t);
	if (err == STORE_OK)
		err = keyfile_save(t);
	return err == STORE_OK ? mailbox_row_save(t->ix, &t->row) : err;
}

void
mailbox_txn_release(struct mailbox_txn *t)
{
	keywords_release(&t->keywords);
	buf_release(&t->lines.text);
	mem_free(t->dir);
	t->dir = NULL;
}

enum store_err
mailbox_begin(struct store_mailbox *m, struct mailbox_txn *t)
{
	struct index *ix;
	enum store_err err;

	*t = (struct mailbox_txn){ 0 };
	quota_begin(m->user);
	err = index_take_write(m->user, &ix);
	if (err != STORE_OK)
		return err;
	err = index_begin(ix);
	if (err == STORE_OK)
		err = mailbox_txn_open(t, m->user, ix, m->id);
	if (err == STORE_OK)
		err = mailbox_txn_settle(t);
	if (err != STORE_OK) {
		mailbox_txn_release(t);
		index_give(m->user, ix);
		return err;
	}
	return STORE_OK;
}

/* STORE_NO_MAILBOX also if it is another folder now, or has no row yet. */
static enum store_err
begin_known(struct store_user *u, struct index *ix, struct slice name,
    struct mailbox_txn *t)
{
	struct mailbox_row row;
	enum store_err err;

	*t = (struct mailbox_txn){ 0 };
	err = index_begin(ix);
	if (err == STORE_OK)
		err = mailbox_row_by_name(ix, name, &row);
	if (err == STORE_OK)
		err = mailbox_txn_open_row(t, u, ix, &row);
	if (err == STORE_OK)
		err = mailbox_txn_settle(t);
	if (err != STORE_OK) {
		mailbox_txn_release(t);
		index_rollback(ix);
	}
	return err;
}

enum store_err
mailbox_begin_named(struct store_user *u, struct slice name, bool create,
    struct mailbox_txn *t)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err;

	quota_begin(u);
	err = index_take_write(u, &ix);
	if (err != STORE_OK)
		return err;
	err = begin_known(u, ix, name, t);
	if (err == STORE_NO_MAILBOX) {
		err = mailbox_find(u, ix, name, create, &row);
		if (err == STORE_OK)
			err = begin_known(u, ix, name, t);
	}
	if (err != STORE_OK)
		index_give(u, ix);
	return err;
}

enum store_err
mailbox_sync_dirs(struct store_user *u, const char *dir,
    const bool places[2])
{
	char path[PATH_MAX];

	for (int p = MAILDIR_CUR; p <= MAILDIR_NEW; p++) {
		if (!places[p])
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, maildir_places[p]);
		if (dirsync_wait(&u->store->dirsync, path) == -1)
			return store_errno("sync", path);
	}
	return STORE_OK;
}

enum store_err
mailbox_end(struct mailbox_txn *t, enum store_err err)
{
	if (err == STORE_OK)
		err = mailbox_txn_save(t);
	if (err == STORE_OK)
		err = quota_settle(t->user, t->ix);
	if (err == STORE_OK)
		err = index_commit(t->ix);
	if (err != STORE_OK)
		keyfile_undo(t);
	index_give(t->user, t->ix);
	mailbox_txn_release(t);
	quota_end(t->user, err == STORE_OK);
	return err;
}

/* ---- UIDs and keywords --------------------------------------------------- */

void
mailbox_folder(const struct mailbox_txn *t, struct folder *f)
{
	if (folder_read(t->dir, f) == 1)
		return;
	*f = (struct folder){ .uidvalidity = t->row.uidvalidity,
		.reserved = t->row.reserved };
	memcpy(f->guid, t->row.guid, sizeof(f->guid));
}

/*
 * The index forgets its last commits in a power cut, the folder file does not:
 * it always names a UID above all that were given out (law 4).
 */
enum store_err
mailbox_take_uids(struct mailbox_txn *t, uint32_t n, uint32_t *first)
{
	struct mailbox_row *row = &t->row;
	uint64_t end = (uint64_t)row->uidnext + n;
	enum store_err err;

	if (end >= UINT32_MAX - UID_BLOCK)
		return STORE_LIMIT;
	if (end > row->reserved) {
		struct folder f;

		mailbox_folder(t, &f);
		f.reserved = (uint32_t)((end / UID_BLOCK + 1) * UID_BLOCK);
		err = folder_write(t->dir, &f);
		if (err != STORE_OK)
			return err;
		row->reserved = f.reserved;
	}
	*first = row->uidnext;
	row->uidnext = (uint32_t)end;
	return STORE_OK;
}

bool
keyword_is_valid(struct slice name)
{
	if (name.n == 0 || name.n > LIMIT_KEYWORD)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= 0x20 ||
		    (unsigned char)name.p[i] >= 0x7f)
			return false;
	return true;
}

enum store_err
mailbox_keyword_from(struct mailbox_txn *t, struct slice name, int least,
    int *n)
{
	enum store_err err;

	*n = keywords_find(&t->keywords, name);
	if (*n >= 0)
		return STORE_OK;
	if (!keyword_is_valid(name))
		return STORE_NAME;
	/* Holes come from dovecot-keywords. */
	for (*n = least; (size_t)*n < t->keywords.n; (*n)++)
		if (t->keywords.names[*n] == NULL)
			break;
	if (*n >= LIMIT_KEYWORDS)
		return STORE_LIMIT;
	err = index_exec(t->ix, SQL_KEYWORD_ADD, "iis", t->row.id,
	    (int64_t)*n, name);
	if (err != STORE_OK)
		return err;
	keywords_set(&t->keywords, (size_t)*n, name);
	/* Before any file name uses the letter. */
	return *n < MAILDIR_LETTERS ? keywords_write(&t->keywords, t->dir) :
	    STORE_OK;
}

enum store_err
mailbox_keyword(struct mailbox_txn *t, struct slice name, bool create, int *n)
{
	if (create)
		return mailbox_keyword_from(t, name, 0, n);
	*n = keywords_find(&t->keywords, name);
	return STORE_OK;
}
