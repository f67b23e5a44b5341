/* Writing Dovecot's files from ours (dms-compat 5.4). */
#include "store/migrate.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "core/file.h"
#include "store/folder.h"
#include "store/mailbox.h"

#define UIDLIST_MAX ((size_t)256 << 20)

/* What the old dovecot-uidlist says of a UID. */
struct before {
	struct slice base;
	struct slice fields;
};

struct giveback {
	struct mailbox_txn *t;
	struct migrate_back *out;
	struct buf text;      /* the new dovecot-uidlist */
	struct buf old;
	struct idmap by_uid;  /* struct before */
	struct arena arena;
	int forwarded;        /* number of $Forwarded, or -1 */
};

/* ---- records ------------------------------------------------------------- */

/* POP3's UIDL and order, and what else Dovecot noted, are kept. */
static void
read_old(struct giveback *g)
{
	struct uidlist_record record;
	struct folder header;
	struct slice rest;
	int r = uidlist_load(g->t->dir, &g->old);

	rest = buf_slice(&g->old);
	if (r != 1 || !uidlist_header(&rest, &header) ||
	    header.uidvalidity != g->t->row.uidvalidity)
		return;
	while (uidlist_next(&rest, &record, NULL)) {
		struct before *b;

		if (idmap_get(&g->by_uid, record.uid) != NULL)
			continue;
		b = arena_alloc(&g->arena, sizeof(*b));
		b->base = record.base;
		b->fields = record.fields;
		idmap_put(&g->by_uid, record.uid, b);
	}
}

static void
put_record(struct giveback *g, const struct message *msg)
{
	const struct before *b = idmap_get(&g->by_uid, msg->uid);
	struct slice fields = b != NULL ? b->fields : S(""), field;
	struct maildir_name name;
	bool guid = false;

	maildir_name_parse(msg->base, &name);
	buf_addf(&g->text, "%u", msg->uid);
	while (slice_word(&fields, &field)) {
		guid |= field.p[0] == 'G';
		if (field.p[0] == 'S' || field.p[0] == 'W')
			continue;
		buf_addc(&g->text, ' ');
		buf_add_slice(&g->text, field);
	}
	/* The GUID is the base name, unless told: it had another before. */
	if (b != NULL && !guid && !slice_eq(b->base, msg->base) &&
	    slice_find(b->base, ' ') < 0) {
		buf_adds(&g->text, " G");
		buf_add_slice(&g->text, b->base);
	}
	if (name.size < 0)
		buf_addf(&g->text, " S%llu", (unsigned long long)msg->size);
	if (name.vsize < 0)
		buf_addf(&g->text, " W%llu", (unsigned long long)msg->vsize);
	buf_adds(&g->text, " :");
	buf_add_slice(&g->text, msg->base);
	buf_addc(&g->text, '\n');
	g->out->messages++;
}

/*
 * We mark forwarded messages with P, Dovecot with the letter of a keyword.
 * bitmap holds the message's keywords from then on.
 */
static enum store_err
give_letter(struct giveback *g, struct message *msg, struct buf *bitmap)
{
	struct buf from = BUF_INIT(PATH_MAX), to = BUF_INIT(PATH_MAX);
	enum store_err err = STORE_OK;

	if (g->forwarded < 0)
		err = mailbox_keyword(g->t, S("$Forwarded"), true,
		    &g->forwarded);
	if (err != STORE_OK || g->forwarded >= MAILDIR_LETTERS ||
	    keyword_bit(msg->keywords, (size_t)g->forwarded))
		return err;
	message_path(&from, g->t->dir, msg);
	buf_add_slice(bitmap, msg->keywords);
	keyword_set(bitmap, (size_t)g->forwarded, true);
	msg->keywords = buf_slice(bitmap);
	message_path(&to, g->t->dir, msg);
	g->t->touched[msg->place] = true;
	if (rename(buf_str(&from), buf_str(&to)) == -1 && errno != ENOENT)
		err = store_errno("rename", buf_str(&from));
	buf_release(&from);
	buf_release(&to);
	return err;
}

static void
count_lost(struct giveback *g, struct slice keywords)
{
	for (size_t n = MAILDIR_LETTERS; n < keywords.n * 8; n++)
		if (keyword_bit(keywords, n)) {
			g->out->keywords_lost++;
			return;
		}
}

static enum store_err
put_messages(struct giveback *g)
{
	int64_t id = g->t->row.id;
	struct index *ix = g->t->ix;
	enum store_err err = STORE_OK;
	sqlite3_stmt *st;

	st = index_query(ix, SQL_MESSAGE_RANGE, "ii", index_key(id, 0),
	    index_key(id, UINT32_MAX));
	while (err == STORE_OK && index_step(ix, st, &err) > 0) {
		struct buf bitmap = BUF_INIT(KEYWORD_BYTES);
		struct message msg;

		message_read(st, &msg);
		put_record(g, &msg);
		count_lost(g, msg.keywords);
		if (msg.flags & MAILDIR_PASSED)
			err = give_letter(g, &msg, &bitmap);
		buf_release(&bitmap);
	}
	index_done(st);
	return err;
}

/* ---- files --------------------------------------------------------------- */

static enum store_err
replace(const char *dir, const char *file, struct slice text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return file_replace(path, text, 0600) == 0 ? STORE_OK :
	    store_errno("write", path);
}

/* Removes the files of dir whose names start so. */
static enum store_err
remove_files(const char *dir, const char *const *starts, size_t n)
{
	enum store_err err = STORE_OK;
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		return store_errno("list", dir);
	while (err == STORE_OK && (e = readdir(d)) != NULL)
		for (size_t i = 0; i < n; i++)
			if (slice_starts(slice_str(e->d_name),
			    slice_str(starts[i])) &&
			    unlinkat(dirfd(d), e->d_name, 0) == -1 &&
			    errno != ENOENT)
				err = store_errno("remove", e->d_name);
	closedir(d);
	return err;
}

static const char *const stale[] = { "dovecot.index", "dovecot.list.index",
	"dovecot.mailbox.log", "dovecot-uidlist.lock", "dovecot-uidvalidity.",
	"maildirsize" };

static enum store_err
give_folder(struct giveback *g)
{
	struct mailbox_txn *t = g->t;
	struct folder f;
	enum store_err err;

	read_old(g);
	g->forwarded = keywords_find(&t->keywords, S("$Forwarded"));
	buf_addf(&g->text, "3 V%u N%u G%s\n", t->row.uidvalidity,
	    t->row.uidnext, t->row.guid);
	err = put_messages(g);
	if (err == STORE_OK && !buf_ok(&g->text))
		err = STORE_LIMIT;
	if (err == STORE_OK)
		err = keywords_write(&t->keywords, t->dir);
	if (err == STORE_OK)
		err = remove_files(t->dir, stale, LEN(stale));
	if (err == STORE_OK)
		err = mailbox_sync_dirs(t->user, t->dir, t->touched);
	if (err == STORE_OK)
		err = replace(t->dir, "dovecot-uidlist", buf_slice(&g->text));
	/* From here on Dovecot's file is the truth for us, too. */
	mailbox_folder(t, &f);
	f.takeover = true;
	return err == STORE_OK ? folder_write(t->dir, &f) : err;
}

static enum store_err
give_mailbox(struct store_user *u, const char *name, struct migrate_back *out)
{
	struct giveback g = { .out = out, .text = BUF_INIT(UIDLIST_MAX),
		.arena = ARENA_INIT };
	struct store_mailbox *m;
	struct mailbox_txn t;
	enum store_err err;

	err = store_mailbox_open(u, slice_str(name), false, &m);
	if (err != STORE_OK)
		return err;
	err = store_mailbox_sync(m);
	if (err == STORE_OK)
		err = mailbox_begin(m, &t);
	if (err == STORE_OK) {
		g.t = &t;
		idmap_init(&g.by_uid);
		err = mailbox_end(&t, give_folder(&g));
		idmap_release(&g.by_uid);
		out->folders++;
	}
	buf_release(&g.text);
	buf_release(&g.old);
	arena_release(&g.arena);
	store_mailbox_close(m);
	return err;
}

/* The highest UIDVALIDITY, which Dovecot keeps in a file and a file's name. */
static enum store_err
give_uidvalidity(struct store_user *u)
{
	char path[PATH_MAX];
	struct index *ix;
	sqlite3_stmt *st;
	uint32_t highest = 0;
	enum store_err err = index_take(u, &ix);
	int fd;

	if (err != STORE_OK)
		return err;
	st = index_query(ix, SQL_UIDVALIDITY_MAX, "");
	if (index_step(ix, st, &err) > 0)
		highest = (uint32_t)sqlite3_column_int64(st, 0);
	index_done(st);
	index_give(u, ix);
	if (err == STORE_OK)
		err = folder_new_uidvalidity(u->root, highest, &highest);
	if (err != STORE_OK)
		return err;
	snprintf(path, sizeof(path), "%s/dovecot-uidvalidity.%08x", u->root,
	    highest);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd == -1)
		return store_errno("write", path);
	close(fd);
	return STORE_OK;
}

enum store_err
migrate_back(struct store_user *u, struct migrate_back *out)
{
	static const char *const ours[] = { INDEX_FILE };
	struct store_list list;
	enum store_err err;

	*out = (struct migrate_back){ 0 };
	if (!maildir_exists(u->root))
		return STORE_NO_MAILBOX;
	err = store_list(u, &list);
	if (err != STORE_OK)
		return err;
	for (size_t i = 0; err == STORE_OK && i < list.n; i++)
		if ((list.entries[i].attributes &
		    (STORE_NOSELECT | STORE_VIRTUAL)) == 0)
			err = give_mailbox(u, list.entries[i].name, out);
	store_list_release(&list);
	if (err == STORE_OK)
		err = give_uidvalidity(u);
	if (err == STORE_OK)
		err = remove_files(u->root, ours, LEN(ours));
	if (err == STORE_OK && file_sync_dir(u->root) == -1)
		err = store_errno("sync", u->root);
	return err;
}
