/* Mailboxes in the index: names, rows, importing, finding; open handles. */
#include "store/mailbox.h"

#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "mail/charset.h"
#include "mail/mutf7.h"

/* ---- names --------------------------------------------------------------- */

static int
check_levels(struct slice name, const char **why)
{
	struct slice rest = name, level;
	int levels = 0;

	/* A folder's directory is "." and the name. */
	if (name.n == 0)
		return fail(why, "it is empty");
	if (name.n > NAME_MAX - 1 || name.n > LIMIT_MAILBOX_NAME)
		return fail(why, "it is too long");
	if (name.p[name.n - 1] == '.')
		return fail(why, "a level is empty");
	while (slice_split(&rest, '.', &level)) {
		if (level.n == 0)
			return fail(why, "a level is empty");
		if (++levels > LIMIT_MAILBOX_DEPTH)
			return fail(why, "too many levels");
	}
	if (slice_find(name, '/') >= 0 || slice_find(name, '~') == 0)
		return fail(why, "\"/\", and \"~\" at its start, are not "
		    "allowed");
	return 0;
}

/*
 * Nothing encoded may hide a separator of paths or control bytes. A new name
 * has no other control characters and line ends either (RFC 5198 section 2,
 * RFC 6855 section 3).
 */
static int
check_text(struct slice utf8, bool fresh, const char **why)
{
	while (utf8.n > 0) {
		uint32_t c = utf8_take(&utf8);

		if (c < 0x20 || c == 0x7f || (fresh &&
		    ((c >= 0x80 && c < 0xa0) || c == 0x2028 || c == 0x2029)))
			return fail(why, "it has control characters");
	}
	return 0;
}

static int
check_name(struct slice name, bool fresh, const char **why)
{
	struct buf utf8 = BUF_INIT(LIMIT_MAILBOX_NAME * 2);
	int r = check_levels(name, why);

	if (r == 0)
		r = mutf7_decode(&utf8, name, why);
	if (r == 0)
		r = check_text(buf_slice(&utf8), fresh, why);
	buf_release(&utf8);
	return r;
}

bool
store_name_is_valid(struct slice name)
{
	return check_name(name, false, NULL) == 0;
}

const char *
store_name_why(struct slice name)
{
	const char *why = NULL;

	return check_name(name, true, &why) == 0 ? NULL : why;
}

enum store_err
mailbox_name(struct slice name, struct slice *out)
{
	*out = slice_ieq(name, S("INBOX")) ? S("INBOX") : name;
	return store_name_is_valid(*out) ? STORE_OK : STORE_NAME;
}

const struct store_special *
mailbox_special(const struct store *s, struct slice name)
{
	for (size_t i = 0; i < s->conf.n_special; i++)
		if (slice_eq(slice_str(s->special[i].name), name))
			return &s->special[i];
	return NULL;
}

char *
mailbox_dir(const struct store_user *u, struct slice name)
{
	struct buf dir = BUF_INIT(PATH_MAX);

	maildir_dir(&dir, u->root, name);
	return buf_take(&dir);
}

/* ---- rows ---------------------------------------------------------------- */

static void
copy_text(char *out, size_t size, sqlite3_stmt *st, int column)
{
	struct slice s = index_column(st, column);

	snprintf(out, size, "%.*s", SLICE_ARG(s));
}

static void
row_read(sqlite3_stmt *st, struct mailbox_row *r)
{
	r->id = sqlite3_column_int64(st, 0);
	copy_text(r->name, sizeof(r->name), st, 1);
	copy_text(r->guid, sizeof(r->guid), st, 2);
	r->uidvalidity = (uint32_t)sqlite3_column_int64(st, 4);
	r->uidnext = (uint32_t)sqlite3_column_int64(st, 5);
	r->reserved = (uint32_t)sqlite3_column_int64(st, 6);
	r->modseq = (uint64_t)sqlite3_column_int64(st, 7);
	r->forgotten = (uint64_t)sqlite3_column_int64(st, 8);
	r->recent_from = (uint32_t)sqlite3_column_int64(st, 9);
	r->mtime[MAILDIR_NEW] = sqlite3_column_int64(st, 10);
	r->mtime[MAILDIR_CUR] = sqlite3_column_int64(st, 11);
	r->unsure = (unsigned)sqlite3_column_int64(st, 12);
	r->scanned = sqlite3_column_int64(st, 13);
	copy_text(r->boot, sizeof(r->boot), st, 14);
	r->messages = (uint32_t)sqlite3_column_int64(st, 15);
	r->unseen = (uint32_t)sqlite3_column_int64(st, 16);
	r->deleted = (uint32_t)sqlite3_column_int64(st, 17);
	r->bytes = (uint64_t)sqlite3_column_int64(st, 18);
	r->deleted_bytes = (uint64_t)sqlite3_column_int64(st, 19);
	r->new_from = (uint32_t)sqlite3_column_int64(st, 20);
	r->unseen_from = (uint32_t)sqlite3_column_int64(st, 21);
}

static enum store_err
row_take(struct index *ix, sqlite3_stmt *st, struct mailbox_row *row)
{
	enum store_err err = STORE_OK;
	int r = index_step(ix, st, &err);

	if (r == 0)
		return STORE_NO_MAILBOX;
	if (r > 0) {
		row_read(st, row);
		index_done(st);
	}
	return err;
}

enum store_err
mailbox_row_get(struct index *ix, int64_t id, struct mailbox_row *row)
{
	return row_take(ix, index_query(ix, SQL_MAILBOX_BY_ID, "i", id), row);
}

enum store_err
mailbox_row_by_guid(struct index *ix, struct slice guid,
    struct mailbox_row *row)
{
	return row_take(ix, index_query(ix, SQL_MAILBOX_BY_GUID, "s", guid),
	    row);
}

enum store_err
mailbox_row_by_name(struct index *ix, struct slice name,
    struct mailbox_row *row)
{
	return row_take(ix, index_query(ix, SQL_MAILBOX_BY_NAME, "s", name),
	    row);
}

enum store_err
mailbox_row_save(struct index *ix, const struct mailbox_row *r)
{
	return index_exec(ix, SQL_MAILBOX_SAVE, "iiiiiiiiiisiiiiiii", r->id,
	    (int64_t)r->uidnext, (int64_t)r->reserved, (int64_t)r->modseq,
	    (int64_t)r->forgotten, (int64_t)r->recent_from,
	    r->mtime[MAILDIR_NEW], r->mtime[MAILDIR_CUR], (int64_t)r->unsure,
	    r->scanned, slice_str(r->boot), (int64_t)r->messages,
	    (int64_t)r->unseen, (int64_t)r->deleted, (int64_t)r->bytes,
	    (int64_t)r->deleted_bytes, (int64_t)r->new_from,
	    (int64_t)r->unseen_from);
}

enum store_err
mailbox_forget(struct index *ix, int64_t id)
{
	static const enum index_sql by_mailbox[] = { SQL_KEYWORDS_DROP,
		SQL_EXPUNGEDS_DROP, SQL_DELIVEREDS_DROP, SQL_MAILBOX_DROP };
	int64_t first = index_key(id, 0), last = index_key(id, UINT32_MAX);
	enum store_err err;

	err = index_exec(ix, SQL_MESSAGES_DROP, "ii", first, last);
	if (err == STORE_OK)
		err = index_exec(ix, SQL_CACHES_DROP, "ii", first, last);
	if (err == STORE_OK)
		err = index_exec(ix, SQL_UIDS_DROP, "ii", first, last);
	if (err == STORE_OK)
		err = index_exec(ix, SQL_ORDERINGS_DROP, "ii", first, last);
	for (size_t i = 0; err == STORE_OK && i < LEN(by_mailbox); i++)
		err = index_exec(ix, by_mailbox[i], "i", id);
	return err;
}

enum store_err
mailbox_load_keywords(struct index *ix, int64_t id, struct keywords *out)
{
	enum store_err err = STORE_OK;
	sqlite3_stmt *st;

	*out = (struct keywords){ 0 };
	st = index_query(ix, SQL_KEYWORDS, "i", id);
	while (index_step(ix, st, &err) > 0)
		keywords_set(out, (size_t)sqlite3_column_int64(st, 0),
		    index_column(st, 1));
	return err;
}

/* ---- importing ----------------------------------------------------------- */

static enum store_err
next_uidvalidity(struct store_user *u, struct index *ix, uint32_t *out)
{
	sqlite3_stmt *st = index_query(ix, SQL_UIDVALIDITY_MAX, "");
	enum store_err err = STORE_OK;
	uint32_t floor = 0;

	if (index_step(ix, st, &err) > 0) {
		floor = (uint32_t)sqlite3_column_int64(st, 0);
		index_done(st);
	}
	return err != STORE_OK ? err :
	    folder_new_uidvalidity(u->root, floor, out);
}

/*
 * If another row has the folder's GUID: either its directory was renamed (by a
 * rename cut short, or by hand), then *row is that row; or the directory was
 * copied, then the copy gets an identity of its own.
 */
static enum store_err
import_known(struct store_user *u, struct index *ix, struct folder *f,
    struct slice name, struct mailbox_row *row, bool *renamed)
{
	enum store_err err;
	char *dir;

	*renamed = false;
	err = mailbox_row_by_guid(ix, slice_str(f->guid), row);
	if (err == STORE_NO_MAILBOX)
		return STORE_OK;
	if (err != STORE_OK)
		return err;
	dir = mailbox_dir(u, slice_str(row->name));
	if (maildir_exists(dir)) {
		uint32_t was = f->uidvalidity;
		char *copy = mailbox_dir(u, name);

		folder_new_guid(f->guid);
		err = next_uidvalidity(u, ix, &f->uidvalidity);
		if (err == STORE_OK)
			err = keyfile_restamp(copy, was, f->uidvalidity);
		mem_free(copy);
	} else {
		*renamed = true;
		err = index_exec(ix, SQL_MAILBOX_NAME, "is", row->id, name);
		snprintf(row->name, sizeof(row->name), "%.*s",
		    SLICE_ARG(name));
	}
	mem_free(dir);
	return err;
}

/* Fills f from the folder's files, or makes it up for a new one. */
static enum store_err
import_folder(struct store_user *u, struct index *ix, const char *dir,
    struct folder *f)
{
	struct folder ours;
	int r = folder_read(dir, &ours);

	if (r == -1)
		return store_errno("read", dir);
	*f = ours;
	if (r == 1 && !ours.takeover)
		return STORE_OK;
	/* Dovecot's, also if it has the folder back since we had it. */
	if (r == 0)
		ours = (struct folder){ 0 };
	r = takeover_read(dir, f);
	if (r == -1)
		return STORE_IO;
	if (r == 0 && ours.takeover) {
		*f = ours;
		return STORE_OK;
	}
	f->takeover = r == 1;
	memcpy(f->special, ours.special, sizeof(f->special));
	if (f->guid[0] == '\0')
		folder_new_guid(f->guid);
	return f->uidvalidity != 0 ? STORE_OK :
	    next_uidvalidity(u, ix, &f->uidvalidity);
}

/*
 * In a transaction: the row for a directory that has none. made: it is being
 * created, with this special use or none ("").
 */
static enum store_err
import(struct store_user *u, struct index *ix, struct slice name,
    const char *dir, const char *made, struct mailbox_row *row)
{
	const struct store_special *special =
	    mailbox_special(u->store, name);
	const char *use = special != NULL ? special->use : NULL;
	struct keywords k = { 0 };
	struct folder f;
	bool renamed = false;
	enum store_err err;

	err = import_folder(u, ix, dir, &f);
	if (err == STORE_OK)
		err = import_known(u, ix, &f, name, row, &renamed);
	if (err != STORE_OK || renamed)
		return err;
	if (made != NULL)
		snprintf(f.special, sizeof(f.special), "%s", made);
	if (f.special[0] != '\0')
		use = f.special;
	err = folder_write(dir, &f);
	if (err == STORE_OK)
		err = index_exec(ix, SQL_MAILBOX_ADD,
		    "ssbiiii", name, slice_str(f.guid), slice_str(use),
		    (int64_t)f.uidvalidity, (int64_t)1, (int64_t)f.reserved,
		    mailbox_clock_modseq());
	if (err == STORE_OK)
		err = mailbox_row_by_name(ix, name, row);
	if (err == STORE_OK && keywords_read(&k, dir) == -1)
		err = STORE_DENIED;
	for (size_t i = 0; err == STORE_OK && i < k.n; i++)
		if (k.names[i] != NULL)
			err = index_exec(ix, SQL_KEYWORD_ADD, "iis", row->id,
			    (int64_t)i, slice_str(k.names[i]));
	keywords_release(&k);
	if (err == STORE_OK)
		maildir_sweep_tmp(dir);
	return err;
}

/* True if the directory changed and is now another folder's (by its file). */
static bool
is_other_folder(struct store_user *u, const char *dir,
    const struct mailbox_row *row)
{
	struct folder f;
	bool gone;

	return mailbox_is_stale(u, dir, row, false, &gone) &&
	    folder_read(dir, &f) == 1 && (strcmp(f.guid, row->guid) != 0 ||
	    f.uidvalidity != row->uidvalidity);
}

/* Makes the directory if it may be made, drops the row of a vanished one. */
static enum store_err
find_slow(struct store_user *u, struct index *ix, struct slice name,
    bool create, const char *use, struct mailbox_row *row)
{
	char *dir = mailbox_dir(u, name);
	bool is_root = slice_eq(name, S("INBOX"));
	bool there = maildir_exists(dir);
	enum store_err err;

	err = index_begin(ix);
	if (err != STORE_OK)
		goto out;
	err = mailbox_row_by_name(ix, name, row);
	if (err == STORE_OK && (!there || is_other_folder(u, dir, row)))
		err = mailbox_forget(ix, row->id);
	else if (err == STORE_OK)
		goto commit;
	if (err != STORE_OK && err != STORE_NO_MAILBOX)
		goto out;
	err = STORE_OK;
	if (!there && !create && !is_root)
		err = STORE_NO_MAILBOX;
	else if (!there && maildir_prepare(dir, is_root) == -1)
		err = store_errno("mkdir", dir);
	else
		err = import(u, ix, name, dir, there ? NULL : use, row);
	/* A folder from here on, and one that knows what it is. */
	if (err == STORE_OK && !there && maildir_make(dir, is_root) == -1)
		err = store_errno("mkdir", dir);
commit:
	if (err == STORE_OK || err == STORE_NO_MAILBOX) {
		enum store_err end = index_commit(ix);

		if (end != STORE_OK)
			err = end;
	}
out:
	index_rollback(ix);
	mem_free(dir);
	return err;
}

static enum store_err
find(struct store_user *u, struct index *ix, struct slice name, bool create,
    const char *use, struct mailbox_row *row)
{
	const struct store_special *special;
	char *copy = slice_dup(name);
	char *dir = mailbox_dir(u, slice_str(copy));
	enum store_err err;
	bool there = maildir_exists(dir);

	err = mailbox_row_by_name(ix, slice_str(copy), row);
	if (err == STORE_NO_MAILBOX || (err == STORE_OK &&
	    (!there || is_other_folder(u, dir, row)))) {
		special = mailbox_special(u->store, slice_str(copy));
		if (special != NULL && !special->automatic)
			special = NULL;
		err = find_slow(u, ix, slice_str(copy),
		    create || special != NULL, use, row);
		if (err == STORE_OK && !there && special != NULL)
			err = subscription_set(u, slice_str(copy), true);
	}
	mem_free(dir);
	mem_free(copy);
	return err;
}

enum store_err
mailbox_find(struct store_user *u, struct index *ix, struct slice name,
    bool create, struct mailbox_row *row)
{
	return find(u, ix, name, create, "", row);
}

enum store_err
mailbox_create(struct store_user *u, struct index *ix, struct slice name,
    const char *use)
{
	struct mailbox_row row;

	return find(u, ix, name, true, use != NULL ? use : "", &row);
}

/* ---- handles ------------------------------------------------------------- */

static struct store_mailbox *
handle_new(struct store_user *u, const struct mailbox_row *row)
{
	struct store_mailbox *m = mem_zero(sizeof(*m));

	m->user = u;
	m->id = row->id;
	m->name = mem_str(row->name);
	return m;
}

enum store_err
store_mailbox_open(struct store_user *u, struct slice name, bool create,
    struct store_mailbox **out)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err;

	err = mailbox_name(name, &name);
	if (err == STORE_OK)
		err = index_take(u, &ix);
	if (err != STORE_OK)
		return err;
	err = mailbox_find(u, ix, name, create, &row);
	index_give(u, ix);
	if (err == STORE_OK)
		*out = handle_new(u, &row);
	return err;
}

enum store_err
mailbox_open_id(struct store_user *u, int64_t id, struct store_mailbox **out)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = index_take(u, &ix);

	if (err != STORE_OK)
		return err;
	err = mailbox_row_get(ix, id, &row);
	index_give(u, ix);
	if (err == STORE_OK)
		*out = handle_new(u, &row);
	return err;
}

struct store_user *
store_mailbox_user(const struct store_mailbox *m)
{
	return m->user;
}

bool
store_mailbox_exists(struct store_user *u, struct slice name)
{
	char *dir;
	bool there;

	if (mailbox_name(name, &name) != STORE_OK)
		return false;
	dir = mailbox_dir(u, name);
	there = maildir_exists(dir);
	mem_free(dir);
	return there;
}

void
store_mailbox_close(struct store_mailbox *m)
{
	if (m == NULL)
		return;
	keywords_release(&m->keywords);
	mem_free(m->names);
	mem_free(m->name);
	mem_free(m);
}

const char *
store_mailbox_name(const struct store_mailbox *m)
{
	return m->name;
}

enum store_err
store_mailbox_sync(struct store_mailbox *m)
{
	struct mailbox_row row;
	struct mailbox_txn t;
	struct index *ix;
	enum store_err err;
	char *dir;
	bool stale, gone;

	err = index_take(m->user, &ix);
	if (err != STORE_OK)
		return err;
	err = mailbox_row_get(ix, m->id, &row);
	index_give(m->user, ix);
	if (err != STORE_OK)
		return err;
	dir = mailbox_dir(m->user, slice_str(row.name));
	stale = mailbox_is_stale(m->user, dir, &row, true, &gone);
	mem_free(dir);
	if (strcmp(m->name, row.name) != 0) {
		mem_free(m->name);
		m->name = mem_str(row.name);
	}
	if (gone)
		return STORE_NO_MAILBOX;
	if (!stale)
		return STORE_OK;
	err = mailbox_begin(m, &t);
	if (err != STORE_OK)
		return err;
	return mailbox_end(&t, mailbox_adopt(&t, true));
}

/* The search starts at a mark; if it went far, the mark is moved. */
static enum store_err
first_unseen(struct index *ix, const struct mailbox_row *row, uint32_t *out)
{
	enum store_err err = STORE_OK;
	sqlite3_stmt *st;

	st = index_query(ix, SQL_MESSAGE_FIRST_UNSEEN, "ii",
	    index_key(row->id, row->unseen_from),
	    index_key(row->id, UINT32_MAX));
	if (index_step(ix, st, &err) <= 0)
		return err;
	*out = (uint32_t)sqlite3_column_int64(st, 0);
	index_done(st);
	if (*out - row->unseen_from < 1000 || index_begin(ix) != STORE_OK)
		return STORE_OK;
	/* Unless something changed meanwhile. It only saves time. */
	if (index_exec(ix, SQL_MAILBOX_UNSEEN_FROM, "iii", row->id,
	    (int64_t)row->modseq, (int64_t)*out) == STORE_OK)
		index_commit(ix);
	index_rollback(ix);
	return STORE_OK;
}

static enum store_err
status_fill(struct index *ix, const struct mailbox_row *row,
    struct store_status *out)
{
	struct present_list recent = { 0 };
	enum store_err err = STORE_OK;

	*out = (struct store_status){
		.messages = row->messages,
		.unseen = row->unseen,
		.deleted = row->deleted,
		.deleted_size = row->deleted_bytes,
		.uidnext = row->uidnext,
		.uidvalidity = row->uidvalidity,
		.size = row->bytes,
		.highestmodseq = row->modseq,
	};
	memcpy(out->guid, row->guid, sizeof(out->guid));
	if (row->recent_from < row->uidnext) {
		err = present_read(ix, row->id, row->recent_from,
		    STORE_UID_MAX, &recent);
		out->recent = (uint32_t)recent.n;
		mem_free(recent.uids);
	}
	if (row->unseen > 0 && err == STORE_OK)
		err = first_unseen(ix, row, &out->first_unseen);
	return err;
}

enum store_err
store_mailbox_status(struct store_mailbox *m, struct store_status *out)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = index_take(m->user, &ix);

	if (err != STORE_OK)
		return err;
	err = mailbox_row_get(ix, m->id, &row);
	if (err == STORE_OK)
		err = status_fill(ix, &row, out);
	index_give(m->user, ix);
	return err;
}

enum store_err
store_status(struct store_user *u, struct slice name,
    struct store_status *out)
{
	struct store_mailbox *m;
	enum store_err err = store_mailbox_open(u, name, false, &m);

	if (err != STORE_OK)
		return err;
	err = store_mailbox_sync(m);
	if (err == STORE_OK)
		err = store_mailbox_status(m, out);
	store_mailbox_close(m);
	return err;
}

enum store_err
store_mailbox_modseq(struct store_mailbox *m, uint64_t *out)
{
	struct index *ix;
	enum store_err err = index_take(m->user, &ix);
	sqlite3_stmt *st;
	int r;

	if (err != STORE_OK)
		return err;
	st = index_query(ix, SQL_MAILBOX_MODSEQ, "i", m->id);
	r = index_step(ix, st, &err);
	if (r == 0)
		err = STORE_NO_MAILBOX;
	if (r > 0) {
		*out = (uint64_t)sqlite3_column_int64(st, 0);
		index_done(st);
	}
	index_give(m->user, ix);
	return err;
}

enum store_err
store_modseqs(struct store_user *u,
    void (*fn)(void *ctx, struct slice name, uint64_t modseq), void *ctx)
{
	struct index *ix;
	enum store_err err = index_take(u, &ix);
	sqlite3_stmt *st;

	if (err != STORE_OK)
		return err;
	st = index_query(ix, SQL_MAILBOX_MODSEQS, "");
	while (index_step(ix, st, &err) > 0)
		fn(ctx, index_column(st, 0),
		    (uint64_t)sqlite3_column_int64(st, 1));
	index_give(u, ix);
	return err;
}

/* Moves the files of new/ to cur/, as a program that shows them does. */
static enum store_err
new_to_cur(struct mailbox_txn *t)
{
	int64_t first = index_key(t->row.id, t->row.new_from);
	int64_t last = index_key(t->row.id, UINT32_MAX);
	uint32_t left = t->row.uidnext;
	struct buf from = BUF_INIT(PATH_MAX), to = BUF_INIT(PATH_MAX);
	enum store_err err = STORE_OK;
	struct message msg;
	sqlite3_stmt *st;

	while (err == STORE_OK) {
		st = index_query(t->ix, SQL_MESSAGE_NEW, "ii", first, last);
		if (index_step(t->ix, st, &err) <= 0)
			break;
		message_read(st, &msg);
		buf_clear(&from);
		buf_clear(&to);
		maildir_path(&from, t->dir, MAILDIR_NEW, msg.base, 0);
		maildir_path(&to, t->dir, MAILDIR_CUR, msg.base,
		    message_letters(msg.flags, msg.keywords));
		first = index_key(t->row.id, msg.uid) + 1;
		t->touched[MAILDIR_CUR] = t->touched[MAILDIR_NEW] = true;
		/* Gone, or with letters in new/: the next look settles it. */
		if (rename(buf_str(&from), buf_str(&to)) == 0)
			err = index_exec(t->ix, SQL_MESSAGE_PLACE, "iis",
			    index_key(t->row.id, msg.uid), (int64_t)MAILDIR_CUR,
			    msg.base);
		else if (errno != ENOENT)
			err = store_errno("rename", buf_str(&from));
		else if (msg.uid < left)
			left = msg.uid;
		index_done(st);
	}
	if (err == STORE_OK)
		t->row.new_from = left;
	buf_release(&from);
	buf_release(&to);
	return err;
}

enum store_err
store_mailbox_recent(struct store_mailbox *m, bool take, uint32_t *from,
    uint32_t *to)
{
	struct mailbox_row row;
	struct mailbox_txn t;
	struct index *ix;
	enum store_err err = index_take(m->user, &ix);

	if (err != STORE_OK)
		return err;
	err = mailbox_row_get(ix, m->id, &row);
	index_give(m->user, ix);
	if (err != STORE_OK)
		return err;
	*from = row.recent_from;
	*to = row.uidnext;
	if (!take || row.recent_from == row.uidnext)
		return STORE_OK;
	err = mailbox_begin(m, &t);
	if (err != STORE_OK)
		return err;
	*from = t.row.recent_from;
	*to = t.row.recent_from = t.row.uidnext;
	return mailbox_end(&t, new_to_cur(&t));
}

enum store_err
store_mailbox_keywords(struct store_mailbox *m, const char *const **names,
    size_t *n)
{
	struct index *ix;
	enum store_err err = index_take(m->user, &ix);

	if (err != STORE_OK)
		return err;
	keywords_release(&m->keywords);
	err = mailbox_load_keywords(ix, m->id, &m->keywords);
	index_give(m->user, ix);
	if (err != STORE_OK)
		return err;
	m->names = mem_grow(m->names, m->keywords.n + 1, sizeof(*m->names));
	m->n_names = 0;
	for (size_t i = 0; i < m->keywords.n; i++)
		if (m->keywords.names[i] != NULL)
			m->names[m->n_names++] = m->keywords.names[i];
	if (keywords_find(&m->keywords, S("$Forwarded")) < 0)
		m->names[m->n_names++] = "$Forwarded";
	*names = m->names;
	*n = m->n_names;
	return STORE_OK;
}
