/*
 * The index of one user: an SQLite database in WAL mode, <root>/pillarbox.db.
 * Knows SQL, transactions and errors, not what mailboxes mean. Handles are
 * pooled (store/pool.h).
 *
 * Commits are not synced (PRAGMA synchronous=NORMAL): what must survive a
 * power cut is in the Maildir, and the index follows it.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <pthread.h>
#include <sqlite3.h>

#include "core/list.h"
#include "core/map.h"
#include "store/dirsync.h"
#include "store/quota.h"

#define INDEX_FILE "pillarbox.db"

enum index_sql {
	SQL_BEGIN, SQL_BEGIN_READ, SQL_COMMIT, SQL_ROLLBACK,
	SQL_MAILBOX_ADD, SQL_MAILBOX_BY_ID, SQL_MAILBOX_BY_NAME,
	SQL_MAILBOX_BY_GUID, SQL_MAILBOX_SAVE, SQL_MAILBOX_NAME,
	SQL_MAILBOX_MODSEQ, SQL_MAILBOX_UNSEEN_FROM,
	SQL_MAILBOX_DROP, SQL_MAILBOX_ALL, SQL_MAILBOX_MODSEQS, SQL_USAGE,
	SQL_UIDVALIDITY_MAX,
	SQL_KEYWORDS, SQL_KEYWORD_ADD, SQL_KEYWORDS_DROP,
	SQL_MESSAGE_ADD, SQL_MESSAGE_GET, SQL_MESSAGE_PLACE_OF,
	SQL_MESSAGE_DROP,
	SQL_MESSAGE_FLAGS, SQL_MESSAGE_PLACE,
	SQL_UIDS_GET, SQL_UIDS_RANGE, SQL_UIDS_PUT, SQL_UIDS_DROP,
	SQL_ORDERING_GET, SQL_ORDERING_PUT, SQL_ORDERINGS_DROP,
	SQL_MESSAGE_RANGE, SQL_MESSAGE_RANGE_CACHE, SQL_MESSAGE_SINCE,
	SQL_MESSAGE_SINCE_CACHE, SQL_MESSAGE_NEW, SQL_MESSAGE_FAR,
	SQL_MESSAGE_FIRST_UNSEEN,
	SQL_MESSAGES_DROP,
	SQL_CACHE_ADD, SQL_CACHE_DROP, SQL_CACHES_DROP, SQL_CACHE_COPY,
	SQL_EXPUNGED_ADD, SQL_EXPUNGED_SINCE, SQL_EXPUNGED_COUNT,
	SQL_EXPUNGED_NTH, SQL_EXPUNGED_PRUNE, SQL_EXPUNGEDS_DROP,
	SQL_DELIVERED_GET, SQL_DELIVERED_ADD, SQL_DELIVERED_PRUNE,
	SQL_DELIVEREDS_DROP,
	SQL_COUNT
};

extern const char *const index_sql[SQL_COUNT];
extern const char index_schema[];
#define INDEX_VERSION 5
#define INDEX_APPLICATION_ID 0x50425831 /* "PBX1" */

/* A message's key in message, cache and expunged. */
static inline int64_t
index_key(int64_t mailbox, uint32_t uid)
{
	return mailbox << 32 | uid;
}

struct index {
	struct list link; /* among the idle ones of its pool */
	struct store *store;
	struct index_pool *pool;
	char *root;
	sqlite3 *db;
	sqlite3_stmt *stmts[SQL_COUNT];
	ino_t ino;
	bool whole;       /* every folder of the user is in it */
	int64_t root_mtime; /* of the directory, when last compared (tree.c) */
	bool in_txn;
	bool writing;     /* has the right to write */
	bool damaged;     /* move aside when given back */
	int wal_pages;
	uint64_t waited_us; /* spent on locks in the current transaction */
};

/* See gather.h. */
struct gatherer {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool runs;
	bool ends;
	struct list wishes;
};

struct store {
	struct store_config conf;
	char *mailroot;
	char *hostname;
	char *boot_id;
	struct store_special *special;
	struct dirsync dirsync;
	/* The pools, pool.c. */
	pthread_mutex_t lock;
	struct list pools;
	struct map by_root;
	unsigned open;      /* handles */
	/* The keeper, keeper.c. */
	pthread_t keeper;
	pthread_cond_t keeper_wake;
	bool keeper_runs;
	bool keeper_ends;
	struct list due;    /* pools */
	struct list doomed; /* handles */
	/* Rights of mailboxes, acl.c and shares.c. */
	pthread_mutex_t acl_lock;
	struct map acls;      /* path to struct acl_cached */
	pthread_mutex_t shares_lock; /* taken first */
	struct shares *shares;
	int64_t started_us;   /* wall clock */
	struct gatherer gatherer;
};

struct store_user {
	struct store *store;
	char *address;
	char *root;
	struct quota quota;
};

/*
 * Takes a handle on the user's database for this thread, opening, creating,
 * replacing a damaged one, and rebuilding as needed. Each take is paired with
 * a give; a thread holds one at a time. index_take_write is for calls that are
 * sure to write: they wait for each other before they take a handle.
 */
enum store_err index_take(struct store_user *u, struct index **out);
enum store_err index_take_write(struct store_user *u, struct index **out);
/* Rolls back a transaction left open. */
void index_give(struct store_user *u, struct index *ix);

/* Opens without the pool (pool.c). flock()s while it creates. */
enum store_err index_open(struct index *ix);
/* Opens what is there, as it is: for a checkpoint. */
enum store_err index_open_existing(struct index *ix);
/* Records that every folder is in the index. */
enum store_err index_set_whole(struct index *ix);
/* Copies what is in the WAL; STORE_AGAIN if another does so already. */
enum store_err index_checkpoint(struct index *ix);
void index_close(struct index *ix, bool checkpoint);
/* An flock()ed descriptor on the user's lock file, or -1; close it. */
int index_lock_root(const char *root);
/* Moves a damaged database out of the way, unless another did so. */
void index_set_aside(struct index *ix);

/*
 * A query with its parameters bound: types has a letter per parameter, i
 * (int64_t), s (struct slice, text), b (struct slice, blob), z (NULL). A slice
 * must live until the next use of the query. Queries are reset by their next
 * use and by index_done.
 */
sqlite3_stmt *index_query(struct index *ix, enum index_sql q,
    const char *types, ...);
/* 1: a row, 0: no more, -1: failed (*err set, logged). */
int index_step(struct index *ix, sqlite3_stmt *st, enum store_err *err);
void index_done(sqlite3_stmt *st);
/* Runs a query that gives no rows. */
enum store_err index_exec(struct index *ix, enum index_sql q,
    const char *types, ...);
struct slice index_column(sqlite3_stmt *st, int column);
/* What index_query does with its parameters. */
void index_bind(sqlite3_stmt *st, const char *types, va_list ap);

enum store_err index_begin(struct index *ix); /* for writing */
enum store_err index_begin_read(struct index *ix);
enum store_err index_commit(struct index *ix);
void index_rollback(struct index *ix);

/* The store's error for an errno; logs the failure of what on path. */
enum store_err store_errno(const char *what, const char *path);
enum store_err store_errno_map(int err);

#endif
