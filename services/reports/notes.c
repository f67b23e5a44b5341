#include "services/reports/notes.h"

#include <stdio.h>

#include "core/rand.h"
#include "mail/addr.h"
#include "services/reports/db.h"

/* Also one more when the form of a row (wire/reports.h) changes. */
#define VERSION 1
#define DAY 86400
#define SPREAD 3600 /* reports leave within this time after midnight */

static const char schema[] =
    "CREATE TABLE report ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " domain TEXT NOT NULL,"
    " begin INTEGER NOT NULL,"
    " until INTEGER NOT NULL,"
    " due INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " record TEXT NOT NULL,"
    " lines INTEGER NOT NULL);"
    "CREATE INDEX report_domain ON report (domain, until);"
    "CREATE INDEX report_due ON report (due);"
    "CREATE TABLE line ("
    " report INTEGER NOT NULL,"
    " what BLOB NOT NULL,"          /* wire_reports_what_get */
    " count INTEGER NOT NULL,"
    " PRIMARY KEY (report, what)) WITHOUT ROWID;";

enum {
	Q_BEGIN, Q_COMMIT, Q_ROLLBACK, Q_FIND, Q_ADD, Q_RENEW, Q_COUNT,
	Q_ADD_LINE, Q_LINES, Q_REPORTS, Q_ALL_LINES, Q_NEXT, Q_ROWS,
	Q_DROP_LINES, Q_DROP, Q_LATER, Q_END_NOW, Q_OLD_LINES, Q_OLD,
	QUERIES
};

static const char *const sql[QUERIES] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_FIND] = "SELECT number, lines FROM report"
	    " WHERE domain = ?1 AND begin <= ?2 AND until > ?2"
	    " ORDER BY number DESC LIMIT 1",
	[Q_ADD] = "INSERT INTO report"
	    " (domain, begin, until, due, name, record, lines)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
	[Q_RENEW] = "UPDATE report SET record = ?2 WHERE number = ?1"
	    " AND record <> ?2",
	[Q_COUNT] = "UPDATE line SET count = count + 1"
	    " WHERE report = ?1 AND what = ?2",
	[Q_ADD_LINE] = "INSERT INTO line (report, what, count)"
	    " VALUES (?1, ?2, 1)",
	[Q_LINES] = "UPDATE report SET lines = lines + 1 WHERE number = ?1",
	[Q_REPORTS] = "SELECT count(*) FROM report",
	[Q_ALL_LINES] = "SELECT coalesce(sum(lines), 0) FROM report",
	[Q_NEXT] = "SELECT number, begin, until, domain, name, record"
	    " FROM report WHERE due <= ?1 ORDER BY due LIMIT 1",
	[Q_ROWS] = "SELECT what, count FROM line WHERE report = ?1"
	    " ORDER BY count DESC",
	[Q_DROP_LINES] = "DELETE FROM line WHERE report = ?1",
	[Q_DROP] = "DELETE FROM report WHERE number = ?1",
	[Q_LATER] = "UPDATE report SET due = ?2 WHERE number = ?1",
	[Q_END_NOW] = "UPDATE report SET until = min(until, ?1),"
	    " due = min(due, ?1)",
	[Q_OLD_LINES] = "DELETE FROM line WHERE report IN"
	    " (SELECT number FROM report WHERE until < ?1)",
	[Q_OLD] = "DELETE FROM report WHERE until < ?1",
};

struct notes {
	struct db db;
	int64_t ended;   /* when all was made due; 0: not yet */
	int64_t reports; /* kept */
	int64_t lines;   /* of all of them */
};

static void
count_all(struct notes *n)
{
	n->reports = db_number(&n->db, Q_REPORTS);
	n->lines = db_number(&n->db, Q_ALL_LINES);
}

struct notes *
notes_open(const char *path, const char **why)
{
	struct notes *n = mem_zero(sizeof(*n));

	if (db_open(&n->db, path, schema, VERSION, sql, "reports-notes",
	    why) == -1) {
		mem_free(n);
		return NULL;
	}
	count_all(n);
	return n;
}

void
notes_close(struct notes *n)
{
	if (n == NULL)
		return;
	db_close(&n->db);
	mem_free(n);
}

/* A statement about one report. */
static sqlite3_stmt *
about(struct notes *n, int q, int64_t number)
{
	sqlite3_stmt *st = db_query(&n->db, q);

	if (st != NULL)
		sqlite3_bind_int64(st, 1, number);
	return st;
}

static void
bind_slice(sqlite3_stmt *st, int i, struct slice s)
{
	sqlite3_bind_text(st, i, s.p, (int)s.n, SQLITE_TRANSIENT);
}

/* ---- taking --------------------------------------------------------------- */

bool
notes_is_good(struct slice payload)
{
	struct wire_reports_note note;

	/* The domain becomes part of a file's name and of header fields. */
	return wire_reports_note_get(payload, &note, NULL) == 0 &&
	    addr_domain_valid(note.domain, 0) && note.record.n > 0;
}

/* A new report; *number 0 if there are too many. */
static int
add_report(struct notes *n, const struct wire_reports_note *note, int64_t now,
    int64_t *number)
{
	int64_t day = now - now % DAY;
	struct buf name = BUF_INIT(NOTES_NAME);
	sqlite3_stmt *st;

	*number = 0;
	if (n->reports >= LIMIT_NOTES_REPORTS)
		return 0;
	rand_text(&name, NOTES_NAME);
	st = db_query(&n->db, Q_ADD);
	if (st != NULL) {
		bind_slice(st, 1, note->domain);
		sqlite3_bind_int64(st, 2, n->ended > day && n->ended <= now ?
		    n->ended : day);
		sqlite3_bind_int64(st, 3, day + DAY);
		sqlite3_bind_int64(st, 4, day + DAY +
		    (int64_t)rand_below(SPREAD));
		bind_slice(st, 5, buf_slice(&name));
		bind_slice(st, 6, note->record);
	}
	buf_release(&name);
	if (db_run(&n->db, st) == -1)
		return -1;
	n->reports++;
	*number = sqlite3_last_insert_rowid(n->db.sql);
	return 0;
}

/* The report of today, and how many rows it has. */
static int
find_report(struct notes *n, const struct wire_reports_note *note, int64_t now,
    int64_t *number, int64_t *lines)
{
	sqlite3_stmt *st = db_query(&n->db, Q_FIND);

	if (st == NULL)
		return db_complain(&n->db, "read");
	bind_slice(st, 1, note->domain);
	sqlite3_bind_int64(st, 2, now);
	if (sqlite3_step(st) == SQLITE_ROW) {
		*number = sqlite3_column_int64(st, 0);
		*lines = sqlite3_column_int64(st, 1);
	}
	sqlite3_reset(st);
	if (*number == 0)
		return add_report(n, note, now, number);
	st = about(n, Q_RENEW, *number);
	if (st != NULL)
		bind_slice(st, 2, note->record);
	return db_run(&n->db, st);
}

static int
run_line(struct notes *n, int q, int64_t number, struct slice what)
{
	sqlite3_stmt *st = about(n, q, number);

	if (st != NULL)
		sqlite3_bind_blob(st, 2, what.p, (int)what.n, SQLITE_TRANSIENT);
	return db_run(&n->db, st);
}

/* 1: left out. */
static int
take_one(struct notes *n, struct slice payload, int64_t now)
{
	struct wire_reports_note note;
	struct slice what;
	int64_t number = 0, lines = 0;

	if (wire_reports_note_get(payload, &note, &what) == -1)
		return 1;
	if (find_report(n, &note, now, &number, &lines) == -1)
		return -1;
	if (number == 0)
		return 1;
	if (run_line(n, Q_COUNT, number, what) == -1)
		return -1;
	if (sqlite3_changes(n->db.sql) > 0)
		return 0;
	if (lines >= LIMIT_NOTES_ROWS || n->lines >= LIMIT_NOTES_KEPT)
		return 1;
	n->lines++;
	return run_line(n, Q_ADD_LINE, number, what) == -1 ? -1 :
	    db_run(&n->db, about(n, Q_LINES, number));
}

int
notes_take(struct notes *n, struct slice batch, int64_t now)
{
	struct wire_in in = wire_in(batch);
	int left_out = 0, r = 0;

	if (db_run(&n->db, db_query(&n->db, Q_BEGIN)) == -1)
		return -1;
	while (in.rest.n > 0 && !in.failed && r != -1) {
		r = take_one(n, wire_get_slice(&in, LIMIT_FRAME), now);
		left_out += r == 1;
	}
	if (r != -1 && db_run(&n->db, db_query(&n->db, Q_COMMIT)) == 0)
		return left_out;
	(void)db_run(&n->db, db_query(&n->db, Q_ROLLBACK));
	count_all(n);
	return -1;
}

/* ---- sending -------------------------------------------------------------- */

static void
copy(sqlite3_stmt *st, int column, char *out, size_t size)
{
	const unsigned char *s = sqlite3_column_text(st, column);

	snprintf(out, size, "%s", s != NULL ? (const char *)s : "");
}

int
notes_next(struct notes *n, int64_t now, struct notes_report *out)
{
	sqlite3_stmt *st = about(n, Q_NEXT, now);
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	if (rc == SQLITE_ROW) {
		out->number = sqlite3_column_int64(st, 0);
		out->begin = sqlite3_column_int64(st, 1);
		out->end = sqlite3_column_int64(st, 2);
		copy(st, 3, out->domain, sizeof(out->domain));
		copy(st, 4, out->name, sizeof(out->name));
		copy(st, 5, out->record, sizeof(out->record));
	} else if (rc != SQLITE_DONE) {
		return db_complain(&n->db, "read");
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW;
}

int
notes_rows(struct notes *n, int64_t number, notes_fn *fn, void *arg)
{
	sqlite3_stmt *st = about(n, Q_ROWS, number);
	struct wire_reports_note row;
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct slice what = slice_of(sqlite3_column_blob(st, 0),
		    (size_t)sqlite3_column_bytes(st, 0));

		if (wire_reports_what_get(what, &row) == 0 && fn(arg,
		    (uint64_t)sqlite3_column_int64(st, 1), &row) != 0)
			break;
	}
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		return db_complain(&n->db, "read");
	sqlite3_reset(st);
	return 0;
}

int
notes_drop(struct notes *n, int64_t number)
{
	int r = db_run(&n->db, about(n, Q_DROP_LINES, number));

	if (r == 0)
		r = db_run(&n->db, about(n, Q_DROP, number));
	count_all(n);
	return r;
}

int
notes_later(struct notes *n, int64_t number, int64_t due)
{
	sqlite3_stmt *st = about(n, Q_LATER, number);

	if (st != NULL)
		sqlite3_bind_int64(st, 2, due);
	return db_run(&n->db, st);
}

int
notes_end_now(struct notes *n, int64_t now)
{
	n->ended = now;
	return db_run(&n->db, about(n, Q_END_NOW, now)) == -1 ? -1 :
	    (int)db_number(&n->db, Q_REPORTS);
}

void
notes_prune(struct notes *n, int64_t now)
{
	int64_t before = now - LIMIT_NOTES_DAYS * INT64_C(86400);

	if (db_run(&n->db, about(n, Q_OLD_LINES, before)) == 0 &&
	    db_run(&n->db, about(n, Q_OLD, before)) == 0)
		count_all(n);
}
