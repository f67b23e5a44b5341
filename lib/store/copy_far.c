/*
 * COPY and MOVE from one user's mailbox to another's. There are two indexes, so
 * the target's side is an APPEND of files that exist already: they get a second
 * name in its tmp/, or are copied where links are not to be had, and one
 * transaction takes them in. Only when they are durable there are the sources
 * of a move removed.
 */
#include "store/mailbox.h"

#include <limits.h>

struct far {
	struct store_mailbox *from;
	const struct store_target *to;
	struct store_append *append;
	struct store_copied *out;
	struct index *ix;      /* of the source, while files are linked */
	struct keywords names; /* of the source */
	char *dir;
};

/* The file of the message under a second name; found if another program
 * renamed it. -1 with errno. */
static int
link_message(const struct far *f, const struct message *msg, const char *tmp)
{
	struct buf path = BUF_INIT(PATH_MAX);
	int r, saved;

	message_path(&path, f->dir, msg);
	r = copy_file(buf_str(&path), tmp);
	if (r == -1 && errno == ENOENT) {
		buf_clear(&path);
		if (message_search(&path, f->dir, msg->base))
			r = copy_file(buf_str(&path), tmp);
		else
			errno = ENOENT;
	}
	saved = errno;
	buf_release(&path);
	errno = saved;
	return r;
}

static size_t
take_keywords(const struct far *f, const struct message *msg,
    struct slice *out)
{
	size_t n = 0;

	for (size_t i = 0; f->to->keywords && i < f->names.n; i++)
		if (f->names.names[i] != NULL && keyword_bit(msg->keywords, i))
			out[n++] = slice_str(f->names.names[i]);
	return n;
}

static enum store_err
add_message(struct far *f, const struct message *msg)
{
	struct slice keywords[LIMIT_KEYWORDS];
	struct append_file file = { .tmp = append_tmp(f->append),
		.flags = msg->flags & (f->to->flags & STORE_FLAGS),
		.keywords = keywords, .date = msg->date, .size = msg->size,
		.vsize = msg->vsize };

	if (file.tmp == NULL)
		return STORE_NAME;
	if (f->to->keywords)
		file.flags |= msg->flags & MAILDIR_PASSED;
	if (link_message(f, msg, file.tmp) == -1) {
		enum store_err err = errno == ENOENT ? STORE_NO_MESSAGE :
		    store_errno("link", file.tmp);

		mem_free(file.tmp);
		return err;
	}
	file.n_keywords = take_keywords(f, msg, keywords);
	return append_file(f->append, &file);
}

static enum store_err
add_messages(struct far *f, const struct store_set *set)
{
	struct store_copied *out = f->out;
	enum store_err err;

	err = message_select(f->ix, f->from->id, set, 0, &out->from,
	    &out->n);
	if (err == STORE_OK)
		err = mailbox_load_keywords(f->ix, f->from->id, &f->names);
	for (size_t i = 0; err == STORE_OK && i < out->n; i++) {
		struct message msg;
		sqlite3_stmt *st = NULL;

		err = message_get(f->ix, f->from->id, out->from[i], &st, &msg);
		if (err == STORE_OK)
			err = add_message(f, &msg);
		index_done(st);
	}
	return err;
}

/* Links all files, with the source's index as it is now. */
static enum store_err
link_all(struct far *f, const struct store_set *set)
{
	struct mailbox_row row;
	enum store_err err = index_take(f->from->user, &f->ix);

	if (err != STORE_OK)
		return err;
	err = mailbox_row_get(f->ix, f->from->id, &row);
	if (err == STORE_OK) {
		f->dir = mailbox_dir(f->from->user, slice_str(row.name));
		err = add_messages(f, set);
	}
	index_give(f->from->user, f->ix);
	keywords_release(&f->names);
	mem_free(f->dir);
	return err;
}

static enum store_err
commit(struct far *f)
{
	struct store_copied *out = f->out;
	struct store_appended done;
	enum store_err err = store_append_commit(f->append, &done);

	f->append = NULL;
	if (err != STORE_OK)
		return err;
	out->uidvalidity = done.uidvalidity;
	out->to = mem_array(out->n, sizeof(*out->to));
	for (size_t i = 0; i < out->n; i++)
		out->to[i] = done.first_uid + (uint32_t)i;
	return STORE_OK;
}

/* What was copied goes; what changed meanwhile goes too, as in a MOVE. */
static enum store_err
remove_sources(const struct far *f)
{
	struct store_set set = STORE_SET_INIT;
	enum store_err err;

	for (size_t i = 0; i < f->out->n; i++)
		store_set_add(&set, f->out->from[i], f->out->from[i]);
	err = store_expunge(f->from, &set, false, NULL, NULL);
	store_set_release(&set);
	return err;
}

enum store_err
copy_far(struct store_mailbox *m, const struct store_set *set,
    const struct store_target *to, bool move, struct store_copied *out)
{
	struct far f = { .from = m, .to = to, .out = out };
	enum store_err err;

	/* What other programs did is in the index first. */
	err = store_mailbox_sync(m);
	if (err == STORE_OK)
		err = store_append_begin(to->user, to->name, false,
		    &f.append);
	if (err != STORE_OK)
		return err;
	err = link_all(&f, set);
	if (err == STORE_OK && out->n > 0)
		err = commit(&f);
	store_append_abort(f.append);
	if (err == STORE_OK && move && out->n > 0)
		err = remove_sources(&f);
	if (err != STORE_OK)
		store_copied_release(out);
	return err;
}
