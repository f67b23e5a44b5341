/*
 * Mailboxes in the index, and transactions on them. Used inside lib/store
 * only. Lock order: the index is taken, then BEGIN IMMEDIATE, then files are
 * renamed or removed, then COMMIT. File renames happen inside the transaction,
 * so whoever holds it sees directory and index agree.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include "core/limits.h"
#include "core/now.h"
#include "store/folder.h"
#include "store/index.h"
#include "store/keyfile.h"

#define MAILBOX_UNSURE_CUR 1 /* may have changed while we changed it */
#define MAILBOX_UNSURE_NEW 2

struct mailbox_row {
	int64_t id;
	char name[LIMIT_MAILBOX_NAME + 1];
	char guid[33];
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint32_t reserved;
	uint64_t modseq;
	uint64_t forgotten;
	uint32_t recent_from;
	int64_t mtime[2]; /* by enum maildir_place */
	unsigned unsure;
	int64_t scanned;  /* wall clock, ms */
	char boot[64];
	uint32_t messages;
	uint32_t unseen;
	uint32_t deleted;
	uint64_t bytes;
	uint64_t deleted_bytes;
	uint32_t new_from;    /* no message below is in new/ */
	uint32_t unseen_from; /* no message below is unseen */
};

struct store_mailbox {
	struct store_user *user;
	int64_t id;
	char *name;
	struct keywords keywords;
	const char **names; /* for store_mailbox_keywords and messages */
	size_t n_names;
};

/* A message as the index has it; slices live until the statement moves on. */
struct message {
	uint32_t uid;
	struct slice base;
	enum maildir_place place;
	unsigned flags;         /* STORE_*, MAILDIR_PASSED */
	struct slice keywords;  /* bitmap */
	int64_t date;
	int64_t saved;
	uint64_t size;
	uint64_t vsize;
	uint64_t modseq;
};

/* ---- transactions ---- */

/* One row of the table uids, as it will be written (present.c). */
#define PRESENT_ROW 1024u
/* A byte beside STORE_FLAGS and MAILDIR_PASSED. */
#define PRESENT 0x40u
#define PRESENT_KEYWORDS 0x20u /* which, the row of the message tells */

struct present {
	uint32_t row;
	bool loaded;
	bool dirty;
	unsigned char bytes[PRESENT_ROW];
};

/* Who wants to know how far an adoption is. */
struct mailbox_progress {
	store_progress_fn *fn;
	void *ctx;
};

struct mailbox_txn {
	struct store_user *user;
	struct index *ix;
	struct mailbox_row row;
	struct store_usage loaded; /* of row, as the index has it */
	struct keywords keywords;
	char *dir;
	bool touched[2]; /* by enum maildir_place: we changed the directory */
	struct present present;
	struct keyfile_lines lines;
	bool more;       /* adoption is to go on in another transaction */
	const struct mailbox_progress *progress; /* or NULL */
};

/*
 * Loads mailbox id into t; the index's transaction is open. Notices foreign
 * changes first. Release t in any case.
 */
enum store_err mailbox_txn_open(struct mailbox_txn *t, struct store_user *u,
    struct index *ix, int64_t id);
/* The same from a row that was read in this transaction. */
enum store_err mailbox_txn_open_row(struct mailbox_txn *t,
    struct store_user *u, struct index *ix, const struct mailbox_row *row);
/*
 * While t->more, commits and opens it again in a new transaction: others get
 * their turn between the parts of a large takeover. Nothing else may have been
 * done in the transaction.
 */
enum store_err mailbox_txn_settle(struct mailbox_txn *t);
/* Writes the row back; the caller commits. */
enum store_err mailbox_txn_save(struct mailbox_txn *t);
void mailbox_txn_release(struct mailbox_txn *t);

/* Takes the index, begins, opens. On failure everything is undone. */
enum store_err mailbox_begin(struct store_mailbox *m, struct mailbox_txn *t);
/*
 * Ends it: with err STORE_OK saves and commits, else rolls back; gives the
 * index back and releases t. Returns err or what went wrong.
 */
enum store_err mailbox_end(struct mailbox_txn *t, enum store_err err);

/*
 * The same for a mailbox by name, found or made inside, for calls that need
 * nothing else of it.
 */
enum store_err mailbox_begin_named(struct store_user *u, struct slice name,
    bool create, struct mailbox_txn *t);
/* Makes the renames and removals in the marked places durable. */
enum store_err mailbox_sync_dirs(struct store_user *u, const char *dir,
    const bool places[2]);

/* The folder's durable file, made up from the row if it is missing. */
void mailbox_folder(const struct mailbox_txn *t, struct folder *f);
/* n UIDs from *first on, none of them ever used; durable (law 4). */
enum store_err mailbox_take_uids(struct mailbox_txn *t, uint32_t n,
    uint32_t *first);
bool keyword_is_valid(struct slice name);
/*
 * The number of a keyword, defining it with the lowest free one from least on;
 * STORE_LIMIT if there is none.
 */
enum store_err mailbox_keyword_from(struct mailbox_txn *t, struct slice name,
    int least, int *n);
/* The number of a keyword, defining it if create; -1 in *n if it has none. */
enum store_err mailbox_keyword(struct mailbox_txn *t, struct slice name,
    bool create, int *n);

/*
 * Where MODSEQ starts in a new index, and goes on after a reboot: above all
 * that a lost index gave out, as long as it made less than 62,500 changes a
 * second. Far below 2^63 (RFC 7162 section 3.1).
 */
static inline int64_t
mailbox_clock_modseq(void)
{
	return now_wall_us() >> 4;
}

/* ---- finding ---- */

/* INBOX in any case becomes "INBOX"; validates. The result points to name. */
enum store_err mailbox_name(struct slice name, struct slice *out);
/*
 * The row of a valid name, importing a directory that has none, making it if
 * create. ix is taken, no transaction open. Special mailboxes are made and
 * subscribed.
 */
enum store_err mailbox_find(struct store_user *u, struct index *ix,
    struct slice name, bool create, struct mailbox_row *row);
/* The same for a name that has no mailbox yet; use: its special use or NULL. */
enum store_err mailbox_create(struct store_user *u, struct index *ix,
    struct slice name, const char *use);
enum store_err mailbox_row_get(struct index *ix, int64_t id,
    struct mailbox_row *row);
enum store_err mailbox_row_save(struct index *ix,
    const struct mailbox_row *row);
/* The directory of a mailbox; mem_free it. */
char *mailbox_dir(const struct store_user *u, struct slice name);
enum store_err mailbox_row_by_name(struct index *ix, struct slice name,
    struct mailbox_row *row);
enum store_err mailbox_row_by_guid(struct index *ix, struct slice guid,
    struct mailbox_row *row);
/* Removes all rows of a mailbox. In a transaction. */
enum store_err mailbox_forget(struct index *ix, int64_t id);
const struct store_special *mailbox_special(const struct store *s,
    struct slice name);
/* Loads the keyword table of a mailbox. */
enum store_err mailbox_load_keywords(struct index *ix, int64_t id,
    struct keywords *out);

/* ---- which UIDs exist, and their flags (present.c) ---- */

/* Records that uid exists and has flags; written by mailbox_txn_save. */
enum store_err present_put(struct mailbox_txn *t, uint32_t uid, unsigned flags,
    struct slice keywords);
/* Records that uid exists no longer. */
enum store_err present_drop(struct mailbox_txn *t, uint32_t uid);
enum store_err present_save(struct mailbox_txn *t);

/* byte: PRESENT and the flags. Nonzero stops. It may read the index. */
typedef int present_fn(void *ctx, uint32_t uid, unsigned byte);

/* Tells the UIDs first to last that exist, ascending. */
enum store_err present_each(struct index *ix, int64_t mailbox, uint32_t first,
    uint32_t last, present_fn *fn, void *ctx);

struct present_list {
	uint32_t *uids; /* ascending; mem_free it */
	size_t n;
	size_t cap;
	unsigned flags; /* that they all have */
};

/* Appends the UIDs first to last that exist and have the flags. */
enum store_err present_read(struct index *ix, int64_t mailbox, uint32_t first,
    uint32_t last, struct present_list *out);

/* ---- what SORT and THREAD compare (ordering.c) ---- */

/* That of the messages of one row of uids. */
struct ordering {
	uint32_t row;
	bool loaded;
	bool whole; /* it has all messages of the row that exist */
	struct buf bytes;
	bool there[PRESENT_ROW]; /* these exist */
};

void ordering_init(struct ordering *o);
void ordering_release(struct ordering *o);
/*
 * Reads a row; makes and keeps it if it is not there, all its UIDs were given
 * out and all its messages have cached texts.
 */
enum store_err ordering_load(struct ordering *o, struct index *ix,
    const struct mailbox_row *mailbox, uint32_t row);
/* All of its messages. */
struct slice ordering_begin(const struct ordering *o);
/*
 * The next one that exists, of what is left of them: fills uid,
 * internaldate, vsize and order. False at the end.
 */
bool ordering_next(const struct ordering *o, struct slice *left,
    struct store_message *out);

/* ---- messages (message.c) ---- */

void message_read(sqlite3_stmt *st, struct message *out);
enum store_err message_get(struct index *ix, int64_t mailbox, uint32_t uid,
    sqlite3_stmt **st, struct message *out); /* index_done(*st) afterwards */
/* The letters a message has in its file name. */
uint64_t message_letters(unsigned flags, struct slice keywords);
/* Adds a row and counts it. */
enum store_err message_add(struct mailbox_txn *t, const struct message *msg);
/* Removes the row, remembers the UID as expunged at row.modseq, counts. */
enum store_err message_drop(struct mailbox_txn *t, const struct message *msg);
/* Removes the file and the row (change.c). */
enum store_err message_remove(struct mailbox_txn *t,
    const struct message *msg);
/*
 * Gives old other flags and keywords, and a place; counts. The row of now's
 * MODSEQ is t's.
 */
enum store_err message_put_flags(struct mailbox_txn *t,
    const struct message *old, const struct message *now);
/* Counts a change of the flags of a message. */
void message_count_flags(struct mailbox_row *row, uint32_t uid, unsigned from,
    unsigned to, uint64_t vsize);
/* Drops the oldest expunged UIDs when there are too many. */
enum store_err message_prune_expunged(struct mailbox_txn *t);
/* Opens the file of a message; -1 with errno. */
int message_open_file(const char *dir, const struct message *msg);
/* Where its file should be. */
void message_path(struct buf *out, const char *dir, const struct message *msg);
/* Where its file is, when another program renamed it; false if nowhere. */
bool message_search(struct buf *out, const char *dir, struct slice base);
/*
 * The UIDs of set (NULL: all) that exist and have all of these flags,
 * ascending; mem_free them.
 */
enum store_err message_select(struct index *ix, int64_t mailbox,
    const struct store_set *set, unsigned flags, uint32_t **uids, size_t *n);
/* Resolves keyword names: numbers into bitmap, $Forwarded into *flags. */
enum store_err message_keywords(struct mailbox_txn *t,
    const struct slice *names, size_t n, bool create, struct buf *bitmap,
    unsigned *flags);

/* Bitmaps of keywords. buf's maximum is LIMIT_KEYWORDS / 8. */
#define KEYWORD_BYTES (LIMIT_KEYWORDS / 8)
bool keyword_bit(struct slice bitmap, size_t n);
void keyword_set(struct buf *bitmap, size_t n, bool on);

/* ---- noticing foreign changes (sync.c) ---- */

/*
 * Compares the directory with the row and adopts what differs. look: also
 * settle what is unsure, which a delivery leaves to the next reader. Of very
 * many new files only a part, then t->more.
 */
enum store_err mailbox_adopt(struct mailbox_txn *t, bool look);
/* True if mailbox_adopt would have something to do. *gone: no directory. */
bool mailbox_is_stale(struct store_user *u, const char *dir,
    const struct mailbox_row *row, bool look, bool *gone);

/* ---- adding (append.c) ---- */

/* The time under which a delivery is remembered. */
static inline int64_t
mailbox_delivered_at(struct slice id)
{
	return id.n == STORE_CONTENT_ID ? INT64_MAX : now_wall();
}

/* A handle like store_mailbox_open's, by the id that the index has for it. */
enum store_err mailbox_open_id(struct store_user *u, int64_t id,
    struct store_mailbox **out);

struct store_append;
void append_set_quota(struct store_append *a, enum quota_kind kind);

/* A message whose file is in tmp/ of the target already. */
struct append_file {
	char *tmp; /* taken over */
	unsigned flags; /* with MAILDIR_PASSED */
	struct slice *keywords;
	size_t n_keywords;
	int64_t date;
	uint64_t size;
	uint64_t vsize;
};

/* A path in tmp/ for one more file; mem_free it. */
char *append_tmp(struct store_append *a);
/* Syncs the file, which is then one of the messages to commit. */
enum store_err append_file(struct store_append *a,
    const struct append_file *file);

/* ---- copying (copy.c) ---- */

/* A second name for the file, or a copy where links are not to be had. -1 with
 * errno set. */
int copy_file(const char *from, const char *to);
/* Between two users (copy_far.c). */
enum store_err copy_far(struct store_mailbox *m, const struct store_set *set,
    const struct store_target *to, bool move, struct store_copied *out);

/* ---- cached texts (cache.c) ---- */

struct cached {
	struct buf envelope;
	struct buf body;
	struct buf bodystructure;
	struct buf headers;
	bool headers_complete;
	unsigned char emailid[STORE_OBJECTID];
	unsigned char threadid[STORE_OBJECTID];
};

void cached_init(struct cached *c);
void cached_make(struct cached *c, struct slice text);
void cached_release(struct cached *c);
enum store_err cached_save(struct index *ix, int64_t key,
    const struct cached *c);

/* ---- identifiers (objectid.c) ---- */

/* Before the first objectid_make; false if the library refuses. */
bool objectid_init(void);
/* EMAILID and THREADID of a message. */
void objectid_make(struct slice text, unsigned char email[STORE_OBJECTID],
    unsigned char thread[STORE_OBJECTID]);

/* ---- subscriptions (subscription.c) ---- */

/* The file's names, in wire form, as keys with value non-NULL. */
void subscription_parse(struct slice text, struct map *out);
enum store_err subscription_read(const struct store_user *u, struct map *out);
enum store_err subscription_set(struct store_user *u, struct slice name,
    bool on);

#endif
