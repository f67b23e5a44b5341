#include "services/reports/base.h"

#include "core/limits.h"
#include "services/reports/db.h"
#include "services/reports/show.h"

#define VERSION 1
#define DAY 86400

static const char schema[] =
    "CREATE TABLE report ("
    " id INTEGER PRIMARY KEY,"
    " org TEXT NOT NULL,"
    " email TEXT NOT NULL,"
    " name TEXT NOT NULL,"          /* report_id */
    " domain TEXT NOT NULL,"
    " policy TEXT NOT NULL,"
    " begin INTEGER NOT NULL,"
    " until INTEGER NOT NULL,"
    " received INTEGER NOT NULL,"
    " verified INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX report_name ON report (org, name, domain);"
    "CREATE INDEX report_until ON report (domain, until);"
    "CREATE TABLE line ("
    " report INTEGER NOT NULL,"
    " source TEXT NOT NULL,"
    " count INTEGER NOT NULL,"
    " disposition TEXT NOT NULL,"
    " dkim INTEGER NOT NULL,"
    " spf INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " author TEXT NOT NULL,"        /* header_from */
    " envelope TEXT NOT NULL,"
    " dkim_domain TEXT NOT NULL,"
    " dkim_selector TEXT NOT NULL,"
    " dkim_result TEXT NOT NULL,"
    " spf_domain TEXT NOT NULL,"
    " spf_result TEXT NOT NULL);"
    "CREATE INDEX line_report ON line (report);";

enum {
	Q_BEGIN, Q_COMMIT, Q_ROLLBACK, Q_FIND, Q_DROP_LINES, Q_DROP,
	Q_ADD, Q_ADD_LINE, Q_OLD_LINES, Q_OLD, Q_COUNT_LINES, Q_OLDEST,
	QUERIES
};

static const char *const sql[QUERIES] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_FIND] = "SELECT id, verified FROM report"
	    " WHERE org = ?1 AND name = ?2 AND domain = ?3",
	[Q_DROP_LINES] = "DELETE FROM line WHERE report = ?1",
	[Q_DROP] = "DELETE FROM report WHERE id = ?1",
	[Q_ADD] = "INSERT INTO report (org, email, name, domain, policy,"
	    " begin, until, received, verified)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[Q_ADD_LINE] = "INSERT INTO line (report, source, count, disposition,"
	    " dkim, spf, reason, author, envelope, dkim_domain,"
	    " dkim_selector, dkim_result, spf_domain, spf_result)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
	    " ?13, ?14)",
	[Q_OLD_LINES] = "DELETE FROM line WHERE report IN (SELECT id"
	    " FROM report WHERE received < ?1 AND verified <= ?2)",
	[Q_OLD] = "DELETE FROM report WHERE received < ?1 AND verified <= ?2",
	[Q_COUNT_LINES] = "SELECT count(*) FROM line",
	[Q_OLDEST] = "SELECT received FROM report WHERE verified <= ?1"
	    " ORDER BY received LIMIT 1 OFFSET"
	    " (SELECT count(*) / 10 FROM report WHERE verified <= ?1)",
};

struct base {
	struct db db;
	struct base_arrival arrival;
	int64_t most;   /* rows that are kept */
	int64_t lines;  /* what was replaced counts until base_prune */
	int64_t report; /* being added; 0: its first row did not come yet */
	int rows;
};

struct base *
base_open(const char *path, int64_t most, const char **why)
{
	struct base *b = mem_zero(sizeof(*b));

	if (db_open(&b->db, path, schema, VERSION, sql, "reports-base",
	    why) == -1) {
		mem_free(b);
		return NULL;
	}
	b->most = most;
	b->lines = db_number(&b->db, Q_COUNT_LINES);
	return b;
}

void
base_close(struct base *b)
{
	if (b == NULL)
		return;
	db_close(&b->db);
	mem_free(b);
}

/* ---- queries -------------------------------------------------------------- */

static void
bind_text(sqlite3_stmt *st, int i, const struct feedback_text *t)
{
	sqlite3_bind_text(st, i, t->s, -1, SQLITE_TRANSIENT);
}

/* What came before that time; without all: and was not verified. */
static int
drop_before(struct base *b, int64_t received, bool all)
{
	int r = 0;

	for (int q = Q_OLD_LINES; q <= Q_OLD && r == 0; q++) {
		sqlite3_stmt *st = db_query(&b->db, q);

		if (st != NULL) {
			sqlite3_bind_int64(st, 1, received);
			sqlite3_bind_int(st, 2, all);
		}
		r = db_run(&b->db, st);
	}
	b->lines = db_number(&b->db, Q_COUNT_LINES);
	return r;
}

/* Until when the oldest tenth came; 0: there is nothing. */
static int64_t
oldest(struct base *b, bool all)
{
	sqlite3_stmt *st = db_query(&b->db, Q_OLDEST);

	if (st != NULL)
		sqlite3_bind_int(st, 1, all); /* it stays bound */
	return db_number(&b->db, Q_OLDEST);
}

/* ---- a report ------------------------------------------------------------- */

int
base_begin(struct base *b, const struct base_arrival *a)
{
	b->arrival = *a;
	b->report = 0;
	b->rows = 0;
	return db_run(&b->db, db_query(&b->db, Q_BEGIN));
}

/* The same report came before: what it says now counts, unless anybody could
 * have written it. */
static int
drop_same(struct base *b, const struct feedback_head *head)
{
	sqlite3_stmt *st = db_query(&b->db, Q_FIND);
	bool verified = false;
	int64_t id = 0;
	int r = 0;

	if (st == NULL)
		return db_complain(&b->db, "read");
	bind_text(st, 1, &head->org);
	bind_text(st, 2, &head->id);
	bind_text(st, 3, &head->domain);
	if (sqlite3_step(st) == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
		verified = sqlite3_column_int(st, 1) != 0;
	}
	sqlite3_reset(st);
	if (verified && !b->arrival.verified)
		return -1;
	for (int q = Q_DROP_LINES; id != 0 && q <= Q_DROP && r == 0; q++) {
		st = db_query(&b->db, q);
		if (st != NULL)
			sqlite3_bind_int64(st, 1, id);
		r = db_run(&b->db, st);
	}
	return r;
}

/* Its time, or what can be told of it from the day it came: one in the future
 * would be shown for ever. */
static void
find_range(const struct base *b, const struct feedback_head *head,
    int64_t *begin, int64_t *end)
{
	*begin = (int64_t)head->begin;
	*end = (int64_t)head->end;
	if (*end == 0 || *end > b->arrival.received + DAY)
		*end = b->arrival.received;
	if (*begin == 0 || *begin > *end)
		*begin = *end - DAY;
}

static int
add_report(struct base *b, const struct feedback_head *head)
{
	sqlite3_stmt *st;
	int64_t begin, end;

	find_range(b, head, &begin, &end);
	if (drop_same(b, head) == -1)
		return -1;
	st = db_query(&b->db, Q_ADD);
	if (st != NULL) {
		bind_text(st, 1, &head->org);
		bind_text(st, 2, &head->email);
		bind_text(st, 3, &head->id);
		bind_text(st, 4, &head->domain);
		bind_text(st, 5, &head->policy);
		sqlite3_bind_int64(st, 6, begin);
		sqlite3_bind_int64(st, 7, end);
		sqlite3_bind_int64(st, 8, b->arrival.received);
		sqlite3_bind_int(st, 9, b->arrival.verified);
	}
	if (db_run(&b->db, st) == -1)
		return -1;
	b->report = sqlite3_last_insert_rowid(b->db.sql);
	return 0;
}

int
base_row(struct base *b, const struct feedback_head *head,
    const struct feedback_row *row)
{
	sqlite3_stmt *st;

	if (b->report == 0 && add_report(b, head) == -1)
		return -1;
	st = db_query(&b->db, Q_ADD_LINE);
	if (st != NULL) {
		sqlite3_bind_int64(st, 1, b->report);
		bind_text(st, 2, &row->source);
		sqlite3_bind_int64(st, 3, (int64_t)row->count);
		bind_text(st, 4, &row->disposition);
		sqlite3_bind_int(st, 5, row->dkim);
		sqlite3_bind_int(st, 6, row->spf);
		bind_text(st, 7, &row->reason);
		bind_text(st, 8, &row->from);
		bind_text(st, 9, &row->envelope);
		bind_text(st, 10, &row->dkim_domain);
		bind_text(st, 11, &row->dkim_selector);
		bind_text(st, 12, &row->dkim_result);
		bind_text(st, 13, &row->spf_domain);
		bind_text(st, 14, &row->spf_result);
	}
	if (db_run(&b->db, st) == -1)
		return -1;
	b->rows++;
	return 0;
}

int
base_end(struct base *b, bool keep)
{
	if (keep && db_run(&b->db, db_query(&b->db, Q_COMMIT)) == 0) {
		b->lines += b->rows;
		if (b->lines > b->most)
			base_prune(b, b->arrival.received);
		return b->rows;
	}
	(void)db_run(&b->db, db_query(&b->db, Q_ROLLBACK));
	return -1;
}

void
base_prune(struct base *b, int64_t now)
{
	int64_t until;

	if (drop_before(b, now - LIMIT_REPORT_DAYS * (int64_t)DAY, true) == -1)
		return;
	/* Too many for the time: the oldest tenth goes, first of what anybody
	 * could have sent. */
	for (int all = 0; all <= 1; all++)
		while (b->lines > b->most &&
		    (until = oldest(b, all)) != 0)
			if (drop_before(b, until + 1, all) == -1)
				return;
}

int
base_show(struct base *b, const struct base_query *q, struct buf *out)
{
	return show(b->db.sql, q, out) == 0 ? 0 : db_complain(&b->db, "read");
}
