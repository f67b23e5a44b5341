/*
 * pillarbox-keywords, a file of each folder that needs it: which keywords a
 * message has beyond the 26 that have letters in file names, so that an index
 * made anew has them again.
 *
 *	pillarbox 1 uidvalidity 1683462011 size 27
 *	17 $Later customer-4711
 *	18
 *
 * A line says what such keywords a UID has from then on; the last line of a
 * UID counts. size is that of the lines when the file was last written as a
 * whole. Changes are noted in a transaction and appended when it is saved,
 * after the files are in place: a line never is of a UID that may still be
 * given to another message. A file of another UIDVALIDITY says nothing. Used
 * inside lib/store only.
 */
#ifndef STORE_KEYFILE_H
#define STORE_KEYFILE_H

#include "core/buf.h"
#include "core/map.h"
#include "store/store.h"

struct keywords;
struct mailbox_txn;

/* ---- reading ---- */

struct keyfile {
	struct buf text;
	uint32_t uidvalidity;
	size_t size;         /* of the first line */
	struct idmap by_uid; /* where the keywords of its last line start */
	unsigned damaged;    /* lines that say nothing */
};

/*
 * Reads the file of dir. One that is not there, is damaged or is of another
 * UIDVALIDITY has nothing in it. -1 (logged) if the system refuses. Release
 * in any case.
 */
int keyfile_read(struct keyfile *k, const char *dir, uint32_t uidvalidity);
/* The same from k->text; false without a usable first line. */
bool keyfile_parse(struct keyfile *k);
/* True if the file speaks of uid; its keywords, separated by " ". */
bool keyfile_get(const struct keyfile *k, uint32_t uid, struct slice *names);
void keyfile_release(struct keyfile *k);
/*
 * Gives the bitmap of uid the keywords that the file says, if it does,
 * defining them as needed.
 */
enum store_err keyfile_apply(const struct keyfile *k, struct mailbox_txn *t,
    uint32_t uid, struct buf *bitmap);
/* True if that would change it. */
bool keyfile_differs(const struct keyfile *k, const struct keywords *known,
    uint32_t uid, struct slice bitmap);

/* ---- writing ---- */

/* What a transaction has to add. */
struct keyfile_lines {
	struct buf text;
	size_t saved; /* so much of text is in the file */
	off_t end;    /* of the file behind it */
	bool is_new;  /* some are of messages that did not exist before */
};

/* True if the bitmap has keywords without letters. */
bool keyfile_needed(struct slice keywords);
/* Notes that uid has these keywords now. Nothing if a new one has none. */
void keyfile_note(struct mailbox_txn *t, uint32_t uid, struct slice keywords,
    bool is_new);
/* Writes what was noted; durable if messages are new (law 2). */
enum store_err keyfile_save(struct mailbox_txn *t);
/* The transaction failed: the new messages do not exist. */
void keyfile_undo(struct mailbox_txn *t);
/* Writes the file as a whole from the index, if it is there. */
enum store_err keyfile_compact(struct mailbox_txn *t);
/* The folder, with all its UIDs, goes on under another UIDVALIDITY. */
enum store_err keyfile_restamp(const char *dir, uint32_t from, uint32_t to);

#endif
