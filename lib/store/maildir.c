/* Maildir names, folders and listings. */
#include "store/maildir.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "core/base64.h"
#include "core/file.h"
#include "core/log.h"
#include "core/map.h"
#include "core/now.h"
#include "core/num.h"
#include "core/rand.h"

const char *const maildir_places[2] = {
	[MAILDIR_CUR] = "cur",
	[MAILDIR_NEW] = "new",
};

/* System flags and P, in ASCII order of their letters. */
static const struct {
	char letter;
	unsigned bit;
} letter_bits[] = {
	{ 'D', STORE_DRAFT }, { 'F', STORE_FLAGGED },
	{ 'P', MAILDIR_PASSED }, { 'R', STORE_ANSWERED },
	{ 'S', STORE_SEEN }, { 'T', STORE_DELETED },
};

/* ---- names --------------------------------------------------------------- */

/* The value of the field ",X=" of base. */
static bool
name_field(struct slice base, char letter, struct slice *value)
{
	struct slice rest = base, item;
	bool first = true;

	while (slice_split(&rest, ',', &item)) {
		if (!first && item.n > 2 && item.p[0] == letter &&
		    item.p[1] == '=') {
			*value = slice_from(item, 2);
			return true;
		}
		first = false;
	}
	return false;
}

static int64_t
name_number(struct slice base, char letter)
{
	struct slice v;
	uint64_t n;

	if (!name_field(base, letter, &v) || num_u64(v, INT64_MAX, &n) == -1)
		return -1;
	return (int64_t)n;
}

/* "M<usec>P<pid>Q<id>" as we write it; other programs stop at P or have less. */
static void
parse_middle(struct slice middle, struct maildir_name *out)
{
	uint64_t n;

	if (middle.n == 0 || middle.p[0] != 'M')
		return;
	middle = slice_from(middle, 1);
	if (num_take(&middle, 999999, &n) == -1)
		return;
	out->usec = (int64_t)n;
	if (middle.n == 0 || middle.p[0] != 'P')
		return;
	middle = slice_from(middle, 1);
	if (num_take(&middle, UINT32_MAX, &n) == -1)
		return;
	if (middle.n > 1 && middle.p[0] == 'Q')
		out->delivery = slice_from(middle, 1);
}

void
maildir_name_parse(struct slice base, struct maildir_name *out)
{
	struct slice rest = base, head, middle;
	uint64_t n;
	int64_t uid;

	*out = (struct maildir_name){ .size = -1, .vsize = -1 };
	out->size = name_number(base, 'S');
	out->vsize = name_number(base, 'W');
	uid = name_number(base, 'U');
	if (uid > 0 && uid < UINT32_MAX)
		out->uid = (uint32_t)uid;
	if (!slice_split(&rest, '.', &head))
		return;
	/* Dates beyond the year 9999 are no dates. */
	if (num_u64(head, 253402300799, &n) == 0)
		out->seconds = (int64_t)n;
	if (slice_split(&rest, '.', &middle))
		parse_middle(middle, out);
}

void
maildir_name_with_uid(struct buf *out, struct slice base, uint32_t uid)
{
	struct slice rest = base, item;
	bool first = true;

	while (slice_split(&rest, ',', &item)) {
		bool old = !first && item.n >= 2 && item.p[0] == 'U' &&
		    item.p[1] == '=';

		if (!old) {
			if (!first)
				buf_addc(out, ',');
			buf_add_slice(out, item);
		}
		first = false;
	}
	buf_addf(out, ",U=%u", uid);
}

void
maildir_unique(struct buf *out, struct slice id, const char *host)
{
	int64_t now = now_wall_us();
	unsigned char raw[8];

	buf_addf(out, "%lld.M%dP%dQ", (long long)(now / 1000000),
	    (int)(now % 1000000), (int)getpid());
	if (id.n > 0) {
		buf_add_slice(out, id);
	} else {
		rand_bytes(raw, sizeof(raw));
		hex_encode(out, slice_of(raw, sizeof(raw)));
	}
	buf_addf(out, ".%s", host);
}

void
maildir_split(struct slice name, struct slice *base, struct slice *letters)
{
	ssize_t colon = slice_find(name, ':');

	*letters = slice_of("", 0);
	*base = name;
	if (colon < 0)
		return;
	*base = slice_head(name, (size_t)colon);
	*letters = slice_from(name, (size_t)colon + 1);
	if (slice_starts(*letters, S("2,")))
		*letters = slice_from(*letters, 2);
	else
		*letters = slice_of("", 0);
}

uint64_t
maildir_letters_parse(struct slice letters)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < letters.n; i++) {
		char c = letters.p[i];

		if (c >= 'a' && c <= 'z')
			bits |= MAILDIR_KEYWORD(c - 'a');
		for (size_t k = 0; k < LEN(letter_bits); k++)
			if (letter_bits[k].letter == c)
				bits |= letter_bits[k].bit;
		/* Experimental info of other programs ends the flags. */
		if (c == ',')
			break;
	}
	return bits;
}

void
maildir_letters_format(struct buf *out, uint64_t bits)
{
	buf_adds(out, ":2,");
	for (size_t k = 0; k < LEN(letter_bits); k++)
		if (bits & letter_bits[k].bit)
			buf_addc(out, letter_bits[k].letter);
	for (int k = 0; k < MAILDIR_LETTERS; k++)
		if (bits & MAILDIR_KEYWORD(k))
			buf_addc(out, (char)('a' + k));
}

/* ---- folders ------------------------------------------------------------- */

int
maildir_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
	    O_NOFOLLOW);
	struct stat st;
	int r, saved;

	if (fd == -1)
		return -1;
	r = fstat(fd, &st);
	if (r == 0 && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		r = -1;
	}
	if (r == 0)
		r = file_read_fd(fd, out);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

void
maildir_dir(struct buf *out, const char *root, struct slice name)
{
	buf_adds(out, root);
	if (!slice_eq(name, S("INBOX"))) {
		buf_adds(out, "/.");
		buf_add_slice(out, name);
	}
}

void
maildir_path(struct buf *out, const char *dir, enum maildir_place place,
    struct slice base, uint64_t bits)
{
	buf_adds(out, dir);
	buf_addc(out, '/');
	buf_adds(out, maildir_places[place]);
	buf_addc(out, '/');
	buf_add_slice(out, base);
	if (place == MAILDIR_CUR || bits != 0)
		maildir_letters_format(out, bits);
}

int
maildir_prepare(const char *dir, bool is_root)
{
	static const char *const subs[] = { "tmp", "new" };
	char path[PATH_MAX];
	int fd;

	if (is_root ? file_make_dirs(dir, 0700) == -1 :
	    mkdir(dir, 0700) == -1 && errno != EEXIST)
		return -1;
	if (!is_root) {
		snprintf(path, sizeof(path), "%s/maildirfolder", dir);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1)
			return -1;
		close(fd);
	}
	for (size_t i = 0; i < LEN(subs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, subs[i]);
		if (mkdir(path, 0700) == -1 && errno != EEXIST)
			return -1;
	}
	return 0;
}

int
maildir_make(const char *dir, bool is_root)
{
	char path[PATH_MAX];
	char *slash;

	if (maildir_prepare(dir, is_root) == -1)
		return -1;
	/* Last: a directory with cur is a folder. */
	snprintf(path, sizeof(path), "%s/cur", dir);
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return -1;
	if (file_sync_dir(dir) == -1)
		return -1;
	/* The new entries above; the mail root itself was there before. */
	snprintf(path, sizeof(path), "%s", dir);
	for (int level = is_root ? 2 : 1; level > 0; level--) {
		slash = strrchr(path, '/');
		if (slash == NULL || slash == path)
			break;
		*slash = '\0';
		if (file_sync_dir(path) == -1)
			return -1;
	}
	return 0;
}

int
maildir_mend(const char *dir)
{
	static const char *const subs[] = { "tmp", "new" };
	char path[PATH_MAX];

	for (size_t i = 0; i < LEN(subs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, subs[i]);
		if (mkdir(path, 0700) == 0)
			log_warn("maildir-mended", "path=%s", path);
		else if (errno != EEXIST)
			return -1;
	}
	return file_sync_dir(dir);
}

bool
maildir_exists(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/cur", dir) >= (int)sizeof(path))
		return false;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int64_t
maildir_mtime(const char *dir, enum maildir_place place)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, maildir_places[place]);
	if (stat(path, &st) == -1)
		return -1;
	return st.st_mtim.tv_sec * (int64_t)1000000000 + st.st_mtim.tv_nsec;
}

int
maildir_sync_dir(const char *dir, const char *sub)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	return file_sync_dir(path);
}

void
maildir_sweep_tmp(const char *dir)
{
	char path[PATH_MAX];
	int64_t old = now_wall() - 36 * 3600;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/tmp", dir);
	d = opendir(path);
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		struct maildir_name name;
		struct stat st;

		maildir_name_parse(slice_str(e->d_name), &name);
		if (name.delivery.n == 0 || name.seconds > old)
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
		        0 && S_ISREG(st.st_mode) && st.st_mtime < old)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

/* ---- listing ------------------------------------------------------------- */

static void
add_file(struct maildir_listing *l, enum maildir_place place,
    const char *name)
{
	struct maildir_name parsed;
	struct maildir_file *f;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 256 : l->cap * 2;
		l->files = mem_grow(l->files, l->cap, sizeof(*l->files));
	}
	f = &l->files[l->n++];
	*f = (struct maildir_file){ .place = place };
	f->name = arena_slice(&l->arena, slice_str(name));
	maildir_split(f->name, &f->base, &f->letters);
	maildir_name_parse(f->base, &parsed);
	f->uid = parsed.uid;
}

static void
log_odd(const char *path, const char *name)
{
	struct log_line line;

	log_begin(&line, LOG_WARN, "maildir-odd-file");
	log_str(&line, "folder", path);
	log_str(&line, "name", name);
	log_str(&line, "why", "not a regular file with a usable name; ignored");
	log_end(&line);
}

int
maildir_list(struct maildir_listing *l, const char *dir,
    enum maildir_place place)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;
	int saved;

	snprintf(path, sizeof(path), "%s/%s", dir, maildir_places[place]);
	d = opendir(path);
	if (d == NULL && errno == ENOENT && place == MAILDIR_NEW &&
	    maildir_exists(dir) && maildir_mend(dir) == 0)
		d = opendir(path);
	if (d == NULL)
		return -1;
	while ((errno = 0, e = readdir(d)) != NULL) {
		bool regular = e->d_type == DT_REG;
		struct stat st;

		/* Dot files are nobody's mail (maildir(5)). */
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_UNKNOWN)
			regular = fstatat(dirfd(d), e->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
		if (!regular || strlen(e->d_name) > MAILDIR_BASE_MAX + 40 ||
		    e->d_name[0] == ':')
			log_odd(path, e->d_name);
		else
			add_file(l, place, e->d_name);
	}
	saved = errno;
	closedir(d);
	errno = saved;
	return saved != 0 ? -1 : 0;
}

void
maildir_index(struct maildir_listing *l)
{
	size_t mask;

	mem_free(l->slots);
	for (l->n_slots = 16; l->n_slots < l->n * 2; l->n_slots *= 2)
		;
	mask = l->n_slots - 1;
	l->slots = mem_array(l->n_slots, sizeof(*l->slots));
	for (size_t i = 0; i < l->n; i++) {
		size_t at = map_hash(l->files[i].base) & mask;

		while (l->slots[at] != 0)
			at = (at + 1) & mask;
		l->slots[at] = (uint32_t)i + 1;
	}
}

struct maildir_file *
maildir_find(const struct maildir_listing *l, struct slice base)
{
	size_t mask = l->n_slots - 1;
	size_t at = map_hash(base) & mask;

	for (; l->slots[at] != 0; at = (at + 1) & mask) {
		struct maildir_file *f = &l->files[l->slots[at] - 1];

		if (!f->matched && slice_eq(f->base, base))
			return f;
	}
	return NULL;
}

void
maildir_listing_release(struct maildir_listing *l)
{
	arena_release(&l->arena);
	mem_free(l->files);
	mem_free(l->slots);
	*l = (struct maildir_listing){ 0 };
}
