#include "store/quota.h"

#include "core/log.h"
#include "store/mailbox.h"

/* Trash may hold more, so that a full mailbox can be emptied by programs that
 * copy there first (dms-compat 5.8). */
#define TRASH_EXTRA (50ull << 20)

enum quota_warning { WARN_NOTHING, WARN_BELOW, WARN_80, WARN_95 };

static const char *const warning_texts[] = {
	[WARN_BELOW] = "below%", [WARN_80] = "80%", [WARN_95] = "95%",
};

void
store_user_set_quota(struct store_user *u, const struct store_quota *quota)
{
	u->quota.limit = *quota;
}

bool
store_user_usage(struct store_user *u, struct store_usage *out)
{
	bool fresh = u->quota.fresh;

	*out = u->quota.held;
	u->quota.fresh = false;
	return fresh;
}

static bool
is_limited(const struct quota *q)
{
	return q->limit.bytes > 0 || q->limit.messages > 0;
}

static enum store_err
total(struct index *ix, struct store_usage *out)
{
	sqlite3_stmt *st = index_query(ix, SQL_USAGE, "");
	enum store_err err = STORE_OK;

	*out = (struct store_usage){ 0 };
	if (index_step(ix, st, &err) > 0) {
		out->bytes = (uint64_t)sqlite3_column_int64(st, 0);
		out->messages = (uint64_t)sqlite3_column_int64(st, 1);
		index_done(st);
	}
	return err;
}

/* ---- changes ------------------------------------------------------------- */

void
quota_begin(struct store_user *u)
{
	u->quota.change = (struct store_usage){ 0 };
	u->quota.warning = WARN_NOTHING;
}

void
quota_change(struct store_user *u, uint64_t from_bytes,
    uint32_t from_messages, uint64_t to_bytes, uint32_t to_messages)
{
	u->quota.change.bytes += to_bytes - from_bytes;
	u->quota.change.messages += (uint64_t)to_messages - from_messages;
}

/* The one warning for a step, the worst first, as Dovecot does it. */
static enum quota_warning
warning_for(uint64_t limit, uint64_t from, uint64_t to)
{
	uint64_t at80 = limit / 100 * 80 + limit % 100 * 80 / 100;
	uint64_t at95 = limit / 100 * 95 + limit % 100 * 95 / 100;

	if (limit == 0)
		return WARN_NOTHING;
	if (from < at95 && to >= at95)
		return WARN_95;
	if (from < at80 && to >= at80)
		return WARN_80;
	return from >= limit && to < limit ? WARN_BELOW : WARN_NOTHING;
}

enum store_err
quota_settle(struct store_user *u, struct index *ix)
{
	struct quota *q = &u->quota;
	enum store_err err;

	if (!is_limited(q) ||
	    (q->change.bytes == 0 && q->change.messages == 0))
		return STORE_OK;
	err = total(ix, &q->held);
	if (err != STORE_OK)
		return err;
	q->fresh = true;
	if (!q->telling)
		q->warning = warning_for(q->limit.bytes,
		    q->held.bytes - q->change.bytes, q->held.bytes);
	return STORE_OK;
}

/* Exactly the headers that docker-mailserver's warning has. */
static enum store_err
tell(struct store_user *u, const char *what)
{
	struct slice address = slice_str(u->address);
	struct store_appended done;
	struct store_append *a;
	char text[512];
	enum store_err err;

	snprintf(text, sizeof(text), "From: postmaster@%.*s\n"
	    "Subject: quota warning\n\nYour mailbox is now %s full.\n",
	    SLICE_ARG(slice_from(address,
	    (size_t)slice_rfind(address, '@') + 1)), what);
	err = store_append_begin(u, S("INBOX"), true, &a);
	if (err != STORE_OK)
		return err;
	append_set_quota(a, QUOTA_EXEMPT);
	store_append_data(a, slice_str(text));
	store_append_message(a, &(struct store_append_meta){ 0 });
	return store_append_commit(a, &done);
}

void
quota_end(struct store_user *u, bool ok)
{
	unsigned warning = u->quota.warning;
	struct log_line l;
	enum store_err err;

	quota_begin(u);
	if (!ok || warning == WARN_NOTHING)
		return;
	u->quota.telling = true;
	err = tell(u, warning_texts[warning]);
	u->quota.telling = false;
	log_begin(&l, err == STORE_OK ? LOG_INFO : LOG_WARN, "quota-warning");
	log_str(&l, "user", u->address);
	log_str(&l, "full", warning_texts[warning]);
	log_num(&l, "bytes", (long long)u->quota.held.bytes);
	log_num(&l, "limit", (long long)u->quota.limit.bytes);
	if (err != STORE_OK)
		log_str(&l, "error", store_err_text(err));
	log_end(&l);
}

/* ---- additions ----------------------------------------------------------- */

/* What t holds beyond what the index has in its row. */
static void
add_unsaved(struct store_usage *held, const struct mailbox_txn *t)
{
	held->bytes += t->row.bytes - t->loaded.bytes;
	held->messages += t->row.messages - t->loaded.messages;
}

static bool
fits(const struct store_quota *limit, const struct store_usage *held,
    enum quota_kind kind, uint64_t bytes, uint64_t messages, bool trash)
{
	uint64_t most = limit->bytes + (trash ? TRASH_EXTRA : 0);

	if (limit->messages > 0 && held->messages + messages > limit->messages)
		return false;
	if (limit->bytes == 0)
		return true;
	if (kind == QUOTA_DELIVER) {
		if (held->bytes >= most)
			return false;
		most += limit->bytes / 10;
	}
	return held->bytes <= most && bytes <= most - held->bytes;
}

static enum store_err
judge(struct quota *q, const struct store_usage *held, struct slice mailbox,
    enum quota_kind kind, uint64_t bytes, uint64_t messages)
{
	if (fits(&q->limit, held, kind, bytes, messages,
	    slice_eq(mailbox, S("Trash"))))
		return STORE_OK;
	q->held = *held;
	q->fresh = true;
	return STORE_QUOTA;
}

enum store_err
quota_check(const struct mailbox_txn *t, const struct mailbox_txn *other,
    enum quota_kind kind, uint64_t bytes, uint64_t messages)
{
	struct quota *q = &t->user->quota;
	struct store_usage held;
	enum store_err err;

	if (kind == QUOTA_EXEMPT || !is_limited(q))
		return STORE_OK;
	err = total(t->ix, &held);
	if (err != STORE_OK)
		return err;
	add_unsaved(&held, t);
	if (other != NULL)
		add_unsaved(&held, other);
	return judge(q, &held, slice_str(t->row.name), kind, bytes, messages);
}

enum store_err
quota_fits(struct store_user *u, struct slice mailbox, enum quota_kind kind,
    uint64_t bytes, uint64_t messages)
{
	struct store_usage held;
	struct index *ix;
	enum store_err err;

	if (kind == QUOTA_EXEMPT || !is_limited(&u->quota))
		return STORE_OK;
	err = index_take(u, &ix);
	if (err != STORE_OK)
		return err;
	err = total(ix, &held);
	index_give(u, ix);
	return err != STORE_OK ? err : judge(&u->quota, &held, mailbox, kind,
	    bytes, messages);
}

/* ---- from outside -------------------------------------------------------- */

enum store_err
store_usage_at(const char *path, struct store_usage *out)
{
	static const char query[] = "SELECT total(bytes), total(messages),"
	    " (SELECT user_version FROM pragma_user_version) FROM mailbox";
	struct buf file = BUF_INIT(4096);
	enum store_err err = STORE_NO_MAILBOX;
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;

	buf_addf(&file, "%s/" INDEX_FILE, path);
	*out = (struct store_usage){ 0 };
	if (buf_ok(&file) && sqlite3_open_v2(buf_str(&file), &db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL) == SQLITE_OK &&
	    sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, query, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW &&
	    sqlite3_column_int(st, 2) == INDEX_VERSION) {
		out->bytes = (uint64_t)sqlite3_column_int64(st, 0);
		out->messages = (uint64_t)sqlite3_column_int64(st, 1);
		err = STORE_OK;
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	buf_release(&file);
	return err;
}
