/* Opening, querying and closing the search index of a user. */
#include "store/signatures.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "core/log.h"

/*
 * Signatures of other texts, or made in another way, must not be believed. The
 * sum is that of the sources that make them (see the Makefile).
 */
#define VERSION ((int)((TEXTS_SUM ^ LIMIT_HEADER_BYTES ^                       \
	LIMIT_MIME_DEPTH * 31u ^ LIMIT_MIME_PARTS * 1009u) % 0x7ffffffeu) + 1)
#define LOCK_WAIT_MS 2000

/*
 * head.id and body.id are box << 32 | uid, so that one range of a table is
 * what a search in a mailbox reads, in order.
 */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS box ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " guid TEXT NOT NULL UNIQUE,"
    " uidvalidity INTEGER NOT NULL,"
    " next INTEGER NOT NULL,"
    " messages INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS head ("
    " id INTEGER PRIMARY KEY,"
    " signature BLOB);"
    "CREATE TABLE IF NOT EXISTS body ("
    " id INTEGER PRIMARY KEY,"
    " signature BLOB);";

#define RANGE " BETWEEN ?1 AND ?2 "

static const char *const sql[SIG_COUNT] = {
	[SIG_BEGIN] = "BEGIN IMMEDIATE",
	[SIG_COMMIT] = "COMMIT",
	[SIG_ROLLBACK] = "ROLLBACK",
	[SIG_BOX_GET] =
	    "SELECT id, uidvalidity, next, messages FROM box WHERE guid = ?1",
	[SIG_BOX_ADD] =
	    "INSERT INTO box (guid, uidvalidity, next, messages)"
	    " VALUES (?1, ?2, 1, 0)",
	[SIG_BOX_SAVE] =
	    "UPDATE box SET next = ?2, messages = ?3 WHERE id = ?1",
	[SIG_BOX_DROP] = "DELETE FROM box WHERE id = ?1",
	[SIG_BOX_GUIDS] = "SELECT id, guid, uidvalidity FROM box",
	[SIG_HEAD_ADD] =
	    "INSERT OR REPLACE INTO head (id, signature) VALUES (?1, ?2)",
	[SIG_BODY_ADD] =
	    "INSERT OR REPLACE INTO body (id, signature) VALUES (?1, ?2)",
	[SIG_HEAD_DROP] = "DELETE FROM head WHERE id = ?1",
	[SIG_BODY_DROP] = "DELETE FROM body WHERE id = ?1",
	[SIG_HEADS_DROP] =
	    "DELETE FROM head WHERE id IN (SELECT id FROM head WHERE id" RANGE
	    "LIMIT ?3)",
	[SIG_BODIES_DROP] =
	    "DELETE FROM body WHERE id IN (SELECT id FROM body WHERE id" RANGE
	    "LIMIT ?3)",
	[SIG_IDS] = "SELECT id FROM head WHERE id" RANGE "ORDER BY id",
	[SIG_HEADS] =
	    "SELECT id, signature, signature FROM head WHERE id" RANGE
	    "ORDER BY id",
	[SIG_BODIES] =
	    "SELECT id, signature, signature FROM body WHERE id" RANGE
	    "ORDER BY id",
	[SIG_BOTH] =
	    "SELECT body.id, head.signature, body.signature FROM body"
	    " CROSS JOIN head ON head.id = body.id WHERE body.id" RANGE
	    "ORDER BY body.id",
};

static void
path_of(char path[PATH_MAX], const struct signatures *g, const char *tail)
{
	snprintf(path, PATH_MAX, "%s/" SIGNATURES_FILE "%s", g->root, tail);
}

bool
signatures_replaced(const struct signatures *g)
{
	char path[PATH_MAX];
	struct stat st;

	path_of(path, g, "");
	return stat(path, &st) == -1 || st.st_ino != g->ino;
}

/* ---- errors --------------------------------------------------------------- */

/* Unless another did so and it is a new one. */
static void
remove_files(const struct signatures *g)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char path[PATH_MAX];

	for (size_t i = 0; i < LEN(tails); i++) {
		path_of(path, g, tails[i]);
		if (unlink(path) == -1 && errno != ENOENT)
			store_errno("unlink", path);
	}
}

static void
log_failure(const struct signatures *g, const char *event, const char *what)
{
	int err = g->db != NULL ? sqlite3_system_errno(g->db) : 0;
	struct log_line line;

	log_begin(&line, LOG_WARN, event);
	log_str(&line, "path", g->root);
	log_str(&line, "what", what);
	log_str(&line, "why", g->db != NULL ? sqlite3_errmsg(g->db) : "");
	if (err != 0)
		log_errno(&line, err);
	log_end(&line);
}

/* The store's error for the failure of the last call. */
static enum store_err
failed(struct signatures *g, const char *what)
{
	int rc = g->db != NULL ? sqlite3_extended_errcode(g->db) :
	    SQLITE_NOMEM;
	int err = g->db != NULL ? sqlite3_system_errno(g->db) : 0;

	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		if (!signatures_replaced(g)) {
			log_failure(g, "search-index-damaged", what);
			remove_files(g);
		}
		return STORE_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
		return STORE_AGAIN;
	default:
		break;
	}
	if (!g->quiet)
		log_failure(g, "search-index-failed", what);
	if ((rc & 0xff) == SQLITE_FULL)
		return STORE_NO_SPACE;
	return err != 0 ? store_errno_map(err) : STORE_IO;
}

/* ---- queries -------------------------------------------------------------- */

static sqlite3_stmt *
prepare(struct signatures *g, enum signatures_sql q)
{
	if (g->stmts[q] != NULL)
		sqlite3_reset(g->stmts[q]);
	else if (sqlite3_prepare_v3(g->db, sql[q], -1,
	    SQLITE_PREPARE_PERSISTENT, &g->stmts[q], NULL) != SQLITE_OK)
		return NULL;
	return g->stmts[q];
}

sqlite3_stmt *
signatures_query(struct signatures *g, enum signatures_sql q,
    const char *types, ...)
{
	sqlite3_stmt *st = prepare(g, q);
	va_list ap;

	if (st == NULL)
		return NULL;
	va_start(ap, types);
	index_bind(st, types, ap);
	va_end(ap);
	return st;
}

int
signatures_step(struct signatures *g, sqlite3_stmt *st, enum store_err *err)
{
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		*err = failed(g, st != NULL ? sqlite3_sql(st) : "prepare");
	index_done(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

enum store_err
signatures_exec(struct signatures *g, enum signatures_sql q,
    const char *types, ...)
{
	sqlite3_stmt *st = prepare(g, q);
	enum store_err err = STORE_OK;
	va_list ap;

	if (st != NULL) {
		va_start(ap, types);
		index_bind(st, types, ap);
		va_end(ap);
	}
	if (signatures_step(g, st, &err) > 0)
		index_done(st);
	return err;
}

enum store_err
signatures_box(struct signatures *g, const char *guid, uint32_t uidvalidity,
    struct signed_box *out)
{
	enum store_err err = STORE_OK;
	sqlite3_stmt *st = signatures_query(g, SIG_BOX_GET, "s",
	    slice_str(guid));
	int r = signatures_step(g, st, &err);

	if (r > 0) {
		out->id = sqlite3_column_int64(st, 0);
		out->next = (uint32_t)sqlite3_column_int64(st, 2);
		out->messages = (uint32_t)sqlite3_column_int64(st, 3);
		if (sqlite3_column_int64(st, 1) != uidvalidity)
			r = 0;
		index_done(st);
	}
	return r == 0 ? STORE_NO_MAILBOX : err;
}

enum store_err
signatures_whose(struct store_mailbox *m, char guid[33], uint32_t *uidvalidity)
{
	struct mailbox_row row;
	struct index *ix;
	enum store_err err = index_take(m->user, &ix);

	if (err != STORE_OK)
		return err;
	err = mailbox_row_get(ix, m->id, &row);
	index_give(m->user, ix);
	if (err != STORE_OK)
		return err;
	memcpy(guid, row.guid, sizeof(row.guid));
	*uidvalidity = row.uidvalidity;
	return STORE_OK;
}

/* ---- opening -------------------------------------------------------------- */

static enum store_err
run(struct signatures *g, const char *text)
{
	if (sqlite3_exec(g->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return failed(g, text);
	return STORE_OK;
}

/* Ours, so that it and its WAL are 0600. */
static enum store_err
create_file(const struct signatures *g, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1 && errno == EEXIST)
		return STORE_OK;
	if (fd == -1)
		return g->quiet ? store_errno_map(errno) :
		    store_errno("create", path);
	close(fd);
	return STORE_OK;
}

/* A file that is there is not opened beside SQLite: see index.c. */
static enum store_err
open_file(struct signatures *g, bool create)
{
	char path[PATH_MAX];
	struct stat st;
	enum store_err err = STORE_OK;

	path_of(path, g, "");
	if (stat(path, &st) == -1) {
		if (!create)
			return STORE_NO_MAILBOX;
		err = create_file(g, path);
		if (err == STORE_OK && stat(path, &st) == -1)
			err = STORE_AGAIN;
	}
	if (err != STORE_OK)
		return err;
	g->ino = st.st_ino;
	if (sqlite3_open_v2(path, &g->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return failed(g, "open");
	sqlite3_extended_result_codes(g->db, 1);
	sqlite3_busy_timeout(g->db, LOCK_WAIT_MS);
	/* Who closes last must not delete a WAL that may be of a new file. */
	sqlite3_db_config(g->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return run(g, "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-512;"
	    "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=500;"
	    "PRAGMA journal_size_limit=4194304");
}

static enum store_err
get_version(struct signatures *g, int *out)
{
	sqlite3_stmt *st = NULL;
	enum store_err err = STORE_OK;

	if (sqlite3_prepare_v2(g->db, "PRAGMA user_version", -1, &st, NULL) ==
	    SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		*out = sqlite3_column_int(st, 0);
	else
		err = failed(g, "PRAGMA user_version");
	sqlite3_finalize(st);
	return err;
}

static enum store_err
make_schema(struct signatures *g)
{
	char text[64];
	enum store_err err;

	err = run(g, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL");
	if (err == STORE_OK)
		err = run(g, schema);
	snprintf(text, sizeof(text), "PRAGMA user_version=%d; COMMIT", VERSION);
	return err == STORE_OK ? run(g, text) : err;
}

static enum store_err
open_once(struct signatures *g, bool create)
{
	enum store_err err = open_file(g, create);
	int version = 0;

	if (err == STORE_OK)
		err = get_version(g, &version);
	if (err != STORE_OK || version == VERSION)
		return err;
	if (!create)
		return STORE_NO_MAILBOX;
	if (version == 0)
		return make_schema(g);
	log_info("search-index-old", "path=%s: built again", g->root);
	remove_files(g);
	return STORE_CORRUPT;
}

enum store_err
signatures_open(struct signatures *g, const char *root, bool create)
{
	enum store_err err;

	g->root = mem_str(root);
	err = open_once(g, create);
	if (err != STORE_CORRUPT || !create)
		return err;
	/* It was removed: a new one. */
	sqlite3_close(g->db);
	g->db = NULL;
	return open_once(g, create);
}

void
signatures_close(struct signatures *g)
{
	for (size_t i = 0; i < SIG_COUNT; i++)
		sqlite3_finalize(g->stmts[i]);
	sqlite3_close(g->db);
	mem_free(g->root);
	*g = (struct signatures){ 0 };
}
