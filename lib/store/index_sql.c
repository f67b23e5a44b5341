/* The schema of the index and every statement run on it. */
#include "store/index.h"

/*
 * message.id, cache.id and expunged.id are mailbox << 32 | uid, so that one
 * integer key serves for lookups and for ranges of UIDs. Cached texts have a
 * table of their own, to keep scans of flags small. uids repeats which UIDs
 * exist and their flags, a byte each, 1024 to a row (present.c), so that a
 * mailbox of a million messages is opened by reading a thousand rows. modseq
 * of a mailbox starts from the clock, so that a rebuilt index goes on above
 * the lost one.
 *
 * Headers and structure share the rows of cache. In tables of their own, which
 * are filled together, their pages would alternate in the file: to read one of
 * them the kernel reads both, or, with its usual read-ahead of 128 KB, single
 * pages: with 100,000 messages, measured, twice as long for the headers.
 *
 * ordering is filled by the first SORT or THREAD, 1024 UIDs at once, so that the
 * next one reads a tenth of what all headers are, and in the order of the file.
 *
 * A delivery writes to six pages; each more costs it some percent. Hence no
 * index on what is unseen or in new/, but the lowest UID that may be.
 */
const char index_schema[] =
    "CREATE TABLE mailbox ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " guid TEXT NOT NULL,"
    " special TEXT,"
    " uidvalidity INTEGER NOT NULL,"
    " uidnext INTEGER NOT NULL,"
    " reserved INTEGER NOT NULL,"   /* UIDs below may be in use, durable */
    " modseq INTEGER NOT NULL,"
    " forgotten INTEGER NOT NULL,"  /* expunged is whole above this modseq */
    " recent_from INTEGER NOT NULL,"
    " new_mtime INTEGER NOT NULL,"
    " cur_mtime INTEGER NOT NULL,"
    " unsure INTEGER NOT NULL,"
    " scanned INTEGER NOT NULL,"
    " boot TEXT NOT NULL,"
    " messages INTEGER NOT NULL,"
    " unseen INTEGER NOT NULL,"
    " deleted INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " deleted_bytes INTEGER NOT NULL,"
    " new_from INTEGER NOT NULL,"    /* no UID below is in new/ */
    " unseen_from INTEGER NOT NULL);"/* no UID below is unseen */
    "CREATE TABLE keyword ("
    " mailbox INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " PRIMARY KEY (mailbox, n)) WITHOUT ROWID;"
    "CREATE TABLE message ("
    " id INTEGER PRIMARY KEY,"
    " mailbox INTEGER NOT NULL,"
    " base TEXT NOT NULL,"
    " place INTEGER NOT NULL,"
    " flags INTEGER NOT NULL,"
    " keywords BLOB,"               /* bit n: keyword n, little-endian */
    " date INTEGER NOT NULL,"
    " saved INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " vsize INTEGER NOT NULL,"
    " modseq INTEGER NOT NULL);"
    "CREATE INDEX message_modseq ON message (mailbox, modseq);"
    "CREATE TABLE uids ("
    " id INTEGER PRIMARY KEY,"      /* mailbox << 32 | uid >> 10 */
    " bytes BLOB NOT NULL);"
    "CREATE TABLE ordering ("       /* ordering.c */
    " id INTEGER PRIMARY KEY,"      /* as in uids */
    " bytes BLOB NOT NULL);"
    "CREATE TABLE cache ("
    " id INTEGER PRIMARY KEY,"
    " envelope BLOB,"
    " body BLOB,"
    " bodystructure BLOB,"
    " headers BLOB,"                /* NULL: too long to keep */
    " emailid BLOB,"
    " threadid BLOB);"
    "CREATE TABLE expunged ("
    " id INTEGER PRIMARY KEY,"
    " mailbox INTEGER NOT NULL,"
    " modseq INTEGER NOT NULL);"
    "CREATE INDEX expunged_modseq ON expunged (mailbox, modseq);"
    "CREATE TABLE delivered ("
    " id TEXT NOT NULL,"
    " mailbox INTEGER NOT NULL,"
    " uid INTEGER NOT NULL,"
    " at INTEGER NOT NULL,"
    " PRIMARY KEY (id, mailbox)) WITHOUT ROWID;";

#define MAILBOX_COLUMNS                                                        \
	"id, name, guid, special, uidvalidity, uidnext, reserved, modseq,"     \
	" forgotten, recent_from, new_mtime, cur_mtime, unsure, scanned,"      \
	" boot, messages, unseen, deleted, bytes, deleted_bytes, new_from,"    \
	" unseen_from"
#define MESSAGE_COLUMNS                                                        \
	"message.id, base, place, flags, keywords, date, saved, size, vsize,"  \
	" modseq"
#define CACHE_TEXTS                                                            \
	"envelope, body, bodystructure, headers, emailid, threadid"
#define CACHE_COLUMNS ", cache.id, " CACHE_TEXTS
#define CACHE_JOIN " LEFT JOIN cache ON cache.id = message.id"
#define SINCE_WHERE                                                            \
	" WHERE mailbox = ?1 AND modseq > ?2 AND message.id >= ?3"             \
	" ORDER BY message.id"

const char *const index_sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_MAILBOX_ADD] =
	    "INSERT INTO mailbox (name, guid, special, uidvalidity, uidnext,"
	    " reserved, modseq, forgotten, recent_from, new_mtime, cur_mtime,"
	    " unsure, scanned, boot, messages, unseen, deleted, bytes,"
	    " deleted_bytes, new_from, unseen_from)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, 0, 0,"
	    " 0, 0, '', 0, 0, 0, 0, 0, 1, 1)",
	[SQL_MAILBOX_BY_ID] =
	    "SELECT " MAILBOX_COLUMNS " FROM mailbox WHERE id = ?1",
	[SQL_MAILBOX_BY_NAME] =
	    "SELECT " MAILBOX_COLUMNS " FROM mailbox WHERE name = ?1",
	[SQL_MAILBOX_BY_GUID] =
	    "SELECT " MAILBOX_COLUMNS " FROM mailbox WHERE guid = ?1",
	[SQL_MAILBOX_SAVE] =
	    "UPDATE mailbox SET uidnext = ?2, reserved = ?3, modseq = ?4,"
	    " forgotten = ?5, recent_from = ?6, new_mtime = ?7,"
	    " cur_mtime = ?8, unsure = ?9, scanned = ?10, boot = ?11,"
	    " messages = ?12, unseen = ?13, deleted = ?14, bytes = ?15,"
	    " deleted_bytes = ?16, new_from = ?17, unseen_from = ?18"
	    " WHERE id = ?1",
	[SQL_MAILBOX_NAME] =
	    "UPDATE mailbox SET name = ?2 WHERE id = ?1",
	[SQL_MAILBOX_UNSEEN_FROM] =
	    "UPDATE mailbox SET unseen_from = ?3"
	    " WHERE id = ?1 AND modseq = ?2",
	[SQL_MAILBOX_MODSEQ] = "SELECT modseq FROM mailbox WHERE id = ?1",
	[SQL_MAILBOX_DROP] = "DELETE FROM mailbox WHERE id = ?1",
	[SQL_MAILBOX_ALL] =
	    "SELECT id, name, special FROM mailbox ORDER BY name",
	[SQL_MAILBOX_MODSEQS] = "SELECT name, modseq FROM mailbox",
	[SQL_USAGE] = "SELECT total(bytes), total(messages) FROM mailbox",
	[SQL_UIDVALIDITY_MAX] = "SELECT max(uidvalidity) FROM mailbox",
	[SQL_KEYWORDS] =
	    "SELECT n, name FROM keyword WHERE mailbox = ?1 ORDER BY n",
	[SQL_KEYWORD_ADD] =
	    "INSERT INTO keyword (mailbox, n, name) VALUES (?1, ?2, ?3)",
	[SQL_KEYWORDS_DROP] = "DELETE FROM keyword WHERE mailbox = ?1",
	[SQL_MESSAGE_ADD] =
	    "INSERT INTO message (id, mailbox, base, place, flags, keywords,"
	    " date, saved, size, vsize, modseq)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[SQL_MESSAGE_GET] =
	    "SELECT " MESSAGE_COLUMNS " FROM message WHERE id = ?1",
	[SQL_MESSAGE_PLACE_OF] =
	    "SELECT " MESSAGE_COLUMNS ", (SELECT name FROM mailbox"
	    " WHERE id = message.mailbox) FROM message WHERE id = ?1",
	[SQL_MESSAGE_DROP] = "DELETE FROM message WHERE id = ?1",
	[SQL_MESSAGE_FLAGS] =
	    "UPDATE message SET flags = ?2, keywords = ?3, modseq = ?4,"
	    " place = ?5 WHERE id = ?1",
	[SQL_MESSAGE_PLACE] =
	    "UPDATE message SET place = ?2, base = ?3 WHERE id = ?1",
	[SQL_UIDS_GET] = "SELECT bytes FROM uids WHERE id = ?1",
	[SQL_UIDS_RANGE] =
	    "SELECT id, bytes FROM uids WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
	[SQL_UIDS_PUT] = "INSERT OR REPLACE INTO uids (id, bytes) VALUES (?1, ?2)",
	[SQL_UIDS_DROP] = "DELETE FROM uids WHERE id BETWEEN ?1 AND ?2",
	[SQL_ORDERING_GET] = "SELECT bytes FROM ordering WHERE id = ?1",
	[SQL_ORDERING_PUT] =
	    "INSERT OR REPLACE INTO ordering (id, bytes) VALUES (?1, ?2)",
	[SQL_ORDERINGS_DROP] =
	    "DELETE FROM ordering WHERE id BETWEEN ?1 AND ?2",
	[SQL_MESSAGE_RANGE] =
	    "SELECT " MESSAGE_COLUMNS " FROM message"
	    " WHERE message.id BETWEEN ?1 AND ?2 ORDER BY message.id",
	[SQL_MESSAGE_RANGE_CACHE] =
	    "SELECT " MESSAGE_COLUMNS CACHE_COLUMNS " FROM message" CACHE_JOIN
	    " WHERE message.id BETWEEN ?1 AND ?2 ORDER BY message.id",
	[SQL_MESSAGE_SINCE] =
	    "SELECT " MESSAGE_COLUMNS
	    " FROM message INDEXED BY message_modseq" SINCE_WHERE,
	[SQL_MESSAGE_SINCE_CACHE] =
	    "SELECT " MESSAGE_COLUMNS CACHE_COLUMNS
	    " FROM message INDEXED BY message_modseq" CACHE_JOIN SINCE_WHERE,
	[SQL_MESSAGE_NEW] =
	    "SELECT " MESSAGE_COLUMNS " FROM message"
	    " WHERE id BETWEEN ?1 AND ?2 AND place = 1 ORDER BY id",
	/* Keyword 26 is in the fourth byte. */
	[SQL_MESSAGE_FAR] =
	    "SELECT " MESSAGE_COLUMNS " FROM message"
	    " WHERE id BETWEEN ?1 AND ?2 AND length(keywords) > 3 ORDER BY id",
	[SQL_MESSAGE_FIRST_UNSEEN] =
	    "SELECT id FROM message WHERE id BETWEEN ?1 AND ?2"
	    " AND flags & 1 = 0 ORDER BY id LIMIT 1",
	[SQL_MESSAGES_DROP] = "DELETE FROM message WHERE id BETWEEN ?1 AND ?2",
	[SQL_CACHE_ADD] =
	    "INSERT OR REPLACE INTO cache (id, " CACHE_TEXTS ")"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_CACHE_DROP] = "DELETE FROM cache WHERE id = ?1",
	[SQL_CACHES_DROP] = "DELETE FROM cache WHERE id BETWEEN ?1 AND ?2",
	[SQL_CACHE_COPY] =
	    "INSERT INTO cache (id, " CACHE_TEXTS ")"
	    " SELECT ?2, " CACHE_TEXTS " FROM cache WHERE id = ?1",
	[SQL_EXPUNGED_ADD] =
	    "INSERT OR REPLACE INTO expunged (id, mailbox, modseq)"
	    " VALUES (?1, ?2, ?3)",
	[SQL_EXPUNGED_SINCE] =
	    "SELECT id FROM expunged WHERE mailbox = ?1 AND modseq > ?2"
	    " ORDER BY id",
	[SQL_EXPUNGED_COUNT] =
	    "SELECT count(*) FROM expunged WHERE mailbox = ?1",
	[SQL_EXPUNGED_NTH] =
	    "SELECT modseq FROM expunged WHERE mailbox = ?1"
	    " ORDER BY modseq DESC LIMIT 1 OFFSET ?2",
	[SQL_EXPUNGED_PRUNE] =
	    "DELETE FROM expunged WHERE mailbox = ?1 AND modseq <= ?2",
	[SQL_EXPUNGEDS_DROP] = "DELETE FROM expunged WHERE mailbox = ?1",
	[SQL_DELIVERED_GET] =
	    "SELECT uid FROM delivered WHERE id = ?1 AND mailbox = ?2",
	[SQL_DELIVERED_ADD] =
	    "INSERT OR REPLACE INTO delivered (mailbox, id, uid, at)"
	    " VALUES (?1, ?2, ?3, ?4)",
	/* Reads the table: run seldom. */
	[SQL_DELIVERED_PRUNE] = "DELETE FROM delivered WHERE at < ?1",
	[SQL_DELIVEREDS_DROP] = "DELETE FROM delivered WHERE mailbox = ?1",
};
