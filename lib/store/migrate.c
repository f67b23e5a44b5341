#include "store/migrate.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "core/file.h"
#include "store/body.h"
#include "store/folder.h"
#include "store/mailbox.h"

struct check {
	const char *dir;
	struct maildir_listing files;
	struct keywords keywords;
	struct migrate_folder out;
};

/* ---- messages ------------------------------------------------------------ */

static void
look_into(struct check *c, const char *path)
{
	char head[16];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd != -1) {
		n = read(fd, head, sizeof(head));
		close(fd);
	}
	if (n == -1) {
		c->out.unreadable += errno != ENOENT;
		return;
	}
	switch (body_kind(slice_of(head, (size_t)n))) {
	case BODY_PLAIN:
		break;
	case BODY_GZIP:
	case BODY_ZSTD:
		c->out.compressed++;
		break;
	case BODY_ENCRYPTED:
		c->out.encrypted++;
		break;
	case BODY_UNKNOWN:
		c->out.unsupported++;
		break;
	}
}

static void
check_file(struct check *c, const struct maildir_file *f)
{
	uint64_t letters = maildir_letters_parse(f->letters);
	struct buf path = BUF_INIT(PATH_MAX);
	struct maildir_name name;
	struct stat st;

	maildir_name_parse(f->base, &name);
	buf_addf(&path, "%s/%s/%.*s", c->dir, maildir_places[f->place],
	    SLICE_ARG(f->name));
	c->out.messages++;
	c->out.with_uid += f->uid != 0;
	if (lstat(buf_str(&path), &st) == 0) {
		c->out.bytes += name.vsize > 0 ? (uint64_t)name.vsize :
		    (uint64_t)st.st_size;
		/* Only a packed file is not of the size in its name. */
		if (name.size != st.st_size || access(buf_str(&path), R_OK))
			look_into(c, buf_str(&path));
	}
	for (size_t i = 0; i < MAILDIR_LETTERS; i++)
		if ((letters & MAILDIR_KEYWORD(i)) != 0 &&
		    (i >= c->keywords.n || c->keywords.names[i] == NULL))
			c->out.nameless_letters++;
	buf_release(&path);
}

/* Everything in a place that is no regular file with a usable name. */
static unsigned
count_odd(const char *dir, const char *place)
{
	char path[PATH_MAX];
	unsigned all = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", dir, place);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		all += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return all;
}

/* ---- folders ------------------------------------------------------------- */

static int
check_uidlist(struct check *c)
{
	struct uidlist_record record;
	struct folder header;
	struct slice rest;
	struct buf text;
	int r = uidlist_load(c->dir, &text);

	rest = buf_slice(&text);
	if (r == 1 && !uidlist_header(&rest, &header)) {
		c->out.damaged_lines++;
		r = 0;
	}
	if (r == 1)
		c->out.uidvalidity = header.uidvalidity;
	while (r == 1 && uidlist_next(&rest, &record, &c->out.damaged_lines)) {
		struct maildir_file *f = maildir_find(&c->files, record.base);

		if (f == NULL)
			c->out.gone++;
		else
			f->uid = record.uid;
	}
	buf_release(&text);
	return r;
}

static void
check_ours(struct check *c)
{
	struct folder ours;

	if (folder_read(c->dir, &ours) != 1 || ours.takeover)
		return;
	c->out.ours = true;
	c->out.uidvalidity = ours.uidvalidity;
}

static void
check_folder(struct check *c)
{
	size_t n;

	if (maildir_list(&c->files, c->dir, MAILDIR_NEW) == -1 ||
	    maildir_list(&c->files, c->dir, MAILDIR_CUR) == -1) {
		c->out.why = errno == EACCES ? "may not be read" :
		    "cannot be read";
		return;
	}
	n = c->files.n;
	maildir_index(&c->files);
	c->out.odd = count_odd(c->dir, "cur") + count_odd(c->dir, "new");
	c->out.odd -= c->out.odd < n ? c->out.odd : (unsigned)n;
	check_ours(c);
	/* A U= in a name counts only where it is ours. */
	for (size_t i = 0; i < n && !c->out.ours; i++)
		c->files.files[i].uid = 0;
	if (!c->out.ours && check_uidlist(c) == -1)
		c->out.why = "dovecot-uidlist cannot be read";
	if (keywords_read(&c->keywords, c->dir) == -1)
		c->out.why = "dovecot-keywords cannot be read";
	for (size_t i = 0; i < c->keywords.n; i++)
		c->out.keywords += c->keywords.names[i] != NULL;
	for (size_t i = 0; i < n; i++)
		check_file(c, &c->files.files[i]);
}

static void
check_one(const char *dir, const char *name,
    void (*fn)(void *ctx, const struct migrate_folder *f), void *ctx)
{
	struct check c = { .dir = dir, .out = { .name = name } };

	check_folder(&c);
	fn(ctx, &c.out);
	keywords_release(&c.keywords);
	maildir_listing_release(&c.files);
}

/* ---- users --------------------------------------------------------------- */

static unsigned
count_subscriptions(const char *root)
{
	struct store_user u = { .root = (char *)(uintptr_t)root };
	struct map names;
	unsigned n = 0;

	if (subscription_read(&u, &names) == STORE_OK)
		n = (unsigned)names.count;
	map_release(&names, NULL);
	return n;
}

static bool
has(const char *root, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, file);
	return file_exists(path);
}

int
migrate_check(const char *root,
    void (*fn)(void *ctx, const struct migrate_folder *f), void *ctx,
    struct migrate_user *out)
{
	struct buf dir = BUF_INIT(PATH_MAX);
	struct dirent *e;
	DIR *d = opendir(root);

	*out = (struct migrate_user){ 0 };
	if (d == NULL)
		return -1;
	out->dbox = has(root, "mailboxes") || has(root, "storage");
	out->subscriptions = count_subscriptions(root);
	if (maildir_exists(root))
		check_one(root, "INBOX", fn, ctx);
	while ((e = readdir(d)) != NULL) {
		struct slice name = slice_from(slice_str(e->d_name), 1);

		if (e->d_name[0] != '.' || slice_eq(name, S("")) ||
		    slice_eq(name, S(".")))
			continue;
		buf_clear(&dir);
		buf_addf(&dir, "%s/%s", root, e->d_name);
		if (!maildir_exists(buf_str(&dir)))
			continue;
		if (store_name_is_valid(name))
			check_one(buf_str(&dir), name.p, fn, ctx);
		else
			out->bad_names++;
	}
	closedir(d);
	buf_release(&dir);
	return 0;
}
