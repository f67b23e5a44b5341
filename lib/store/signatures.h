/*
 * The search index of one user: signatures of the texts of messages
 * (mail/gram.h) in an SQLite database of their own, <root>/pillarbox-search.db.
 * It only ever rules messages out; what it does not know, SEARCH opens. So it
 * may be deleted at any time and is built again (store/gather.c), and whoever
 * finds it damaged removes it. Used inside lib/store only.
 */
#ifndef STORE_SIGNATURES_H
#define STORE_SIGNATURES_H

#include "store/mailbox.h"

#define SIGNATURES_FILE "pillarbox-search.db"

enum signatures_sql {
	SIG_BEGIN, SIG_COMMIT, SIG_ROLLBACK,
	SIG_BOX_GET, SIG_BOX_ADD, SIG_BOX_SAVE, SIG_BOX_DROP, SIG_BOX_GUIDS,
	SIG_HEAD_ADD, SIG_BODY_ADD, SIG_HEAD_DROP, SIG_BODY_DROP,
	SIG_HEADS_DROP, SIG_BODIES_DROP,
	SIG_IDS, SIG_HEADS, SIG_BODIES, SIG_BOTH,
	SIG_COUNT
};

struct signatures {
	char *root;
	sqlite3 *db;
	sqlite3_stmt *stmts[SIG_COUNT];
	ino_t ino;
	bool quiet; /* only damage is logged */
};

/* A mailbox in it. */
struct signed_box {
	int64_t id;
	uint32_t next;     /* the messages below have their signatures */
	uint32_t messages; /* with signatures */
};

/*
 * STORE_NO_MAILBOX if there is none of this version and create is false. With
 * create, one of another version is replaced. Close it in any case.
 */
enum store_err signatures_open(struct signatures *g, const char *root,
    bool create);
void signatures_close(struct signatures *g);
/* True if the file is no longer the one that is open. */
bool signatures_replaced(const struct signatures *g);

/* As index_query and its kin. */
sqlite3_stmt *signatures_query(struct signatures *g, enum signatures_sql q,
    const char *types, ...);
int signatures_step(struct signatures *g, sqlite3_stmt *st,
    enum store_err *err);
enum store_err signatures_exec(struct signatures *g, enum signatures_sql q,
    const char *types, ...);

/*
 * The mailbox with this GUID. STORE_NO_MAILBOX if it is not there, or there
 * with another UIDVALIDITY (the messages are others then).
 */
enum store_err signatures_box(struct signatures *g, const char *guid,
    uint32_t uidvalidity, struct signed_box *out);

/* GUID and UIDVALIDITY of m, as the index of the user has them. */
enum store_err signatures_whose(struct store_mailbox *m, char guid[33],
    uint32_t *uidvalidity);

#endif
