#include "store/metadata.h"

#include <limits.h>

#include "core/base64.h"
#include "core/file.h"
#include "core/log.h"
#include "store/mailbox.h"

#define HEADER "pillarbox-metadata 1"
/* INBOX's folder is the root, so the server's file has another name. */
#define FILE_MAILBOX "pillarbox-metadata"
#define FILE_SERVER "pillarbox-metadata-server"

/* ---- the file ------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct store_entry *x = a, *y = b;

	return slice_cmp(x->name, y->name);
}

const struct store_entry *
store_metadata_find(const struct store_metadata *m, struct slice name)
{
	struct store_entry key = { .name = name };

	return m->n == 0 ? NULL : bsearch(&key, m->entries, m->n,
	    sizeof(key), by_name);
}

/* As the callers give them (RFC 5464 3.2); no line end hides in one. */
static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] > '~')
			return false;
	return name.n > 0 && name.n <= LIMIT_METADATA_NAME;
}

static bool
parse_line(struct slice line, struct store_metadata *out)
{
	struct store_entry *e = &out->entries[out->n];
	struct buf value = BUF_INIT(LIMIT_METADATA_VALUE);
	struct slice coded;
	bool ok;

	ok = slice_split(&line, ' ', &coded) && is_name(line) &&
	    base64_decode(&value, coded) == 0 && buf_ok(&value);
	if (ok) {
		e->name = arena_slice(&out->arena, line);
		e->value = arena_slice(&out->arena, buf_slice(&value));
		out->n++;
	}
	buf_release(&value);
	return ok;
}

/* Two lines of one name: the first counts. */
static void
drop_doubles(struct store_metadata *m)
{
	size_t kept = 0;

	qsort(m->entries, m->n, sizeof(*m->entries), by_name);
	for (size_t i = 0; i < m->n; i++)
		if (kept == 0 || !slice_eq(m->entries[kept - 1].name,
		    m->entries[i].name))
			m->entries[kept++] = m->entries[i];
	m->n = kept;
}

bool
store_metadata_parse(struct slice text, struct store_metadata *out)
{
	struct slice line;
	bool whole;

	*out = (struct store_metadata){ 0 };
	out->entries = arena_array(&out->arena, LIMIT_METADATA_ENTRIES,
	    sizeof(*out->entries));
	whole = slice_line(&text, &line) && slice_eq(line, S(HEADER));
	while (whole && slice_line(&text, &line)) {
		if (out->n == LIMIT_METADATA_ENTRIES)
			whole = false;
		else if (!parse_line(line, out))
			whole = false;
	}
	drop_doubles(out);
	return whole;
}

void
store_metadata_format(const struct store_metadata *m, struct buf *out)
{
	buf_adds(out, HEADER "\n");
	for (size_t i = 0; i < m->n; i++) {
		base64_encode(out, m->entries[i].value);
		buf_addc(out, ' ');
		buf_add_slice(out, m->entries[i].name);
		buf_addc(out, '\n');
	}
}

/* ---- where it is ---------------------------------------------------------- */

static enum store_err
find_file(const struct store_user *u, struct slice name, char path[PATH_MAX])
{
	enum store_err err;
	char *dir;

	if (name.n == 0) {
		snprintf(path, PATH_MAX, "%s/" FILE_SERVER, u->root);
		return STORE_OK;
	}
	err = mailbox_name(name, &name);
	if (err != STORE_OK)
		return err;
	dir = mailbox_dir(u, name);
	snprintf(path, PATH_MAX, "%s/" FILE_MAILBOX, dir);
	/* A mailbox that is made on first use has no annotations yet. */
	if (!maildir_exists(dir) && !slice_eq(name, S("INBOX")) &&
	    mailbox_special(u->store, name) == NULL)
		err = STORE_NO_MAILBOX;
	mem_free(dir);
	return err;
}

/* Makes what is made on first use. */
static enum store_err
make_folder(struct store_user *u, struct slice name)
{
	struct store_mailbox *m = NULL;
	enum store_err err =
	    store_mailbox_open(u, name.n > 0 ? name : S("INBOX"), false, &m);

	store_mailbox_close(m);
	return err;
}

static enum store_err
load(const char *path, struct store_metadata *out)
{
	struct buf text = BUF_INIT(LIMIT_METADATA_BYTES);
	enum store_err err = STORE_OK;
	struct log_line line;

	if (maildir_read(path, &text) == -1) {
		*out = (struct store_metadata){ 0 };
		if (errno != ENOENT)
			err = store_errno("read", path);
	} else if (!store_metadata_parse(buf_slice(&text), out)) {
		/* What could be read of it is of use. */
		log_begin(&line, LOG_WARN, "folder-file-damaged");
		log_str(&line, "path", path);
		log_end(&line);
	}
	buf_release(&text);
	return err;
}

enum store_err
store_metadata_read(struct store_user *u, struct slice name,
    struct store_metadata *out)
{
	char path[PATH_MAX];
	enum store_err err = find_file(u, name, path);

	*out = (struct store_metadata){ 0 };
	return err == STORE_OK ? load(path, out) : err;
}

void
store_metadata_release(struct store_metadata *m)
{
	arena_release(&m->arena);
	*m = (struct store_metadata){ 0 };
}

/* ---- changes -------------------------------------------------------------- */

static bool
names(const struct store_entry *e, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(e[i].name, name))
			return true;
	return false;
}

/*
 * The entries of old that stay, and those of changes that are set. Of two
 * changes of one name the last counts.
 */
static enum store_err
merge(const struct store_metadata *old, const struct store_entry *changes,
    size_t n, struct store_metadata *out)
{
	out->entries = arena_array(&out->arena, old->n + n + 1,
	    sizeof(*out->entries));
	for (size_t i = 0; i < old->n; i++)
		if (!names(changes, n, old->entries[i].name))
			out->entries[out->n++] = old->entries[i];
	for (size_t i = 0; i < n; i++)
		if (!changes[i].nil &&
		    !names(changes + i + 1, n - i - 1, changes[i].name))
			out->entries[out->n++] = changes[i];
	qsort(out->entries, out->n, sizeof(*out->entries), by_name);
	return out->n <= LIMIT_METADATA_ENTRIES ? STORE_OK : STORE_LIMIT;
}

static enum store_err
replace(const char *path, const struct store_metadata *m)
{
	struct buf text = BUF_INIT(LIMIT_METADATA_BYTES);
	enum store_err err = STORE_OK;

	store_metadata_format(m, &text);
	if (!buf_ok(&text))
		err = STORE_LIMIT;
	else if (file_replace(path, buf_slice(&text), 0600) == -1)
		/* The folder was renamed or deleted just now. */
		err = errno == ENOENT ? STORE_NO_MAILBOX :
		    store_errno("write", path);
	buf_release(&text);
	return err;
}

enum store_err
store_metadata_change(struct store_user *u, struct slice name,
    const struct store_entry *changes, size_t n)
{
	struct store_metadata old = { 0 }, new = { 0 };
	char path[PATH_MAX];
	enum store_err err = make_folder(u, name);
	int lock;

	if (err == STORE_OK)
		err = find_file(u, name, path);
	if (err != STORE_OK)
		return err;
	lock = index_lock_root(u->root);
	if (lock == -1)
		return store_errno("lock", u->root);
	err = load(path, &old);
	if (err == STORE_OK)
		err = merge(&old, changes, n, &new);
	if (err == STORE_OK)
		err = replace(path, &new);
	close(lock);
	store_metadata_release(&old);
	arena_release(&new.arena);
	return err;
}
