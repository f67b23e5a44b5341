/* STORE and EXPUNGE: changing flags and removing messages. */
#include "store/mailbox.h"

#include <limits.h>

#include "core/log.h"

/* ---- flags --------------------------------------------------------------- */

struct change {
	struct mailbox_txn *t;
	const struct store_change *how;
	unsigned flags;      /* with MAILDIR_PASSED */
	struct buf keywords; /* bitmap */
};

static unsigned
changed_flags(const struct change *c, unsigned old)
{
	unsigned keep = c->how->keep_flags, now = c->flags;

	/* $Forwarded is a keyword. */
	if (c->how->keep_keywords)
		keep |= MAILDIR_PASSED;
	if (c->how->how == STORE_ADD)
		now = old | c->flags;
	else if (c->how->how == STORE_REMOVE)
		now = old & ~c->flags;
	return (now & ~keep) | (old & keep);
}

static void
changed_keywords(const struct change *c, struct slice old, struct buf *out)
{
	buf_clear(out);
	if (c->how->how == STORE_REPLACE && !c->how->keep_keywords) {
		buf_add_slice(out, buf_slice(&c->keywords));
		return;
	}
	buf_add_slice(out, old);
	for (size_t n = 0; n < c->keywords.n * 8 && !c->how->keep_keywords; n++)
		if (keyword_bit(buf_slice(&c->keywords), n))
			keyword_set(out, n, c->how->how == STORE_ADD);
}

/*
 * The rename failed. If another program renamed the file meanwhile, finds it;
 * if it is gone, the next look at the folder will tell.
 */
static enum store_err
rename_found(struct mailbox_txn *t, const struct message *old,
    struct buf *from, const struct buf *to)
{
	if (errno != ENOENT)
		return store_errno("rename", buf_str(from));
	buf_clear(from);
	if (!message_search(from, t->dir, old->base))
		return STORE_OK;
	if (rename(buf_str(from), buf_str(to)) == -1 && errno != ENOENT)
		return store_errno("rename", buf_str(from));
	return STORE_OK;
}

/* Gives the file the letters of now, in cur/. */
static enum store_err
rename_file(struct mailbox_txn *t, const struct message *old,
    const struct message *now)
{
	struct buf from = BUF_INIT(PATH_MAX), to = BUF_INIT(PATH_MAX);
	enum store_err err = STORE_OK;

	message_path(&from, t->dir, old);
	message_path(&to, t->dir, now);
	if (!slice_eq(buf_slice(&from), buf_slice(&to))) {
		t->touched[old->place] = t->touched[MAILDIR_CUR] = true;
		if (rename(buf_str(&from), buf_str(&to)) == -1)
			err = rename_found(t, old, &from, &to);
	}
	buf_release(&from);
	buf_release(&to);
	return err;
}

/* Those that the file name cannot tell, if they changed. */
static void
note_keywords(struct mailbox_txn *t, const struct message *old,
    const struct message *now)
{
	for (size_t n = MAILDIR_LETTERS; n < LIMIT_KEYWORDS; n++)
		if (keyword_bit(old->keywords, n) !=
		    keyword_bit(now->keywords, n)) {
			keyfile_note(t, now->uid, now->keywords, false);
			return;
		}
}

static enum store_err
change_one(struct change *c, uint32_t uid, struct store_set *refused,
    bool *changed)
{
	struct buf bitmap = BUF_INIT(KEYWORD_BYTES);
	struct mailbox_txn *t = c->t;
	struct message old, now;
	sqlite3_stmt *st = NULL;
	enum store_err err;

	err = message_get(t->ix, t->row.id, uid, &st, &old);
	if (err != STORE_OK)
		goto out;
	if (c->how->conditional && old.modseq > c->how->unchanged_since) {
		if (refused != NULL)
			store_set_add(refused, uid, uid);
		goto out;
	}
	now = old;
	changed_keywords(c, old.keywords, &bitmap);
	now.flags = changed_flags(c, old.flags);
	now.keywords = buf_slice(&bitmap);
	if (now.flags == old.flags && slice_eq(now.keywords, old.keywords))
		goto out;
	now.place = MAILDIR_CUR;
	/* The first change of a call takes the next MODSEQ. */
	if (!*changed)
		t->row.modseq++;
	*changed = true;
	err = rename_file(t, &old, &now);
	if (err == STORE_OK)
		err = message_put_flags(t, &old, &now);
	if (keyfile_needed(old.keywords) || keyfile_needed(now.keywords))
		note_keywords(t, &old, &now);
out:
	index_done(st);
	buf_release(&bitmap);
	return err;
}

enum store_err
store_change_flags(struct store_mailbox *m, const struct store_set *set,
    const struct store_change *change, struct store_set *refused,
    uint64_t *modseq)
{
	struct change c = { .how = change,
		.flags = change->flags & STORE_FLAGS };
	struct mailbox_txn t;
	uint32_t *uids = NULL;
	size_t n = 0;
	bool changed = false;
	enum store_err err = mailbox_begin(m, &t);

	if (err != STORE_OK)
		return err;
	c.t = &t;
	buf_init(&c.keywords, KEYWORD_BYTES);
	err = message_keywords(&t, change->keywords, change->n_keywords,
	    change->how != STORE_REMOVE, &c.keywords, &c.flags);
	if (err == STORE_OK)
		err = message_select(t.ix, m->id, set, 0, &uids, &n);
	for (size_t i = 0; err == STORE_OK && i < n; i++)
		err = change_one(&c, uids[i], refused, &changed);
	if (modseq != NULL)
		*modseq = t.row.modseq;
	buf_release(&c.keywords);
	mem_free(uids);
	return mailbox_end(&t, err);
}

/* ---- expunge ------------------------------------------------------------- */

/*
 * Nothing is synced here: what a power cut brings back is a message too many,
 * with its UID or, where the index forgot nothing, with a new one.
 */

enum store_err
message_remove(struct mailbox_txn *t, const struct message *msg)
{
	struct buf path = BUF_INIT(PATH_MAX);
	enum store_err err = STORE_OK;

	message_path(&path, t->dir, msg);
	t->touched[msg->place] = true;
	if (unlink(buf_str(&path)) == -1) {
		bool found = false;

		if (errno == ENOENT) {
			buf_clear(&path);
			found = message_search(&path, t->dir, msg->base);
			t->touched[MAILDIR_CUR] |= found;
			errno = ENOENT;
		}
		if (errno != ENOENT || (found && unlink(buf_str(&path)) == -1 &&
		    errno != ENOENT))
			err = store_errno("unlink", buf_str(&path));
	}
	buf_release(&path);
	return err == STORE_OK ? message_drop(t, msg) : err;
}

static enum store_err
expunge_one(struct mailbox_txn *t, uint32_t uid, bool only_deleted,
    struct store_set *gone, bool *changed)
{
	struct message msg;
	sqlite3_stmt *st = NULL;
	enum store_err err;

	err = message_get(t->ix, t->row.id, uid, &st, &msg);
	if (err == STORE_OK &&
	    (!only_deleted || (msg.flags & STORE_DELETED))) {
		if (!*changed)
			t->row.modseq++;
		*changed = true;
		err = message_remove(t, &msg);
		if (err == STORE_OK && gone != NULL)
			store_set_add(gone, uid, uid);
	}
	index_done(st);
	return err;
}

enum store_err
store_expunge(struct store_mailbox *m, const struct store_set *set,
    bool only_deleted, struct store_set *gone, uint64_t *modseq)
{
	struct mailbox_txn t;
	uint32_t *uids = NULL;
	size_t n = 0;
	bool changed = false;
	enum store_err err = mailbox_begin(m, &t);

	if (err != STORE_OK)
		return err;
	/* Flags that other programs changed were adopted just now. */
	err = present_save(&t);
	/* The usual case, CLOSE with nothing to do, reads no message. */
	if (err == STORE_OK && (!only_deleted || t.row.deleted > 0))
		err = message_select(t.ix, m->id, set, only_deleted ?
		    STORE_DELETED : 0, &uids, &n);
	for (size_t i = 0; err == STORE_OK && i < n; i++)
		err = expunge_one(&t, uids[i], only_deleted, gone, &changed);
	if (err == STORE_OK && changed)
		err = message_prune_expunged(&t);
	if (modseq != NULL)
		*modseq = t.row.modseq;
	mem_free(uids);
	return mailbox_end(&t, err);
}
