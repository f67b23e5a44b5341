/* Opening, querying and closing the index of a user. */
#include "store/index.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "core/rand.h"
#include "store/pool.h"

/* Pages in the WAL (each 4 KiB) from which on the keeper shortens it. */
#define WAL_PAGES 2000
/* How long a call waits for another process's transaction. */
#define LOCK_WAIT_MS 30000

/* ---- errors -------------------------------------------------------------- */

enum store_err
store_errno_map(int err)
{
	static const struct {
		int err;
		enum store_err is;
	} map[] = {
		{ ENOSPC, STORE_NO_SPACE }, { EDQUOT, STORE_QUOTA },
		{ EROFS, STORE_READ_ONLY }, { EACCES, STORE_DENIED },
		{ EPERM, STORE_DENIED }, { EMFILE, STORE_AGAIN },
		{ ENFILE, STORE_AGAIN }, { ENOMEM, STORE_AGAIN },
		{ EAGAIN, STORE_AGAIN }, { ENAMETOOLONG, STORE_NAME },
	};

	for (size_t i = 0; i < LEN(map); i++)
		if (map[i].err == err)
			return map[i].is;
	return STORE_IO;
}

enum store_err
store_errno(const char *what, const char *path)
{
	int err = errno;
	struct log_line line;

	log_begin(&line, LOG_ERROR, "store-failed");
	log_str(&line, "what", what);
	log_str(&line, "path", path);
	log_errno(&line, err);
	log_end(&line);
	return store_errno_map(err);
}

/* Maps the failure of the last call on ix->db and logs it. */
static enum store_err
index_failed(struct index *ix, const char *what)
{
	int rc = ix->db != NULL ? sqlite3_extended_errcode(ix->db) :
	    SQLITE_NOMEM;
	int err = ix->db != NULL ? sqlite3_system_errno(ix->db) : 0;
	enum store_err e = STORE_IO;
	struct log_line line;

	switch (rc & 0xff) {
	case SQLITE_FULL:
		e = STORE_NO_SPACE;
		break;
	case SQLITE_READONLY:
		e = STORE_READ_ONLY;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
		e = STORE_AGAIN;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		e = STORE_CORRUPT;
		ix->damaged = true;
		break;
	default:
		e = err != 0 ? store_errno_map(err) : STORE_IO;
		break;
	}
	log_begin(&line, LOG_ERROR, "index-failed");
	log_str(&line, "what", what);
	log_str(&line, "path", ix->root);
	log_str(&line, "why", ix->db != NULL ? sqlite3_errmsg(ix->db) : "");
	log_num(&line, "code", rc);
	if (err != 0)
		log_errno(&line, err);
	log_end(&line);
	return e;
}

/* ---- queries ------------------------------------------------------------- */

void
index_bind(sqlite3_stmt *st, const char *types, va_list ap)
{
	assert((int)strlen(types) == sqlite3_bind_parameter_count(st));
	for (int i = 1; *types != '\0'; types++, i++) {
		struct slice s;

		switch (*types) {
		case 'i':
			sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			break;
		case 's':
			s = va_arg(ap, struct slice);
			sqlite3_bind_text(st, i, s.p != NULL ? s.p : "",
			    (int)s.n, SQLITE_STATIC);
			break;
		case 'b':
			s = va_arg(ap, struct slice);
			if (s.p != NULL)
				sqlite3_bind_blob(st, i, s.p, (int)s.n,
				    SQLITE_STATIC);
			else
				sqlite3_bind_null(st, i);
			break;
		default:
			sqlite3_bind_null(st, i);
			break;
		}
	}
}

/* NULL when it cannot be prepared: index_step then reports it. */
static sqlite3_stmt *
prepare(struct index *ix, enum index_sql q)
{
	sqlite3_stmt *st = ix->stmts[q];

	if (st != NULL) {
		sqlite3_reset(st);
		return st;
	}
	if (sqlite3_prepare_v3(ix->db, index_sql[q], -1,
	    SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK)
		return NULL;
	ix->stmts[q] = st;
	return st;
}

sqlite3_stmt *
index_query(struct index *ix, enum index_sql q, const char *types, ...)
{
	sqlite3_stmt *st = prepare(ix, q);
	va_list ap;

	if (st == NULL)
		return NULL;
	va_start(ap, types);
	index_bind(st, types, ap);
	va_end(ap);
	return st;
}

int
index_step(struct index *ix, sqlite3_stmt *st, enum store_err *err)
{
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE) {
		sqlite3_reset(st);
		return 0;
	}
	*err = index_failed(ix, st != NULL ? sqlite3_sql(st) : "prepare");
	if (st != NULL)
		sqlite3_reset(st);
	return -1;
}

void
index_done(sqlite3_stmt *st)
{
	if (st != NULL)
		sqlite3_reset(st);
}

enum store_err
index_exec(struct index *ix, enum index_sql q, const char *types, ...)
{
	sqlite3_stmt *st = prepare(ix, q);
	enum store_err err = STORE_OK;
	va_list ap;

	if (st != NULL) {
		va_start(ap, types);
		index_bind(st, types, ap);
		va_end(ap);
	}
	if (index_step(ix, st, &err) > 0)
		index_done(st);
	return err;
}

struct slice
index_column(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);

	return slice_of(p, (size_t)sqlite3_column_bytes(st, column));
}

/* ---- transactions -------------------------------------------------------- */

static int
on_busy(void *ctx, int count)
{
	struct index *ix = ctx;
	/*
	 * Only other processes are waited for here, and one that never pauses
	 * must not win for ever: so the waits stay short.
	 */
	long us = count < 10 ? 200 : count < 1000 ? 1000 : 3000;
	struct timespec t = { .tv_nsec = us * 1000 };

	if (ix->waited_us >= LOCK_WAIT_MS * (uint64_t)1000)
		return 0;
	ix->waited_us += (uint64_t)us;
	nanosleep(&t, NULL);
	return 1;
}

static enum store_err
begin(struct index *ix, enum index_sql q)
{
	enum store_err err;

	ix->waited_us = 0;
	err = index_exec(ix, q, "");
	ix->in_txn = err == STORE_OK;
	return err;
}

enum store_err
index_begin(struct index *ix)
{
	enum store_err err;

	pool_write_begin(ix);
	err = begin(ix, SQL_BEGIN);
	if (err != STORE_OK)
		pool_write_end(ix);
	return err;
}

enum store_err
index_begin_read(struct index *ix)
{
	return begin(ix, SQL_BEGIN_READ);
}

enum store_err
index_commit(struct index *ix)
{
	enum store_err err = index_exec(ix, SQL_COMMIT, "");

	if (err != STORE_OK)
		index_rollback(ix);
	ix->in_txn = false;
	pool_write_end(ix);
	if (err == STORE_OK && ix->wal_pages >= WAL_PAGES) {
		ix->wal_pages = 0;
		keeper_want_checkpoint(ix);
	}
	return err;
}

void
index_rollback(struct index *ix)
{
	if (ix->in_txn && sqlite3_get_autocommit(ix->db) == 0)
		index_exec(ix, SQL_ROLLBACK, "");
	ix->in_txn = false;
	pool_write_end(ix);
}

static int
on_wal(void *ctx, sqlite3 *db UNUSED, const char *name UNUSED, int pages)
{
	struct index *ix = ctx;

	ix->wal_pages = pages;
	return SQLITE_OK;
}

enum store_err
index_checkpoint(struct index *ix)
{
	int rc = sqlite3_wal_checkpoint_v2(ix->db, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	/* Somebody else is at it. */
	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return STORE_AGAIN;
	return rc == SQLITE_OK ? STORE_OK : index_failed(ix, "checkpoint");
}

/* ---- opening ------------------------------------------------------------- */

/* One integer from a PRAGMA; -1 on failure (*err set). */
static int64_t
pragma_get(struct index *ix, const char *sql, enum store_err *err)
{
	sqlite3_stmt *st = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(ix->db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	else
		*err = index_failed(ix, sql);
	sqlite3_finalize(st);
	return v;
}

static enum store_err
run(struct index *ix, const char *sql)
{
	if (sqlite3_exec(ix->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return index_failed(ix, sql);
	return STORE_OK;
}

/* By us, so that it and its WAL are 0600. */
static enum store_err
create_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1 && errno != EEXIST)
		return store_errno("create", path);
	if (fd != -1)
		close(fd);
	return STORE_OK;
}

/*
 * A file that is there is not opened beside SQLite: closing it would drop the
 * locks on it of this process's other handles (fcntl(2)), and another process
 * would believe itself alone with the index and remove the WAL.
 */
static enum store_err
open_file(struct index *ix, const char *path, bool create)
{
	struct stat st;
	enum store_err err;

	if (lstat(path, &st) == -1 && errno == ENOENT && create) {
		err = create_file(path);
		if (err != STORE_OK)
			return err;
	}
	if (lstat(path, &st) == -1)
		return store_errno("open", path);
	if (!S_ISREG(st.st_mode)) {
		errno = ELOOP;
		return store_errno("open", path);
	}
	if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == -1)
		return store_errno("open", path);
	ix->ino = st.st_ino;
	if (sqlite3_open_v2(path, &ix->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return index_failed(ix, "open");
	sqlite3_extended_result_codes(ix->db, 1);
	sqlite3_busy_handler(ix->db, on_busy, ix);
	/* This replaces checkpoints at commit by the keeper's. */
	sqlite3_wal_hook(ix->db, on_wal, ix);
	/* Small: thousands of users, one short call at a time. */
	sqlite3_db_config(ix->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 60);
	return run(ix,
	    "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256;"
	    "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
	    "PRAGMA journal_size_limit=16777216");
}

enum store_err
index_open_existing(struct index *ix)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" INDEX_FILE, ix->root);
	return open_file(ix, path, false);
}

/* Makes the schema, if nobody else did meanwhile. Under the file lock. */
static enum store_err
create(struct index *ix)
{
	char version[128];
	uint32_t first;
	enum store_err err = STORE_OK;

	ix->waited_us = 0;
	if (pragma_get(ix, "PRAGMA user_version", &err) == INDEX_VERSION)
		return STORE_OK;
	if (err == STORE_OK)
		err = run(ix, "PRAGMA journal_mode=WAL");
	if (err == STORE_OK)
		err = run(ix, "BEGIN IMMEDIATE");
	if (err == STORE_OK)
		err = run(ix, index_schema);
	/*
	 * Who still has a mailbox of a lost index open must not find another
	 * one under its number.
	 */
	rand_bytes(&first, sizeof(first));
	snprintf(version, sizeof(version), "INSERT INTO sqlite_sequence"
	    " (name, seq) VALUES ('mailbox', %u)", first % (1u << 28));
	if (err == STORE_OK)
		err = run(ix, version);
	snprintf(version, sizeof(version), "PRAGMA user_version=%d; COMMIT",
	    INDEX_VERSION);
	return err == STORE_OK ? run(ix, version) : err;
}

enum store_err
index_set_whole(struct index *ix)
{
	char sql[64];
	enum store_err err;

	snprintf(sql, sizeof(sql), "PRAGMA application_id=%d",
	    INDEX_APPLICATION_ID);
	ix->waited_us = 0;
	err = run(ix, sql);
	ix->whole = err == STORE_OK;
	return err;
}

int
index_lock_root(const char *root)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/pillarbox.lock", root);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	while (flock(fd, LOCK_EX) == -1)
		if (errno != EINTR) {
			close(fd);
			return -1;
		}
	return fd;
}

/* The schema of a new database, and whether all folders are in it. */
static enum store_err
check_version(struct index *ix)
{
	enum store_err err = STORE_OK;
	int64_t version = pragma_get(ix, "PRAGMA user_version", &err);
	int lock;

	if (err == STORE_OK && version == 0) {
		lock = index_lock_root(ix->root);
		if (lock == -1)
			return store_errno("lock", ix->root);
		err = create(ix);
		close(lock);
	} else if (err == STORE_OK && version != INDEX_VERSION) {
		log_warn("index-version", "found=%d known=%d", (int)version,
		    INDEX_VERSION);
		ix->damaged = true;
		err = STORE_CORRUPT;
	}
	if (err == STORE_OK)
		ix->whole = pragma_get(ix, "PRAGMA application_id", &err) ==
		    INDEX_APPLICATION_ID;
	return err;
}

enum store_err
index_open(struct index *ix)
{
	char path[PATH_MAX];
	enum store_err err;

	if (snprintf(path, sizeof(path), "%s/" INDEX_FILE, ix->root) >=
	    (int)sizeof(path))
		return STORE_NAME;
	ix->whole = ix->damaged = false;
	ix->root_mtime = 0;
	err = open_file(ix, path, true);
	return err == STORE_OK ? check_version(ix) : err;
}

void
index_close(struct index *ix, bool checkpoint)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(ix->stmts[i]);
		ix->stmts[i] = NULL;
	}
	if (ix->db != NULL && !checkpoint)
		sqlite3_db_config(ix->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
		    NULL);
	sqlite3_close(ix->db);
	ix->db = NULL;
	ix->in_txn = false;
}

void
index_set_aside(struct index *ix)
{
	static const char *const tails[] = { "-wal", "-shm", "" };
	char from[PATH_MAX], to[PATH_MAX];
	int lock = index_lock_root(ix->root);
	struct stat st;

	if (lock == -1)
		return;
	snprintf(from, sizeof(from), "%s/" INDEX_FILE, ix->root);
	if (stat(from, &st) == 0 && st.st_ino == ix->ino) {
		struct log_line line;
		int64_t now = now_wall();

		for (size_t i = 0; i < LEN(tails); i++) {
			snprintf(from, sizeof(from), "%s/" INDEX_FILE "%s",
			    ix->root, tails[i]);
			snprintf(to, sizeof(to),
			    "%s/" INDEX_FILE ".damaged-%lld%s", ix->root,
			    (long long)now, tails[i]);
			if (rename(from, to) == -1 && errno != ENOENT)
				store_errno("rename", from);
		}
		log_begin(&line, LOG_WARN, "index-damaged");
		log_str(&line, "path", ix->root);
		log_str(&line, "action", "moved aside, rebuilding");
		log_end(&line);
	}
	close(lock);
}
