#include "services/reports/db.h"

#include <stdio.h>

#include "core/log.h"

#define BUSY_MS 5000

int
db_complain(struct db *db, const char *what)
{
	log_error(db->event, "%s=\"%s\"", what, sqlite3_errmsg(db->sql));
	return -1;
}

static int
open_once(struct db *db, const char *path, const char *schema, int want,
    const char **why)
{
	char version[64];
	sqlite3_stmt *st = NULL;
	int have = -1;

	if (sqlite3_open_v2(path, &db->sql, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return fail(why, "the database of reports cannot be opened");
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	sqlite3_exec(db->sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous="
	    "NORMAL; PRAGMA cache_size=-256", NULL, NULL, NULL);
	if (sqlite3_prepare_v2(db->sql, "PRAGMA user_version", -1, &st,
	    NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		have = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (have == want)
		return 0;
	if (have != 0)
		return fail(why, "the database of reports is damaged");
	snprintf(version, sizeof(version), "PRAGMA user_version=%d", want);
	if (sqlite3_exec(db->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
	    SQLITE_OK ||
	    sqlite3_exec(db->sql, schema, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db->sql, version, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return fail(why, "the database of reports cannot be made");
	return 0;
}

void
db_close(struct db *db)
{
	for (size_t i = 0; i < DB_QUERIES; i++) {
		sqlite3_finalize(db->stmts[i]);
		db->stmts[i] = NULL;
	}
	sqlite3_close(db->sql);
	db->sql = NULL;
}

int
db_open(struct db *db, const char *path, const char *schema, int version,
    const char *const *texts, const char *event, const char **why)
{
	char aside[1024];

	*db = (struct db){ .event = event, .texts = texts };
	if (open_once(db, path, schema, version, why) == 0)
		return 0;
	db_close(db);
	/* It only tells of the past: mail matters more. */
	if (snprintf(aside, sizeof(aside), "%s.damaged", path) >=
	    (int)sizeof(aside) || rename(path, aside) != 0)
		return -1;
	log_error(event, "damaged=%s moved=%s", path, aside);
	if (open_once(db, path, schema, version, why) == 0)
		return 0;
	db_close(db);
	return -1;
}

sqlite3_stmt *
db_query(struct db *db, int q)
{
	if (db->stmts[q] == NULL && sqlite3_prepare_v3(db->sql, db->texts[q],
	    -1, SQLITE_PREPARE_PERSISTENT, &db->stmts[q], NULL) != SQLITE_OK)
		return NULL;
	sqlite3_reset(db->stmts[q]);
	return db->stmts[q];
}

int
db_run(struct db *db, sqlite3_stmt *st)
{
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	if (st != NULL)
		sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : db_complain(db, "write");
}

int64_t
db_number(struct db *db, int q)
{
	sqlite3_stmt *st = db_query(db, q);
	int64_t n = 0;

	if (st != NULL && sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	if (st != NULL)
		sqlite3_reset(st);
	return n;
}
