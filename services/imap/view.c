#include "services/imap/view.h"

#include "services/imap/output.h"
#include "store/finder.h"

size_t
view_lower(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->uids[mid] < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t
view_seq(const struct view *v, uint32_t uid)
{
	size_t i = view_lower(v, uid);

	return i < v->n && v->uids[i] == uid ? (uint32_t)i + 1 : 0;
}

uint32_t
view_seq_next(const struct view *v, uint32_t uid, size_t *at)
{
	if (*at >= v->n || v->uids[*at] != uid)
		*at = view_lower(v, uid);
	if (*at >= v->n || v->uids[*at] != uid)
		return 0;
	return (uint32_t)++*at;
}

/* Its messages are uids[*low] up to uids[*high - 1]. */
static void
range_in_view(const struct view *v, const struct store_range *r, size_t *low,
    size_t *high)
{
	*low = view_lower(v, r->first);
	*high = r->last == STORE_UID_MAX ? v->n : view_lower(v, r->last + 1);
}

size_t
view_count(const struct view *v, const struct store_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->n; i++) {
		size_t low, high;

		range_in_view(v, &set->r[i], &low, &high);
		count += high - low;
	}
	return count;
}

uint32_t
view_cut(const struct view *v, struct store_set *set, uint64_t n)
{
	uint32_t first = 0;

	for (size_t i = set->n; i > 0; i--) {
		size_t low, high;

		range_in_view(v, &set->r[i - 1], &low, &high);
		if (high - low > n) {
			if (n > 0)
				first = v->uids[high - n];
			store_set_remove(set, 1, first - 1);
			return first;
		}
		n -= high - low;
		if (high > low)
			first = v->uids[low];
	}
	return 0;
}

/* ---- sequence sets -------------------------------------------------------- */

static int
range_order(const void *pa, const void *pb)
{
	const struct store_range *a = pa, *b = pb;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return 0;
}

/*
 * Ranges of sequence numbers become ranges of UIDs. Between two neighbours of
 * the view there is no other message, so one range stays one range.
 */
static bool
resolve_range(const struct view *v, struct seq_range in, bool uid,
    struct store_range *out)
{
	uint32_t max = uid ? v->uids[v->n - 1] : (uint32_t)v->n;
	uint32_t a = in.first != 0 ? in.first : max;
	uint32_t b = in.last != 0 ? in.last : max;
	bool exists = true;

	out->first = a < b ? a : b;
	out->last = a < b ? b : a;
	if (uid) {
		/* What the client has not been told of is not in its set. */
		if (out->last > max)
			out->last = max;
		return out->first <= max;
	}
	if (out->first > max) {
		*out = (struct store_range){ 1, 0 };
		return false;
	}
	if (out->last > max) {
		out->last = max;
		exists = false;
	}
	out->first = v->uids[out->first - 1];
	out->last = v->uids[out->last - 1];
	return exists;
}

static bool
resolve(const struct view *v, const struct seq_set *set, bool uid,
    struct store_set *out)
{
	struct store_range *ranges;
	size_t n = 0;
	bool all = true;

	if (set->saved) {
		for (size_t i = 0; i < v->saved.n; i++)
			store_set_add(out, v->saved.r[i].first,
			    v->saved.r[i].last);
		return true;
	}
	if (v->n == 0) {
		/* "1:*" and "*" are harmless in an empty mailbox. */
		for (size_t i = 0; i < set->n; i++)
			if (set->r[i].first != 0 && set->r[i].last != 0)
				all = false;
		return all || uid;
	}
	ranges = mem_array(set->n, sizeof(*ranges));
	for (size_t i = 0; i < set->n; i++) {
		bool exists = resolve_range(v, set->r[i], uid, &ranges[n]);

		all = all && exists;
		if (ranges[n].first <= ranges[n].last)
			n++;
	}
	/* In order, because additions elsewhere would cost O(n) each. */
	qsort(ranges, n, sizeof(*ranges), range_order);
	for (size_t i = 0; i < n; i++)
		store_set_add(out, ranges[i].first, ranges[i].last);
	mem_free(ranges);
	return all || uid;
}

int
view_resolve(const struct view *v, const struct seq_set *set, bool uid,
    struct store_set *out, const char **why)
{
	if (resolve(v, set, uid, out))
		return 0;
	return fail(why, "No such message number");
}

void
view_resolve_lenient(const struct view *v, const struct seq_set *set, bool uid,
    struct store_set *out)
{
	(void)resolve(v, set, uid, out);
}

/* ---- opening -------------------------------------------------------------- */

static void
tell_numbers(const struct view *v, struct buf *out)
{
	buf_addf(out, "* %zu EXISTS\r\n", v->n);
	if (!v->rev2)
		buf_addf(out, "* %zu RECENT\r\n",
		    view_count(v, &v->recent));
}

/* What the rights let the client change (RFC 4314 5.1.1). */
static void
put_permanent(const struct view *v, const char *const *names, size_t n,
    struct buf *out)
{
	bool write = (v->rights & ACL_WRITE) != 0;
	unsigned flags = STORE_FLAGS;

	box_limit_flags(v->rights, &flags, &n);
	out_flag_names(out, flags, names, n, write ? "\\*" : NULL);
}

enum store_err
view_tell_keywords(struct view *v, struct buf *out, bool always)
{
	const char *const *names;
	size_t n;
	enum store_err err = store_mailbox_keywords(v->mailbox, &names, &n);

	if (err != STORE_OK || (n == v->keywords && !always))
		return err;
	v->keywords = n;
	buf_adds(out, "* FLAGS ");
	out_flag_names(out, STORE_FLAGS, names, n, NULL);
	buf_adds(out, "\r\n* OK [PERMANENTFLAGS ");
	if (v->read_only)
		buf_adds(out, "()] Read-only mailbox.\r\n");
	else {
		put_permanent(v, names, n, out);
		buf_adds(out, "] Flags permitted.\r\n");
	}
	return STORE_OK;
}

/* Claims what arrived as recent (RFC 3501 2.3.2); EXAMINE only looks. */
static enum store_err
take_recent(struct view *v)
{
	uint32_t from, to;
	enum store_err err =
	    store_mailbox_recent(v->mailbox, !v->read_only, &from, &to);

	if (err == STORE_OK && from < to && !v->rev2)
		store_set_add(&v->recent, from, to - 1);
	return err;
}

static enum store_err
load(struct view *v, struct store_status *st)
{
	enum store_err err = store_mailbox_sync(v->mailbox);

	if (err != STORE_OK)
		return err;
	/* Taking recent files changes the mailbox; the MODSEQ is read before
	 * the UIDs, so that whatever comes in between is seen again. */
	err = take_recent(v);
	if (err == STORE_OK)
		err = store_mailbox_status(v->mailbox, st);
	if (err == STORE_OK)
		err = store_mailbox_uids(v->mailbox, &v->uids, &v->n);
	v->cap = v->n;
	v->modseq = v->gone_modseq = st->highestmodseq;
	v->uidvalidity = st->uidvalidity;
	return err;
}

enum store_err
view_open(const struct box *box, bool read_only, bool rev2, bool uidonly,
    struct view **out_view, struct buf *out)
{
	struct view *v = mem_zero(sizeof(*v));
	struct store_status st = { 0 };
	enum store_err err =
	    store_mailbox_open(box->user, box->name, false, &v->mailbox);

	v->rights = box->rights;
	v->prefix = slice_dup(box->prefix);
	/* RFC 4314 5.2 */
	v->read_only = read_only ||
	    (box->rights & (ACL_INSERT | ACL_EXPUNGE | ACL_FLAGS)) == 0;
	v->rev2 = rev2;
	v->uidonly = uidonly;
	if (err == STORE_OK)
		err = load(v, &st);
	if (err == STORE_OK)
		err = view_tell_keywords(v, out, true);
	if (err != STORE_OK) {
		view_free(v);
		return err;
	}
	tell_numbers(v, out);
	if (!rev2 && !uidonly && view_seq(v, st.first_unseen) != 0)
		buf_addf(out, "* OK [UNSEEN %u] First unseen.\r\n",
		    view_seq(v, st.first_unseen));
	buf_addf(out,
	    "* OK [UIDVALIDITY %u] UIDs valid.\r\n"
	    "* OK [UIDNEXT %u] Predicted next UID.\r\n"
	    "* OK [HIGHESTMODSEQ %llu] Highest.\r\n",
	    st.uidvalidity, st.uidnext, (unsigned long long)st.highestmodseq);
	/* RFC 8474 4.2 */
	buf_addf(out, "* OK [MAILBOXID (F%s)] Its identity.\r\n", st.guid);
	store_gather(v->mailbox);
	*out_view = v;
	return STORE_OK;
}

void
view_set_rev2(struct view *v)
{
	v->rev2 = true;
	store_set_clear(&v->recent);
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	if (v->mailbox != NULL)
		store_mailbox_close(v->mailbox);
	store_set_release(&v->recent);
	store_set_release(&v->saved);
	mem_free(v->uids);
	mem_free(v->prefix);
	mem_free(v);
}

/* ---- changes -------------------------------------------------------------- */

/* Tells and forgets the messages of gone that the client knows. */
static size_t
tell_expunged(struct view *v, const struct store_set *gone, bool uids,
    struct buf *out)
{
	struct store_set known = STORE_SET_INIT;
	size_t kept = 0, range = 0;

	for (size_t i = 0; i < v->n; i++) {
		uint32_t uid = v->uids[i];

		while (range < gone->n && gone->r[range].last < uid)
			range++;
		if (range == gone->n || uid < gone->r[range].first) {
			v->uids[kept++] = uid;
			continue;
		}
		/* Each EXPUNGE moves the numbers behind it (7.4.1). */
		if (uids)
			store_set_add(&known, uid, uid);
		else
			buf_addf(out, "* %zu EXPUNGE\r\n", kept + 1);
	}
	if (known.n > 0) {
		buf_adds(out, "* VANISHED ");
		store_set_format(&known, out);
		buf_adds(out, "\r\n");
	}
	store_set_release(&known);
	size_t told = v->n - kept;
	v->n = kept;
	return told;
}

struct telling {
	struct view *v;
	const struct view_report *how;
	struct buf *out;
	size_t added;
};

static bool
is_own(const struct view_report *how, const struct store_message *msg)
{
	for (size_t i = how->n_own; i > 0; i--)
		if (how->own[i - 1] == msg->modseq)
			return store_set_has(how->own_set, msg->uid);
	return false;
}

static int
tell_message(void *ctx, const struct store_message *msg)
{
	struct telling *t = ctx;
	struct view *v = t->v;
	uint32_t seq;

	if (t->how->changed != NULL)
		store_set_add(t->how->changed, msg->uid, msg->uid);
	if (v->n == 0 || msg->uid > v->uids[v->n - 1]) {
		if (v->n == v->cap) {
			v->cap = v->cap < 8 ? 8 : v->cap + v->cap / 4;
			v->uids = mem_grow(v->uids, v->cap, sizeof(*v->uids));
		}
		v->uids[v->n++] = msg->uid;
		t->added++;
		if (t->how->arrived != NULL)
			store_set_add(t->how->arrived, msg->uid, msg->uid);
		if (t->how->fresh != NULL)
			store_set_add(t->how->fresh, msg->uid, msg->uid);
		return 0;
	}
	seq = view_seq(v, msg->uid);
	if (seq == 0 || t->how->no_flags || is_own(t->how, msg))
		return 0;
	out_fetch(t->out, v->uidonly, seq, msg->uid, true);
	buf_adds(t->out, "FLAGS ");
	out_flags(t->out, msg->flags, msg->keywords, msg->n_keywords,
	    store_set_has(&v->recent, msg->uid));
	if (t->how->condstore)
		buf_addf(t->out, " MODSEQ (%llu)",
		    (unsigned long long)msg->modseq);
	buf_adds(t->out, ")\r\n");
	return 0;
}

static enum store_err
refresh_gone(struct view *v, const struct view_report *how, uint64_t now,
    struct buf *out)
{
	struct store_set gone = STORE_SET_INIT;
	enum store_err err;

	if (v->gone_modseq >= now)
		return STORE_OK;
	err = store_vanished(v->mailbox, v->gone_modseq, &gone);
	if (err == STORE_OK && !how->expunge && view_count(v, &gone) > 0) {
		*how->issued = true;
	} else if (err == STORE_OK) {
		if (how->gone != NULL)
			how->gone(how->arg, &gone, out);
		tell_expunged(v, &gone, how->qresync || v->uidonly, out);
		v->gone_modseq = now;
	}
	store_set_release(&gone);
	return err;
}

enum store_err
view_refresh(struct view *v, const struct view_report *how, struct buf *out)
{
	struct telling t = { .v = v, .how = how, .out = out };
	struct store_walk walk = { .since = v->modseq };
	enum store_err err = STORE_OK;
	uint64_t now;

	if (how->sync)
		err = store_mailbox_sync(v->mailbox);
	if (err == STORE_OK)
		err = store_mailbox_modseq(v->mailbox, &now);
	if (err != STORE_OK)
		return err;
	/* Expunges first: a message that came and went in between must never
	 * be expunged before the client was told that it exists. */
	err = refresh_gone(v, how, now, out);
	if (err != STORE_OK || v->modseq >= now || how->only_gone)
		return err;
	err = view_tell_keywords(v, out, false);
	if (err == STORE_OK)
		err = store_walk(v->mailbox, &walk, tell_message, &t, NULL);
	if (err != STORE_OK)
		return err;
	v->modseq = now;
	if (t.added > 0) {
		err = take_recent(v);
		tell_numbers(v, out);
		store_gather(v->mailbox);
	}
	return err;
}
