/*
 * Who shares with whom, in one file of the mail root, so that LIST need not
 * look into everybody's folder. A line says that a user has a mailbox that
 * somebody can see:
 *
 *	pillarbox-shares 1 1764312345678901
 *	bob@example.test<TAB>alice@example.test
 *	*<TAB>info@example.test
 *
 * ("bob may see something of alice", "anyone something of info"; the number
 * is when all folders were looked at, in microseconds.) It is a hint: what can
 * be seen is decided by the mailboxes' own files. A change of rights through us
 * makes the lines of that user anew. A process that starts has all folders
 * looked at once more, so what other programs did to dovecot-acl files while we
 * were down is found; the old file serves until then.
 */
#include "store/acl_store.h"

#include <sys/stat.h>

#include <dirent.h>
#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/num.h"
#include "core/now.h"
#include "store/tree.h"

#define FILE_NAME "pillarbox-shares"
#define HEADER "pillarbox-shares 1 "

/* The file as it was read or made last. */
struct shares {
	struct buf text; /* lines without the header */
	int64_t scanned_us;
	struct stat st;
};

void
shares_free(struct store *s)
{
	if (s->shares != NULL)
		buf_release(&s->shares->text);
	mem_free(s->shares);
	s->shares = NULL;
}

/* ---- what one user shares ------------------------------------------------- */

struct collect {
	struct store_user *user;
	struct map seen; /* who can see something */
	struct buf *out;
};

static void
add_line(struct collect *c, struct slice who)
{
	size_t before = c->out->n;

	if (slice_eq(who, slice_str(c->user->address)) ||
	    map_put(&c->seen, who, c) != NULL)
		return;
	buf_add_slice(c->out, who);
	buf_addf(c->out, "\t%s\n", c->user->address);
	/* The file is full: no half lines. */
	if (!buf_ok(c->out))
		buf_truncate(c->out, before);
}

static enum store_err
collect_mailbox(void *ctx, struct slice name)
{
	struct collect *c = ctx;
	char *dir = mailbox_dir(c->user, name);
	struct acl a;

	acl_load(dir, &a);
	for (size_t i = 0; !a.damaged && i < a.n; i++) {
		const struct acl_entry *e = &a.entries[i];

		if (e->id.negative || (e->rights & ACL_LOOKUP) == 0)
			continue;
		if (e->id.kind == ACL_USER)
			add_line(c, e->id.name);
		else if (e->id.kind == ACL_ANYONE ||
		    e->id.kind == ACL_AUTHENTICATED)
			add_line(c, S("*"));
	}
	acl_release(&a);
	mem_free(dir);
	return STORE_OK;
}

static void
collect_user(struct store_user *u, struct buf *out)
{
	struct collect c = { .user = u, .out = out };

	if (!maildir_exists(u->root))
		return;
	map_init(&c.seen);
	(void)tree_names(u, collect_mailbox, &c);
	map_release(&c.seen, NULL);
}

/* ---- all users ------------------------------------------------------------ */

static void
scan_domain(struct store *s, const char *domain, struct buf *out)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", s->mailroot, domain);
	d = opendir(path);
	/* Files of the root are no domains. */
	while (d != NULL && (e = readdir(d)) != NULL) {
		struct buf address = BUF_INIT(LIMIT_ADDRESS);
		struct store_user *u;

		buf_addf(&address, "%s@%s", e->d_name, domain);
		if (buf_ok(&address) && store_user_open(s,
		    buf_slice(&address), &u) == STORE_OK) {
			collect_user(u, out);
			store_user_close(u);
		}
		buf_release(&address);
	}
	if (d != NULL)
		closedir(d);
}

static void
scan(struct store *s, struct buf *out)
{
	const char *root = s->mailroot[0] != '\0' ? s->mailroot : "/";
	DIR *d = opendir(root);
	struct dirent *e;

	if (d == NULL)
		store_errno("list", root);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			scan_domain(s, e->d_name, out);
	if (d != NULL)
		closedir(d);
}

/* ---- the file ------------------------------------------------------------- */

static void
shares_path(const struct store *s, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/" FILE_NAME, s->mailroot);
}

/* Reads the file if it is another than what is remembered. */
static void
follow(struct store *s)
{
	struct shares *sh = s->shares;
	struct buf text = BUF_INIT(LIMIT_SHARES_BYTES);
	struct slice rest, line;
	char path[PATH_MAX];
	uint64_t scanned;
	struct stat st;

	shares_path(s, path);
	if (lstat(path, &st) == -1 || (st.st_ino == sh->st.st_ino &&
	    st.st_mtim.tv_sec == sh->st.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == sh->st.st_mtim.tv_nsec))
		return;
	if (maildir_read(path, &text) == 0) {
		rest = buf_slice(&text);
		if (slice_line(&rest, &line) &&
		    slice_starts(line, S(HEADER)) &&
		    num_u64(slice_from(line, strlen(HEADER)), INT64_MAX,
		    &scanned) == 0) {
			buf_clear(&sh->text);
			buf_add_slice(&sh->text, rest);
			sh->scanned_us = (int64_t)scanned;
			sh->st = st;
		}
	}
	buf_release(&text);
}

/* A failure is logged; what is remembered serves this process. */
static void
save(struct store *s)
{
	struct shares *sh = s->shares;
	struct buf text = BUF_INIT(LIMIT_SHARES_BYTES + 64);
	char path[PATH_MAX];

	shares_path(s, path);
	buf_addf(&text, HEADER "%lld\n", (long long)sh->scanned_us);
	buf_add_slice(&text, buf_slice(&sh->text));
	if (!buf_ok(&sh->text))
		log_warn("shares-full", "path=%s max=%d", path,
		    LIMIT_SHARES_BYTES);
	if (file_replace(path, buf_slice(&text), 0600) == -1)
		store_errno("write", path);
	/* One that could not be replaced is not read again either. */
	if (lstat(path, &sh->st) == -1)
		sh->st = (struct stat){ 0 };
	buf_release(&text);
}

/* With the lock of this process, as what follows. */
static void
load(struct store *s)
{
	if (s->shares == NULL) {
		s->shares = mem_zero(sizeof(*s->shares));
		buf_init(&s->shares->text, LIMIT_SHARES_BYTES);
	}
	follow(s);
}

static int64_t
scanned_us(struct store *s)
{
	int64_t at;

	pthread_mutex_lock(&s->shares_lock);
	load(s);
	at = s->shares->scanned_us;
	pthread_mutex_unlock(&s->shares_lock);
	return at;
}

/* The file's lock, for who changes it; taken before the one of this process, so
 * that nobody here waits for a scan who only reads. */
static int
lock_root(const struct store *s)
{
	int lock = index_lock_root(s->mailroot);

	if (lock == -1)
		store_errno("lock", s->mailroot);
	return lock;
}

/* Looks at all folders, unless somebody did so since least_us. */
static void
scan_all(struct store *s, int64_t least_us)
{
	struct buf text = BUF_INIT(LIMIT_SHARES_BYTES);
	int lock = lock_root(s);
	int64_t now = now_wall_us();

	if (scanned_us(s) < least_us) {
		scan(s, &text);
		pthread_mutex_lock(&s->shares_lock);
		buf_release(&s->shares->text);
		s->shares->text = text;
		buf_init(&text, 0);
		/* The clock may have been set back. */
		s->shares->scanned_us = now > least_us ? now : least_us;
		save(s);
		pthread_mutex_unlock(&s->shares_lock);
	}
	if (lock != -1)
		close(lock);
	buf_release(&text);
}

void
store_shares_refresh(struct store *s)
{
	if (scanned_us(s) < s->started_us)
		scan_all(s, s->started_us);
}

/* ---- who ------------------------------------------------------------------ */

static bool
take_line(struct slice *rest, struct slice *who, struct slice *owner)
{
	struct slice line;

	if (!slice_line(rest, &line) || !slice_split(&line, '\t', who))
		return false;
	*owner = line;
	return true;
}

static int
by_address(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

enum store_err
store_shares_with(struct store *s, struct slice user, store_shares_fn *fn,
    void *ctx)
{
	struct arena arena = ARENA_INIT;
	struct slice *owners = arena_array(&arena, LIMIT_SHARES_OWNERS,
	    sizeof(*owners));
	struct slice rest, who, owner;
	struct map seen;
	size_t n = 0;

	/* An old file serves until the next refresh. */
	if (scanned_us(s) == 0)
		scan_all(s, 1);
	map_init(&seen);
	pthread_mutex_lock(&s->shares_lock);
	rest = buf_slice(&s->shares->text);
	while (n < LIMIT_SHARES_OWNERS && take_line(&rest, &who, &owner))
		if ((slice_eq(who, S("*")) || slice_ieq(who, user)) &&
		    !slice_eq(owner, user) &&
		    map_put(&seen, owner, s) == NULL)
			owners[n++] = arena_slice(&arena, owner);
	pthread_mutex_unlock(&s->shares_lock);
	map_release(&seen, NULL);
	qsort(owners, n, sizeof(*owners), by_address);
	for (size_t i = 0; i < n; i++)
		fn(ctx, owners[i]);
	arena_release(&arena);
	return STORE_OK;
}

/* ---- changes -------------------------------------------------------------- */

static void
replace_lines(struct store_user *u)
{
	struct shares *sh = u->store->shares;
	struct buf text = BUF_INIT(LIMIT_SHARES_BYTES);
	struct slice rest = buf_slice(&sh->text), who, owner;

	while (take_line(&rest, &who, &owner))
		if (!slice_eq(owner, slice_str(u->address)))
			buf_addf(&text, "%.*s\t%.*s\n", SLICE_ARG(who),
			    SLICE_ARG(owner));
	collect_user(u, &text);
	if (!slice_eq(buf_slice(&text), buf_slice(&sh->text))) {
		buf_clear(&sh->text);
		buf_add_slice(&sh->text, buf_slice(&text));
		save(u->store);
	}
	buf_release(&text);
}

void
store_shares_update(struct store_user *u)
{
	struct store *s = u->store;
	int lock = lock_root(s);

	pthread_mutex_lock(&s->shares_lock);
	load(s);
	/* Where there is none yet, it will be made with what is so now. */
	if (s->shares->scanned_us > 0)
		replace_lines(u);
	pthread_mutex_unlock(&s->shares_lock);
	if (lock != -1)
		close(lock);
}
