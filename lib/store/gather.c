/*
 * Building the search index: a thread of the store with the lowest priority
 * takes the mailboxes that somebody looked into, one after the other, some
 * messages at a time. What it has done is committed by and by; what a crash
 * leaves out is done next time.
 */
#include "store/gather.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <limits.h>
#include <signal.h>

#include "core/log.h"
#include "core/now.h"
#include "mail/texts.h"
#include "store/finder.h"
#include "store/signatures.h"

#define DELAY_MS 300       /* who opens a mailbox comes first */
#define REST_MS 600000     /* after a failure */
#define RETRY_MS 1000      /* after one that passes, FAILURES times */
#define FAILURES 3
#define TURN 2000          /* messages of a mailbox, then another has its turn */
#define BATCH 64           /* messages in a transaction */
#define BATCH_BYTES 262144 /* of signatures */
#define DROP_BATCH 1000
#define WISHES 1000
/* So many messages that are gone may stay, and so many of a mailbox's. */
#define DEAD 20
#define DEAD_PART 20

struct wish {
	struct list link;
	char *address;
	char *root;
	int64_t mailbox;
	uint64_t due_ms; /* not before */
	unsigned failures; /* in a row */
	bool running;
	bool again;      /* was wished for while it ran */
	bool resting;    /* of no use for any mailbox of the user until due */
};

/* A mailbox having its turn. */
struct turn {
	struct store *store;
	struct store_mailbox *box;
	struct signatures db;
	struct signed_box signed_box;
	uint32_t *uids; /* without signatures, ascending */
	size_t n;
	size_t at;
	struct gram_set *head;
	struct gram_set *body;
	bool beyond; /* a text of the message at hand is too long */
	/* Of the messages from uids[batch] to uids[at]. */
	struct buf signatures;
	struct signed_message {
		size_t head, body; /* lengths */
		bool there;
	} made[BATCH];
	size_t batch;
};

/* ---- one message ---------------------------------------------------------- */

static void
on_texts(void *ctx, struct texts *t)
{
	struct turn *k = ctx;
	struct buf *all[] = { &t->header, &t->plain, &t->html };

	gram_set_add(k->head, buf_slice(&t->header));
	gram_set_add(k->body, buf_slice(&t->plain));
	gram_set_add(k->body, buf_slice(&t->html));
	for (size_t i = 0; i < LEN(all); i++) {
		k->beyond = k->beyond || !buf_ok(all[i]);
		buf_clear(all[i]);
	}
}

/* One that cannot be read gets signatures that rule nothing out. */
static enum store_err
sign(struct turn *k, uint32_t uid, struct signed_message *out)
{
	struct texts texts;
	struct store_body body;
	enum store_err err = store_body_open(k->box, uid, &body);
	size_t start = k->signatures.n;

	*out = (struct signed_message){ .there = err != STORE_NO_MESSAGE };
	if (err == STORE_AGAIN || err == STORE_NO_MAILBOX)
		return err;
	if (err != STORE_OK)
		return STORE_OK;
	gram_set_clear(k->head);
	gram_set_clear(k->body);
	k->beyond = false;
	texts_init(&texts, LIMIT_SEARCH_INDEX_TEXT);
	texts_make(&texts, body.text, TEXTS_ALL, on_texts, k);
	texts_release(&texts);
	if (!store_body_close(&body) || k->beyond)
		return STORE_OK;
	gram_signature(&k->signatures, k->head);
	out->head = k->signatures.n - start;
	gram_signature(&k->signatures, k->body);
	out->body = k->signatures.n - start - out->head;
	return STORE_OK;
}

/* ---- batches -------------------------------------------------------------- */

/* Ends a transaction, in whichever way it went. */
static enum store_err
end(struct turn *k, enum store_err err)
{
	if (err == STORE_OK)
		err = signatures_exec(&k->db, SIG_COMMIT, "");
	if (err != STORE_OK && sqlite3_get_autocommit(k->db.db) == 0)
		signatures_exec(&k->db, SIG_ROLLBACK, "");
	return err;
}

static enum store_err
put(struct turn *k, size_t i, struct slice *rest)
{
	const struct signed_message *m = &k->made[i - k->batch];
	int64_t key = index_key(k->signed_box.id, k->uids[i]);
	enum store_err err = STORE_OK;

	if (m->there) {
		err = signatures_exec(&k->db, SIG_HEAD_ADD, "ib", key,
		    slice_head(*rest, m->head));
		*rest = slice_from(*rest, m->head);
		k->signed_box.messages++;
	}
	if (err == STORE_OK && m->there) {
		err = signatures_exec(&k->db, SIG_BODY_ADD, "ib", key,
		    slice_head(*rest, m->body));
		*rest = slice_from(*rest, m->body);
	}
	if (k->uids[i] >= k->signed_box.next)
		k->signed_box.next = k->uids[i] + 1;
	return err;
}

static enum store_err
save_box(struct turn *k)
{
	return signatures_exec(&k->db, SIG_BOX_SAVE, "iii", k->signed_box.id,
	    (int64_t)k->signed_box.next, (int64_t)k->signed_box.messages);
}

/* Writes what was made of uids[batch] to uids[at]. */
static enum store_err
save(struct turn *k)
{
	struct slice rest = buf_slice(&k->signatures);
	enum store_err err = signatures_exec(&k->db, SIG_BEGIN, "");

	for (size_t i = k->batch; err == STORE_OK && i < k->at; i++)
		err = put(k, i, &rest);
	if (err == STORE_OK)
		err = save_box(k);
	buf_clear(&k->signatures);
	k->batch = k->at;
	return end(k, err);
}

static enum store_err
sign_some(struct turn *k)
{
	enum store_err err = STORE_OK;

	while (err == STORE_OK && k->at < k->n && k->at < TURN &&
	       !gather_must_end(k->store)) {
		err = sign(k, k->uids[k->at], &k->made[k->at - k->batch]);
		if (err != STORE_OK)
			break;
		k->at++;
		/* Deleted while we work: whoever looks again begins anew. */
		if (signatures_replaced(&k->db))
			return STORE_CORRUPT;
		if (k->at - k->batch == BATCH ||
		    k->signatures.n >= BATCH_BYTES)
			err = save(k);
	}
	if (k->at > k->batch && (err == STORE_OK || err == STORE_AGAIN)) {
		enum store_err saved = save(k);

		return err == STORE_OK ? saved : err;
	}
	return err;
}

/* ---- what is to be done --------------------------------------------------- */

/* Removes the signatures of messages that are gone. */
static enum store_err
drop(struct turn *k, const uint32_t *dead, size_t n)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; err == STORE_OK && i < n; i++) {
		int64_t key = index_key(k->signed_box.id, dead[i]);

		if (i % DROP_BATCH == 0)
			err = signatures_exec(&k->db, SIG_BEGIN, "");
		if (err == STORE_OK)
			err = signatures_exec(&k->db, SIG_HEAD_DROP, "i", key);
		if (err == STORE_OK)
			err = signatures_exec(&k->db, SIG_BODY_DROP, "i", key);
		k->signed_box.messages--;
		if (i % DROP_BATCH != DROP_BATCH - 1 && i != n - 1 &&
		    err == STORE_OK)
			continue;
		if (err == STORE_OK)
			err = save_box(k);
		err = end(k, err);
	}
	return err;
}

/*
 * Compares what has signatures with uids, the messages that are there: drops
 * the first, leaves in uids what has none.
 */
static enum store_err
compare(struct turn *k)
{
	uint32_t *dead = NULL, rows = 0;
	size_t n_dead = 0, cap = 0, i = 0, left = 0;
	enum store_err err = STORE_OK;
	sqlite3_stmt *st = signatures_query(&k->db, SIG_IDS, "ii",
	    index_key(k->signed_box.id, 0),
	    index_key(k->signed_box.id, STORE_UID_MAX));

	while (signatures_step(&k->db, st, &err) > 0) {
		uint32_t uid = (uint32_t)sqlite3_column_int64(st, 0);

		rows++;
		while (i < k->n && k->uids[i] < uid)
			k->uids[left++] = k->uids[i++];
		if (i < k->n && k->uids[i] == uid) {
			i++;
			continue;
		}
		if (n_dead == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			dead = mem_grow(dead, cap, sizeof(*dead));
		}
		dead[n_dead++] = uid;
	}
	while (i < k->n)
		k->uids[left++] = k->uids[i++];
	k->n = left;
	k->signed_box.messages = rows;
	if (err == STORE_OK)
		err = drop(k, dead, n_dead);
	mem_free(dead);
	return err;
}

/* Fills in uids. Most often the new messages are all there is to do. */
static enum store_err
find_work(struct turn *k)
{
	enum store_err err = store_mailbox_uids(k->box, &k->uids, &k->n);
	size_t known = 0, have = k->signed_box.messages;

	if (err != STORE_OK)
		return err;
	while (known < k->n && k->uids[known] < k->signed_box.next)
		known++;
	if (have < known || have > known + DEAD + known / DEAD_PART)
		return compare(k);
	k->n -= known;
	if (k->n > 0)
		memmove(k->uids, k->uids + known, k->n * sizeof(*k->uids));
	return STORE_OK;
}

/* ---- mailboxes ------------------------------------------------------------ */

/* Removes a mailbox and what it had, a little at a time. */
static enum store_err
drop_box(struct turn *k, int64_t id)
{
	static const enum signatures_sql all[] = { SIG_HEADS_DROP,
		SIG_BODIES_DROP };
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < LEN(all); i++)
		do {
			err = signatures_exec(&k->db, all[i], "iii",
			    index_key(id, 0), index_key(id, STORE_UID_MAX),
			    (int64_t)DROP_BATCH);
		} while (err == STORE_OK && sqlite3_changes(k->db.db) > 0 &&
		    !gather_must_end(k->store));
	if (err == STORE_OK && !gather_must_end(k->store))
		err = signatures_exec(&k->db, SIG_BOX_DROP, "i", id);
	return err;
}

/* True if the user has a mailbox of this GUID and UIDVALIDITY. */
static bool
exists(struct turn *k, struct slice guid, uint32_t uidvalidity)
{
	struct index *ix;
	enum store_err err = index_take(k->box->user, &ix);
	struct mailbox_row row;

	/* Not known for sure: it stays. */
	if (err != STORE_OK)
		return true;
	err = mailbox_row_by_guid(ix, guid, &row);
	index_give(k->box->user, ix);
	return err == STORE_OK ? row.uidvalidity == uidvalidity :
	    err != STORE_NO_MAILBOX;
}

/* Forgets mailboxes that are gone. */
static enum store_err
drop_boxes(struct turn *k)
{
	int64_t gone[64];
	size_t n = 0;
	enum store_err err = STORE_OK;
	sqlite3_stmt *st = signatures_query(&k->db, SIG_BOX_GUIDS, "");

	while (n < LEN(gone) && signatures_step(&k->db, st, &err) > 0)
		if (!exists(k, index_column(st, 1),
		    (uint32_t)sqlite3_column_int64(st, 2)))
			gone[n++] = sqlite3_column_int64(st, 0);
	index_done(st);
	for (size_t i = 0; err == STORE_OK && i < n; i++)
		err = drop_box(k, gone[i]);
	return err;
}

static enum store_err
find_box(struct turn *k)
{
	char guid[33];
	uint32_t uidvalidity;
	enum store_err err = signatures_whose(k->box, guid, &uidvalidity);

	if (err != STORE_OK)
		return err;
	err = signatures_box(&k->db, guid, uidvalidity, &k->signed_box);
	if (err != STORE_NO_MAILBOX)
		return err;
	/* One of another UIDVALIDITY is in the way. */
	if (k->signed_box.id != 0)
		err = drop_box(k, k->signed_box.id);
	else
		err = STORE_OK;
	if (err == STORE_OK)
		err = signatures_exec(&k->db, SIG_BOX_ADD, "si",
		    slice_str(guid), (int64_t)uidvalidity);
	return err == STORE_OK ? signatures_box(&k->db, guid, uidvalidity,
	    &k->signed_box) : err;
}

/* One turn of a mailbox; *more if it wants another one. */
static enum store_err
turn(struct store *s, struct store_user *u, int64_t mailbox, bool *more)
{
	struct turn *k = mem_zero(sizeof(*k));
	enum store_err err;

	k->store = s;
	k->head = mem_alloc(sizeof(*k->head));
	k->body = mem_alloc(sizeof(*k->body));
	buf_init(&k->signatures, BATCH_BYTES + 2 * GRAM_SET_BYTES);
	err = mailbox_open_id(u, mailbox, &k->box);
	if (err == STORE_OK)
		err = signatures_open(&k->db, u->root, true);
	if (err == STORE_OK)
		err = find_box(k);
	if (err == STORE_OK)
		err = find_work(k);
	if (err == STORE_OK)
		err = sign_some(k);
	*more = k->at < k->n;
	if (err == STORE_OK && !*more)
		err = drop_boxes(k);
	/* The WAL is kept for the next turn, not for ever. */
	if (err == STORE_OK && !*more && !signatures_replaced(&k->db))
		sqlite3_wal_checkpoint_v2(k->db.db, NULL,
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	signatures_close(&k->db);
	store_mailbox_close(k->box);
	buf_release(&k->signatures);
	mem_free(k->uids);
	mem_free(k->head);
	mem_free(k->body);
	mem_free(k);
	return err;
}

/* ---- wishes --------------------------------------------------------------- */

static void
wish_free(struct wish *w)
{
	list_remove(&w->link);
	mem_free(w->address);
	mem_free(w->root);
	mem_free(w);
}

/* True if it is there already, or of no use now. Under the lock. */
static bool
is_known(struct gatherer *g, const struct store_mailbox *m, size_t *n)
{
	struct wish *w;

	LIST_EACH(w, &g->wishes, struct wish, link) {
		++*n;
		if (strcmp(w->root, m->user->root) != 0 ||
		    (!w->resting && w->mailbox != m->id))
			continue;
		w->again = w->running;
		return true;
	}
	return false;
}

/* The first that is due; else NULL, and *due_ms is when one will be. */
static struct wish *
next_wish(struct gatherer *g, uint64_t *due_ms)
{
	uint64_t now = now_mono_ms();
	struct wish *w;

	*due_ms = 0;
	LIST_EACH(w, &g->wishes, struct wish, link) {
		if (w->due_ms <= now && w->resting)
			wish_free(w);
		else if (w->due_ms <= now)
			return w;
		else if (*due_ms == 0 || w->due_ms < *due_ms)
			*due_ms = w->due_ms;
	}
	return NULL;
}

static void
wait_until(struct gatherer *g, uint64_t due_ms)
{
	struct timespec t = { .tv_sec = (time_t)(due_ms / 1000),
		.tv_nsec = (long)(due_ms % 1000 * 1000000) };

	if (due_ms == 0)
		pthread_cond_wait(&g->wake, &g->lock);
	else
		pthread_cond_timedwait(&g->wake, &g->lock, &t);
}

/* After a turn, under the lock. */
static void
settle(struct gatherer *g, struct wish *w, enum store_err err, bool more)
{
	bool passes = err == STORE_AGAIN || err == STORE_CORRUPT;

	w->running = false;
	if (err == STORE_NO_MAILBOX ||
	    (err == STORE_OK && !more && !w->again)) {
		wish_free(w);
		return;
	}
	w->failures = err == STORE_OK ? 0 : w->failures + 1;
	/* One line was logged; the next is a while away. */
	w->resting = err != STORE_OK && (!passes || w->failures > FAILURES);
	w->due_ms = now_mono_ms() + (w->resting ? REST_MS :
	    err != STORE_OK ? RETRY_MS : more ? 0 : DELAY_MS);
	w->again = false;
	list_remove(&w->link);
	list_push(&g->wishes, &w->link);
}

static void *
gather(void *arg)
{
	struct store *s = arg;
	struct gatherer *g = &s->gatherer;
	pid_t tid = (pid_t)syscall(SYS_gettid);
	uint64_t due_ms;

	/* Behind everybody, for the processor and for the disk (class idle). */
	setpriority(PRIO_PROCESS, (id_t)tid, 19);
	syscall(SYS_ioprio_set, 1, tid, 3 << 13);
	pthread_mutex_lock(&g->lock);
	while (!g->ends) {
		struct wish *w = next_wish(g, &due_ms);
		struct store_user *u;
		enum store_err err;
		bool more = false;

		if (w == NULL) {
			wait_until(g, due_ms);
			continue;
		}
		w->running = true;
		pthread_mutex_unlock(&g->lock);
		err = store_user_open(s, slice_str(w->address), &u);
		if (err == STORE_OK) {
			err = turn(s, u, w->mailbox, &more);
			store_user_close(u);
		}
		pthread_mutex_lock(&g->lock);
		settle(g, w, err, more);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

bool
gather_must_end(struct store *s)
{
	struct gatherer *g = &s->gatherer;
	bool ends;

	pthread_mutex_lock(&g->lock);
	ends = g->ends;
	pthread_mutex_unlock(&g->lock);
	return ends;
}

/* Under the lock. */
static void
start(struct store *s)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->gatherer.runs = pthread_create(&s->gatherer.thread, NULL, gather,
	    s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!s->gatherer.runs)
		log_warn("search-index-failed", "cannot start a thread");
}

void
store_gather(struct store_mailbox *m)
{
	struct store *s = m->user->store;
	struct gatherer *g = &s->gatherer;
	size_t n = 0;

	if (!s->conf.search_index)
		return;
	pthread_mutex_lock(&g->lock);
	if (!is_known(g, m, &n) && n < WISHES) {
		struct wish *w = mem_zero(sizeof(*w));

		list_init(&w->link);
		w->address = mem_str(m->user->address);
		w->root = mem_str(m->user->root);
		w->mailbox = m->id;
		w->due_ms = now_mono_ms() + DELAY_MS;
		list_push(&g->wishes, &w->link);
		if (!g->runs)
			start(s);
		pthread_cond_signal(&g->wake);
	}
	pthread_mutex_unlock(&g->lock);
}

void
gather_init(struct store *s)
{
	struct gatherer *g = &s->gatherer;
	pthread_condattr_t attr;

	pthread_mutex_init(&g->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->wake, &attr);
	pthread_condattr_destroy(&attr);
	list_init(&g->wishes);
}

void
gather_stop(struct store *s)
{
	struct gatherer *g = &s->gatherer;
	struct wish *w;

	pthread_mutex_lock(&g->lock);
	g->ends = true;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->lock);
	if (g->runs)
		pthread_join(g->thread, NULL);
	while ((w = LIST_FIRST(&g->wishes, struct wish, link)) != NULL)
		wish_free(w);
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->wake);
}
