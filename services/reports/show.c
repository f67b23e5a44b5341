#include "services/reports/show.h"

#define LINES 200 /* of one domain; what is rarer is summed up */
/* Columns for an address. */
#define SOURCE_MIN 15
#define SOURCE_MAX 39

static const char sql_domains[] =
    "SELECT report.domain, count(DISTINCT report.id),"
    " count(DISTINCT org), date(min(begin), 'unixepoch'),"
    " date(max(until), 'unixepoch'), sum(count),"
    " sum(CASE WHEN dkim OR spf THEN count ELSE 0 END),"
    " (SELECT policy FROM report AS last WHERE last.domain = report.domain"
    "  ORDER BY until DESC LIMIT 1),"
    " sum(CASE WHEN verified THEN 0 ELSE count END), max(length(source))"
    " FROM report JOIN line ON line.report = report.id"
    " WHERE received > ?1 AND (?2 = '' OR report.domain = lower(?2))"
    " GROUP BY report.domain ORDER BY report.domain";

#define GROUPS "source, author, dkim, spf, disposition, reason, dkim_domain," \
	" dkim_selector, dkim_result, spf_domain, spf_result"

static const char sql_lines[] =
    "SELECT sum(count), " GROUPS
    " FROM report JOIN line ON line.report = report.id"
    " WHERE received > ?1 AND report.domain = ?2"
    " GROUP BY " GROUPS " ORDER BY sum(count) DESC, source";

static const char sql_json[] =
    "SELECT json_group_array(json_object('domain', domain, 'reports',"
    " reports, 'begin', begin, 'end', until, 'messages', messages,"
    " 'aligned', aligned, 'policy', policy, 'rows', json(lines))) FROM ("
    "SELECT r.domain AS domain, count(DISTINCT r.id) AS reports,"
    " min(r.begin) AS begin, max(r.until) AS until,"
    " (SELECT policy FROM report AS last WHERE last.domain = r.domain"
    "  ORDER BY until DESC LIMIT 1) AS policy,"
    " sum(l.count) AS messages,"
    " sum(CASE WHEN l.dkim OR l.spf THEN l.count ELSE 0 END) AS aligned,"
    " json_group_array(json_object('reporter', r.org, 'report_id', r.name,"
    " 'verified', json(iif(r.verified, 'true', 'false')),"
    " 'source_ip', source, 'count', count, 'disposition', disposition,"
    " 'aligned', json(iif(dkim OR spf, 'true', 'false')),"
    " 'dkim_aligned', json(iif(dkim, 'true', 'false')),"
    " 'spf_aligned', json(iif(spf, 'true', 'false')), 'reason', reason,"
    " 'header_from', author, 'envelope_from', envelope,"
    " 'dkim_domain', dkim_domain, 'dkim_selector', dkim_selector,"
    " 'dkim_result', dkim_result, 'spf_domain', spf_domain,"
    " 'spf_result', spf_result)) AS lines"
    " FROM report AS r JOIN line AS l ON l.report = r.id"
    " WHERE r.received > ?1 AND (?2 = '' OR r.domain = lower(?2))"
    " GROUP BY r.domain ORDER BY r.domain)";

static const char *
text(sqlite3_stmt *st, int column)
{
	const unsigned char *s = sqlite3_column_text(st, column);

	return s != NULL ? (const char *)s : "";
}

/* Why the signature counts, or does not. */
static void
say_dkim(sqlite3_stmt *st, struct buf *out)
{
	const char *domain = text(st, 7), *result = text(st, 9);

	if (sqlite3_column_int(st, 3))
		buf_addf(out, "good (key %s)", text(st, 8));
	else if (result[0] == '\0' || strcmp(result, "none") == 0)
		buf_adds(out, "not signed");
	else if (strcmp(result, "pass") == 0)
		buf_addf(out, "signed, but by %s", domain);
	else
		buf_addf(out, "%s (%s)", result, domain);
}

static void
say_spf(sqlite3_stmt *st, struct buf *out)
{
	const char *domain = text(st, 10), *result = text(st, 11);

	if (sqlite3_column_int(st, 4))
		buf_adds(out, "good");
	else if (result[0] == '\0' || strcmp(result, "none") == 0)
		buf_adds(out, "none");
	else if (strcmp(result, "pass") == 0)
		buf_addf(out, "allowed, but for %s", domain);
	else
		buf_addf(out, "%s (%s)", result, domain);
}

static void
say_end(sqlite3_stmt *st, struct buf *out)
{
	const char *disposition = text(st, 5), *reason = text(st, 6);

	if (strcmp(disposition, "reject") == 0)
		buf_adds(out, "refused");
	else if (strcmp(disposition, "quarantine") == 0)
		buf_adds(out, "put aside as spam");
	else
		buf_adds(out, "delivered");
	if (reason[0] != '\0')
		buf_addf(out, " (%s)", reason);
}

static void
add_cell(struct buf *out, const struct buf *cell, int width)
{
	buf_addf(out, "  %-*.*s", width, (int)cell->n, cell->p);
}

static void
add_line(sqlite3_stmt *st, const char *domain, int width, struct buf *out)
{
	struct buf cell = BUF_INIT(2048);

	buf_addf(out, "%9lld", (long long)sqlite3_column_int64(st, 0));
	buf_adds(out, sqlite3_column_int(st, 3) || sqlite3_column_int(st, 4) ?
	    "  yes    " : "  no     ");
	buf_adds(&cell, text(st, 1));
	add_cell(out, &cell, width);
	buf_clear(&cell);
	say_dkim(st, &cell);
	add_cell(out, &cell, 32);
	buf_clear(&cell);
	say_spf(st, &cell);
	add_cell(out, &cell, 32);
	buf_clear(&cell);
	say_end(st, &cell);
	if (text(st, 2)[0] != '\0' && strcmp(text(st, 2), domain) != 0)
		buf_addf(&cell, ", From: %s", text(st, 2));
	buf_addf(out, "  %.*s\n", (int)cell.n, cell.p);
	buf_release(&cell);
}

static int
add_lines(sqlite3 *db, const struct base_query *q, const char *domain,
    int width, struct buf *out)
{
	sqlite3_stmt *st = NULL;
	int64_t rest = 0;
	int n = 0, rc;

	if (sqlite3_prepare_v2(db, sql_lines, -1, &st, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_int64(st, 1, q->since);
	sqlite3_bind_text(st, 2, domain, -1, SQLITE_TRANSIENT);
	buf_addf(out, "%9s  ALIGNED  %-*s  %-32s  %-32s  %s\n", "MESSAGES",
	    width, "SENT BY", "DKIM SIGNATURE", "SPF", "WHAT BECAME OF IT");
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (n++ < LINES)
			add_line(st, domain, width, out);
		else
			rest += sqlite3_column_int64(st, 0);
	}
	if (rest > 0)
		buf_addf(out, "%9lld  others\n", (long long)rest);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void
bind(sqlite3_stmt *st, const struct base_query *q)
{
	sqlite3_bind_int64(st, 1, q->since);
	/* An empty slice may have no address, which would be NULL. */
	sqlite3_bind_text(st, 2, q->domain.n > 0 ? q->domain.p : "",
	    (int)q->domain.n, SQLITE_TRANSIENT);
}

static void
add_count(struct buf *out, long long n, const char *what)
{
	buf_addf(out, "%lld %s%s", n, what, n == 1 ? "" : "s");
}

static void
add_domain(sqlite3_stmt *st, struct buf *out)
{
	long long all = sqlite3_column_int64(st, 5);
	long long good = sqlite3_column_int64(st, 6);
	long long unverified = sqlite3_column_int64(st, 8);

	buf_addf(out, "%s: ", text(st, 0));
	add_count(out, all, "message");
	buf_adds(out, " in ");
	add_count(out, sqlite3_column_int64(st, 1), "report");
	buf_adds(out, " of ");
	add_count(out, sqlite3_column_int64(st, 2), "receiver");
	buf_addf(out, ", %s to %s\n%lld of them could be told to be yours, "
	    "%lld could not; your policy is \"%s\".\n", text(st, 3),
	    text(st, 4), good, all - good, text(st, 7));
	if (unverified > 0)
		buf_addf(out, "%lld of them are from reports that anybody "
		    "could have written: their mail did not pass DMARC.\n",
		    unverified);
	buf_addc(out, '\n');
}

/* What to do about it. */
static void
add_advice(struct buf *out)
{
	buf_adds(out, "\n"
	    "ALIGNED yes: a DKIM signature or SPF shows that the message is "
	    "from the domain.\n"
	    "ALIGNED no, from a host that sends for you: let it sign with a "
	    "DKIM key of the\n"
	    "domain, or send with an address of the domain and be listed in "
	    "its SPF record.\n"
	    "ALIGNED no, from anybody else: a forgery, or mail of yours that "
	    "was forwarded or\n"
	    "went through a mailing list. With p=quarantine or p=reject "
	    "forgeries are stopped.\n");
}

static int
show_text(sqlite3 *db, const struct base_query *q, struct buf *out)
{
	sqlite3_stmt *st = NULL;
	bool any = false, all_good = true;
	int rc, r = 0;

	if (sqlite3_prepare_v2(db, sql_domains, -1, &st, NULL) != SQLITE_OK)
		return -1;
	bind(st, q);
	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int width = sqlite3_column_int(st, 9);

		if (any)
			buf_addc(out, '\n');
		add_domain(st, out);
		any = true;
		all_good &= sqlite3_column_int64(st, 5) ==
		    sqlite3_column_int64(st, 6);
		r = add_lines(db, q, text(st, 0), width < SOURCE_MIN ?
		    SOURCE_MIN : width > SOURCE_MAX ? SOURCE_MAX : width, out);
	}
	sqlite3_finalize(st);
	if (!any)
		buf_adds(out, "No reports for this time. Receivers send them "
		    "once a day to the rua= address of your DMARC record, if "
		    "it is a mailbox here.\n");
	else if (!all_good)
		add_advice(out);
	return r;
}

static int
show_json(sqlite3 *db, const struct base_query *q, struct buf *out)
{
	sqlite3_stmt *st = NULL;
	int r = -1;

	if (sqlite3_prepare_v2(db, sql_json, -1, &st, NULL) != SQLITE_OK)
		return -1;
	bind(st, q);
	if (sqlite3_step(st) == SQLITE_ROW) {
		buf_addf(out, "%s\n", text(st, 0));
		r = 0;
	}
	sqlite3_finalize(st);
	return r;
}

int
show(sqlite3 *db, const struct base_query *q, struct buf *out)
{
	return q->json ? show_json(db, q, out) : show_text(db, q, out);
}
