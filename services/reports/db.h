/*
 * An SQLite database of this service: opening, statements, complaints. Nothing
 * in it is needed to deliver mail: one that is damaged is moved aside and begun
 * anew. Used from one thread.
 */
#ifndef REPORTS_DB_H
#define REPORTS_DB_H

#include <sqlite3.h>

#include "core/slice.h"

#define DB_QUERIES 24

struct db {
	sqlite3 *sql;
	const char *event;        /* of complaints in the log */
	const char *const *texts; /* of the statements */
	sqlite3_stmt *stmts[DB_QUERIES];
};

/* texts: at most DB_QUERIES; they and event must stay. schema is run in a new
 * database. -1 with *why. */
int db_open(struct db *db, const char *path, const char *schema, int version,
    const char *const *texts, const char *event, const char **why) MUST_CHECK;
void db_close(struct db *db);

/* Statement q, reset; NULL if it cannot be had. */
sqlite3_stmt *db_query(struct db *db, int q);
/* Runs one that gives no rows. -1: logged; also for NULL. */
int db_run(struct db *db, sqlite3_stmt *st);
/* The number that one without parameters gives, or 0. */
int64_t db_number(struct db *db, int q);
/* Logs the last error; -1. */
int db_complain(struct db *db, const char *what);

#endif
