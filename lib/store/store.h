/*
 * The mail store: one Maildir tree and one SQLite index per user. imap, pop3
 * and deliver use it; each opens it as the vmail user. It promises:
 *
 * - what append, deliver, copy and move report as STORE_OK is on disk and
 *   survives kill -9 and a power cut (law 2);
 * - the folders are valid Maildirs at every moment, and what other programs
 *   put into them is adopted (law 3);
 * - UIDs never change and are never used again, even when the index is lost
 *   (law 4).
 *
 * Names of mailboxes are in the IMAP wire form: modified UTF-7, levels
 * separated by ".", INBOX in any case. Message texts are stored with LF.
 *
 * Threads: a struct store may be used by many threads. A store_user,
 * store_mailbox or store_append belongs to one thread at a time. Handles are
 * cheap: they hold no descriptor between calls.
 *
 * Every call logs its own disk failures, once; the caller only answers.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/buf.h"
#include "core/mapped.h"

enum store_err {
	STORE_OK,
	STORE_NO_MAILBOX,  /* the mailbox does not exist (any more) */
	STORE_NO_MESSAGE,  /* the message does not exist (any more) */
	STORE_EXISTS,      /* a mailbox of that name exists */
	STORE_HAS_CHILDREN,/* a name that is only a parent cannot be deleted */
	STORE_NAME,        /* not a valid mailbox or user name */
	STORE_LIMIT,       /* too many keywords, too deep, too long */
	STORE_QUOTA,       /* the user's quota (or the disk quota) is used up */
	STORE_NO_RIGHT,    /* the mailbox's rights (acl.h) do not allow it */
	STORE_NO_SPACE,    /* the disk is full */
	STORE_READ_ONLY,   /* the file system is read-only */
	STORE_DENIED,      /* the operating system refused access */
	STORE_AGAIN,       /* still locked after a long wait, or no descriptors */
	STORE_CORRUPT,     /* damaged beyond what a rebuild repairs */
	STORE_IO,          /* any other disk failure */
	STORE_ERRORS
};

/* A constant text for logs and replies, e.g. "the disk is full". */
const char *store_err_text(enum store_err err);
/* True if trying again later can help (a 4xx, not a 5xx). */
bool store_err_is_temporary(enum store_err err);

/* ---- sets of UIDs -------------------------------------------------------- */

/* UIDs first to last, both included. */
struct store_range {
	uint32_t first;
	uint32_t last;
};

/* Ranges in ascending order that neither overlap nor touch. */
struct store_set {
	struct store_range *r;
	size_t n;
	size_t cap;
};

#define STORE_SET_INIT { 0 }
#define STORE_UID_MAX UINT32_MAX

void store_set_release(struct store_set *set);
void store_set_clear(struct store_set *set);
/* Adds first..last (in either order). Ascending additions cost O(1). */
void store_set_add(struct store_set *set, uint32_t first, uint32_t last);
/* Removes first..last. */
void store_set_remove(struct store_set *set, uint32_t first, uint32_t last);
/* Adds to out what is in both a and b. */
void store_set_common(const struct store_set *a, const struct store_set *b,
    struct store_set *out);
bool store_set_has(const struct store_set *set, uint32_t uid); /* O(log n) */
/* Number of UIDs in the set. */
uint64_t store_set_count(const struct store_set *set);
/* Appends "1:4,7" (the sequence-set of RFC 9051 section 9). */
void store_set_format(const struct store_set *set, struct buf *out);

/* ---- the store and its users -------------------------------------------- */

struct store;
struct store_user;
struct store_mailbox;

/* A mailbox that exists without a directory until it is used. */
struct store_special {
	const char *name; /* "Sent" */
	const char *use;  /* "\\Sent" */
	bool automatic;   /* listed and subscribed although it is not there yet */
};

struct store_config {
	const char *mailroot;  /* "/var/mail", or "" inside a chroot */
	const char *hostname;  /* for file names; NULL asks the kernel */
	const char *boot_id;   /* /proc/sys/kernel/random/boot_id; NULL reads it;
	                          read before chroot() */
	unsigned max_open;     /* index databases held open; 0 means 192 */
	uint64_t idle_ms;      /* one unused for this long is closed; 0: 10000 */
	bool search_index;     /* build and use it (store/finder.h) */
	unsigned adopt_batch;  /* files taken over at once; 0 means 100000 */
	const struct store_special *special; /* NULL: Drafts Junk Trash Sent */
	size_t n_special;
};

/*
 * Copies the configuration; touches no disk. NULL, with a reason, only when
 * the configuration makes no sense. Call store_open_root before chroot with
 * boot_id NULL only if /proc can be read then.
 */
struct store *store_open_root(const struct store_config *conf,
    const char **why);
void store_close_root(struct store *s);
/*
 * Closes databases unused for idle_ms. Call about once a second with
 * now_mono_ms(); returns the number still open.
 */
unsigned store_idle(struct store *s, uint64_t now_ms);

/*
 * A handle on the mail of local@domain (canonical, lower case; the caller has
 * it from auth). The directory is made on first use. STORE_NAME for a name
 * that cannot be a path ("..", "/", NUL, an empty part).
 */
enum store_err store_user_open(struct store *s, struct slice address,
    struct store_user **out);
void store_user_close(struct store_user *u);
const char *store_user_address(const struct store_user *u);
/* "<mailroot>/<domain>/<local>", without a slash at the end. */
const char *store_user_path(const struct store_user *u);

struct store_usage {
	uint64_t bytes;    /* sum of virtual sizes (CRLF), all mailboxes */
	uint64_t messages;
};

enum store_err store_usage(struct store_user *u, struct store_usage *out);
/*
 * The same for the user whose folder is path (store_user_path), from the index
 * as it is, beside running processes and without making anything.
 * STORE_NO_MAILBOX if there is no index of this version.
 */
enum store_err store_usage_at(const char *path, struct store_usage *out);

/* What a user may hold; 0 is no limit. */
struct store_quota {
	uint64_t bytes;    /* with CRLF, all mailboxes */
	uint64_t messages;
};

/*
 * Sets the limits for what is done through u; without it there are none.
 * APPEND and COPY beyond them fail with STORE_QUOTA; into Trash 50 MiB more
 * are allowed. store_deliver fails when the limit is reached, and otherwise
 * may exceed it by 10 %. Moving is always possible. A change through u that
 * crosses 80 % or 95 % upward, or 100 % downward, puts a mail into INBOX that
 * says so (dms-compat 5.8).
 */
void store_user_set_quota(struct store_user *u,
    const struct store_quota *quota);
/*
 * What the user held after the last change through u, or when u was refused
 * one; false if that is told already or there is no limit.
 */
bool store_user_usage(struct store_user *u, struct store_usage *out);

/*
 * Told while something takes long: done of total messages of a mailbox. It
 * must not call the store.
 */
typedef void store_progress_fn(void *ctx, const char *mailbox, uint64_t done,
    uint64_t total);

/*
 * Makes the index of a mailbox (an empty name: of all) anew from its files,
 * with the same UIDs, flags and keywords. Sessions stay; they see nothing of
 * it until a mailbox is done. Other users are not concerned. fn may be NULL.
 */
enum store_err store_rebuild(struct store_user *u, struct slice name,
    store_progress_fn *fn, void *ctx);

/* ---- mailboxes ----------------------------------------------------------- */

/* Attributes of a listed name. */
#define STORE_NOSELECT 0x01     /* only a parent: \NonExistent \Noselect */
#define STORE_HASCHILDREN 0x02  /* otherwise \HasNoChildren */
#define STORE_SUBSCRIBED 0x04
#define STORE_VIRTUAL 0x08      /* special, not on disk yet; selectable */
#define STORE_NOINFERIORS 0x10  /* the name is too long for children */

struct store_list_entry {
	const char *name;        /* wire form */
	const char *special_use; /* "\\Sent" or NULL */
	unsigned attributes;
	/*
	 * A subscribed name with no mailbox has STORE_SUBSCRIBED and
	 * STORE_NOSELECT (RFC 9051 6.3.9: LIST (SUBSCRIBED), LSUB).
	 */
};

struct store_list {
	struct store_list_entry *entries; /* INBOX first, then by name */
	size_t n;
	void *memory;
};

/* All names of the user. The caller releases it. */
enum store_err store_list(struct store_user *u, struct store_list *out);
void store_list_release(struct store_list *list);

/*
 * Name of the mailbox with this special use ("\\Junk"), whatever the user
 * calls it; STORE_NO_MAILBOX if there is none.
 */
enum store_err store_special_name(struct store_user *u, const char *use,
    struct buf *name);

/* True if name can be a mailbox's: form, length, levels (dms-compat 5.1). */
bool store_name_is_valid(struct slice name);
/*
 * NULL if name could be created, else why not. A little stricter than
 * store_name_is_valid: what others made is taken as it is.
 */
const char *store_name_why(struct slice name);
/* True if the mailbox has a directory. */
bool store_mailbox_exists(struct store_user *u, struct slice name);

/*
 * Creates the mailbox (not its parents: they show as \Noselect, section 5.1).
 * use: a special use for it or NULL.
 */
enum store_err store_create(struct store_user *u, struct slice name,
    const char *use);
/* Deletes the mailbox and its messages; children stay. Never INBOX. */
enum store_err store_delete(struct store_user *u, struct slice name);
/*
 * Renames with all children. Of INBOX: its messages move to the new mailbox
 * and INBOX stays, empty (RFC 9051 6.3.6).
 */
enum store_err store_rename(struct store_user *u, struct slice from,
    struct slice to);
/* The name need not exist. Both are fine if nothing changes. */
enum store_err store_subscribe(struct store_user *u, struct slice name);
enum store_err store_unsubscribe(struct store_user *u, struct slice name);

/*
 * The same for the name of a mailbox of another user, as the user's program
 * says it: with "/", which no name of an own one has. Nothing is looked at.
 */
enum store_err store_subscribe_other(struct store_user *u, struct slice name,
    bool on);
/* Calls fn with each of those. */
enum store_err store_subscribed_others(struct store_user *u,
    void (*fn)(void *ctx, struct slice name), void *ctx);

struct store_status {
	uint32_t messages;
	uint32_t recent;
	uint32_t unseen;       /* number without \Seen */
	uint32_t first_unseen; /* lowest UID without \Seen, 0 if none */
	uint32_t deleted;      /* number with \Deleted */
	uint64_t deleted_size; /* RFC 9208 DELETED-STORAGE, CRLF bytes */
	uint32_t uidnext;
	uint32_t uidvalidity;
	uint64_t size;         /* RFC 8438, CRLF bytes */
	uint64_t highestmodseq;/* never 0 */
	char guid[33];         /* RFC 8474 MAILBOXID, 32 hex digits */
};

/* Adopts foreign changes first. Makes a special mailbox that is not there. */
enum store_err store_status(struct store_user *u, struct slice name,
    struct store_status *out);

/* ---- an open mailbox ----------------------------------------------------- */

/*
 * A handle on one mailbox, by identity: it follows a rename, and every call
 * answers STORE_NO_MAILBOX once the mailbox is deleted. It keeps u in use:
 * close it first. create: make it if it is missing (for APPEND by deliver; a
 * special mailbox is always made and subscribed when opened).
 */
enum store_err store_mailbox_open(struct store_user *u, struct slice name,
    bool create, struct store_mailbox **out);
void store_mailbox_close(struct store_mailbox *m);
const char *store_mailbox_name(const struct store_mailbox *m);
struct store_user *store_mailbox_user(const struct store_mailbox *m);

/*
 * Adopts what other programs did to the directory, if anything changed, and
 * repairs what a crash left behind. Cheap when nothing changed (two stat
 * calls). Call at SELECT, NOOP, and when notify says so.
 */
enum store_err store_mailbox_sync(struct store_mailbox *m);
enum store_err store_mailbox_status(struct store_mailbox *m,
    struct store_status *out);

/*
 * HIGHESTMODSEQ in O(1), without looking at the directory: the quick question
 * "did anything change?".
 */
enum store_err store_mailbox_modseq(struct store_mailbox *m, uint64_t *out);

/*
 * Calls fn with the name and HIGHESTMODSEQ of each mailbox that was ever
 * opened, without looking at directories. fn must not call the store.
 */
enum store_err store_modseqs(struct store_user *u,
    void (*fn)(void *ctx, struct slice name, uint64_t modseq), void *ctx);
/*
 * A number that changes when a mailbox or a subscription came or went (and
 * sometimes else); 0: not sure, look again.
 */
int64_t store_names_stamp(const struct store_user *u);

/*
 * Read-write SELECT: takes the \Recent messages for this session (RFC 3501
 * 2.3.2). Messages with *from <= UID < *to are recent to the caller; nobody
 * else gets them. Files in new/ move to cur/. With take false (EXAMINE) the
 * range is told and left.
 */
enum store_err store_mailbox_recent(struct store_mailbox *m, bool take,
    uint32_t *from, uint32_t *to);

/* All UIDs, ascending; the caller releases *uids with mem_free. */
enum store_err store_mailbox_uids(struct store_mailbox *m, uint32_t **uids,
    size_t *n);

/* Keywords in use or defined in the mailbox, for FLAGS. Valid until the next
 * call on m. */
enum store_err store_mailbox_keywords(struct store_mailbox *m,
    const char *const **names, size_t *n);

/* ---- reading messages ---------------------------------------------------- */

/* System flags. \Recent is not one: see store_mailbox_recent. */
#define STORE_SEEN 0x01
#define STORE_ANSWERED 0x02
#define STORE_FLAGGED 0x04
#define STORE_DELETED 0x08
#define STORE_DRAFT 0x10
#define STORE_FLAGS 0x1f
/* "$Forwarded" is an ordinary keyword here; on disk it is the letter P. */

/* Columns that cost: ask only for what is needed. */
#define STORE_WANT_ENVELOPE 0x01      /* RFC 9051 ENVELOPE, "(...)" */
#define STORE_WANT_BODY 0x02          /* BODY without extension data */
#define STORE_WANT_BODYSTRUCTURE 0x04 /* BODYSTRUCTURE */
#define STORE_WANT_HEADERS 0x08       /* cached header fields, see below */
#define STORE_WANT_FILE 0x10          /* base, delivery_id */
#define STORE_WANT_OBJECTID 0x20      /* emailid, threadid */
#define STORE_WANT_ORDER 0x40         /* order */

#define STORE_OBJECTID 16 /* octets of an EMAILID or THREADID */

struct store_message {
	uint32_t uid;
	unsigned flags; /* STORE_SEEN... */
	const char *const *keywords;
	size_t n_keywords;
	uint64_t modseq;
	int64_t internaldate; /* seconds since the epoch */
	int64_t savedate;     /* RFC 8514 */
	uint64_t size;        /* bytes of the file */
	uint64_t vsize;       /* RFC822.SIZE: bytes with CRLF */
	/*
	 * Empty unless asked for, or when the message could not be read or
	 * the text is too long to keep (65536): then read the file.
	 */
	struct slice envelope;
	struct slice body;
	struct slice bodystructure;
	/*
	 * The raw header fields store_header_is_cached() names, in the order
	 * of the message, folded as they came, CRLF line ends, no empty line
	 * at the end. headers_complete is false when they were too long to
	 * keep, or the message has no empty line: read the file.
	 */
	struct slice headers;
	bool headers_complete;
	/* RFC 8474 section 5, STORE_OBJECTID octets each. */
	struct slice emailid;
	struct slice threadid;
	struct slice base; /* file name without flags: POP3 UIDL, GUID */
	struct slice delivery_id;
	struct slice order; /* mail/order.h; empty: read the file */
};

/* True if the field (any case, no colon) is in store_message.headers. */
bool store_header_is_cached(struct slice name);

/*
 * Called for each message, ascending by UID. The message is valid during the
 * call. Nonzero stops the walk. Do not call the store from inside, except
 * store_set_*.
 */
typedef int store_message_fn(void *ctx, const struct store_message *msg);

/*
 * Walks the messages of set (NULL: all) whose MODSEQ is above since (0: all),
 * at most limit of them (0: no limit). *next is the UID to start at to go on
 * (put it through store_walk's from), 0 when the walk is done. No transaction
 * stays open between calls. next may be NULL.
 *
 * Messages adopted from other programs get their cached columns here, when
 * first asked for.
 */
struct store_walk {
	const struct store_set *set; /* or NULL */
	uint32_t from;               /* skip UIDs below */
	uint64_t since;              /* MODSEQ, for CHANGEDSINCE and refresh */
	unsigned want;               /* STORE_WANT_* */
	bool flags_only;             /* uid, flags and keywords are enough,
	                                want is 0: many times faster */
	bool order_only;             /* uid, internaldate, vsize and order are
	                                enough, since is 0: the same */
	size_t limit;
};

enum store_err store_walk(struct store_mailbox *m, const struct store_walk *w,
    store_message_fn *fn, void *ctx, uint32_t *next);

/*
 * UIDs expunged after MODSEQ since (QRESYNC, and the refresh of a session).
 * When the memory of expunged UIDs does not reach back that far, *out has
 * every UID below UIDNEXT that does not exist, which RFC 7162 3.2.10 allows.
 */
enum store_err store_vanished(struct store_mailbox *m, uint64_t since,
    struct store_set *out);

/* The text of a message: LF line ends (foreign files may hold CRLF). */
struct store_body {
	struct slice text; /* mapped; valid until store_body_close */
	int fd;            /* closed by store_body_close */
	struct mapped map;
};

enum store_err store_body_open(struct store_mailbox *m, uint32_t uid,
    struct store_body *out);
/* False (logged) if the file shrank or could not be read: the text had zeros
 * in the place of what is missing. */
bool store_body_close(struct store_body *b);

/* ---- changing messages --------------------------------------------------- */

enum store_how { STORE_ADD, STORE_REMOVE, STORE_REPLACE };

struct store_change {
	enum store_how how;
	unsigned flags;
	const struct slice *keywords; /* unknown ones are defined by ADD, REPLACE */
	size_t n_keywords;
	/* What is left as it is, whatever the rest says. */
	unsigned keep_flags;
	bool keep_keywords;
	bool conditional;         /* RFC 7162 UNCHANGEDSINCE */
	uint64_t unchanged_since;
};

/*
 * Changes the flags of the messages of set, in one transaction. refused (may
 * be NULL) gets the UIDs that failed the condition (the MODIFIED code). What
 * changed is what store_walk since the former HIGHESTMODSEQ shows. *modseq
 * (may be NULL) is the new HIGHESTMODSEQ.
 */
enum store_err store_change_flags(struct store_mailbox *m,
    const struct store_set *set, const struct store_change *change,
    struct store_set *refused, uint64_t *modseq);

/*
 * Removes the messages of set (NULL: all) that are \Deleted; all of set if
 * only_deleted is false. *gone (may be NULL) gets what this call removed.
 */
enum store_err store_expunge(struct store_mailbox *m,
    const struct store_set *set, bool only_deleted, struct store_set *gone,
    uint64_t *modseq);

/* COPYUID: from[i] became to[i], both ascending (RFC 4315 section 3). */
struct store_copied {
	uint32_t uidvalidity;
	uint32_t *from;
	uint32_t *to;
	size_t n;
};

void store_copied_release(struct store_copied *c);

/*
 * Copies with flags, keywords and INTERNALDATE; all or nothing, durable.
 * Bodies are shared on disk (hard links). UIDs that do not exist are passed
 * over.
 */
enum store_err store_copy(struct store_mailbox *m, const struct store_set *set,
    struct slice to, struct store_copied *out);
/* RFC 6851. The messages are gone from m afterwards (store_vanished). */
enum store_err store_move(struct store_mailbox *m, const struct store_set *set,
    struct slice to, struct store_copied *out);

/* Where to, and what of the messages may come along (RFC 4314 section 4). */
struct store_target {
	struct store_user *user; /* another one than m's, or the same */
	struct slice name;
	unsigned flags;
	bool keywords;
};

/*
 * The same into a mailbox of any user, whose quota counts. Between two users a
 * move is a copy, and then what was copied is removed: who dies in between
 * leaves the messages in both mailboxes.
 */
enum store_err store_copy_to(struct store_mailbox *m,
    const struct store_set *set, const struct store_target *to,
    struct store_copied *out);
enum store_err store_move_to(struct store_mailbox *m,
    const struct store_set *set, const struct store_target *to,
    struct store_copied *out);

/* ---- adding messages ----------------------------------------------------- */

struct store_append;

struct store_append_meta {
	unsigned flags;
	const struct slice *keywords;
	size_t n_keywords;
	int64_t internaldate;     /* 0: now */
	/*
	 * At most 32 of [A-Za-z0-9_-]; empty: none. Deliveries are remembered
	 * for 14 days, also when the message is gone meanwhile. An id of all
	 * 32 stands for a content (an import): it counts as long as a message
	 * with it exists.
	 */
	struct slice delivery_id;
};

#define STORE_CONTENT_ID 32
/*
 * True in *out if the mailbox has a message with this content's id, as far as
 * the index knows: a reason not to write it again. False if there is no such
 * mailbox.
 */
enum store_err store_has_content(struct store_user *u, struct slice name,
    struct slice id, bool *out);

struct store_appended {
	uint32_t uidvalidity;
	uint32_t first_uid; /* UIDs first_uid .. first_uid + n - 1 */
	uint32_t n;
	bool repeated; /* the delivery id was there already; nothing was added */
};

/*
 * Adds messages to one mailbox, all or nothing (RFC 3502 MULTIAPPEND):
 *
 *	store_append_begin(u, name, false, &a)
 *	store_append_data(a, bytes) ...    any pieces; CRLF becomes LF
 *	store_append_message(a, &meta)     ends this message
 *	... more messages ...
 *	store_append_commit(a, &result)    durable when STORE_OK; frees a
 *
 * or store_append_abort(a), which frees it too. Errors are sticky: data may
 * be fed on and the commit tells. No lock is held before commit. create: make
 * a missing mailbox (Sieve's fileinto :create); special ones are made anyway.
 */
enum store_err store_append_begin(struct store_user *u, struct slice name,
    bool create, struct store_append **out);
/*
 * STORE_QUOTA if bytes more (CRLF counted) would not fit now, beside the
 * messages that a has: a reason to refuse before they come. The commit checks
 * in any case.
 */
enum store_err store_append_fits(struct store_append *a, uint64_t bytes);
/*
 * The one message of a takes the place of uid of m (RFC 8508), a mailbox of
 * the same user handle that stays open until the commit. One transaction: with
 * STORE_OK the new one is there to stay and the old one gone; the old one does
 * not go before that. Quota counts what the new one is larger. STORE_NO_MESSAGE
 * here or at the commit if there is no such message.
 */
enum store_err store_append_replaces(struct store_append *a,
    struct store_mailbox *m, uint32_t uid);
enum store_err store_append_data(struct store_append *a, struct slice bytes);
/* length bytes of fd from offset (pread). */
enum store_err store_append_fd(struct store_append *a, int fd, off_t offset,
    uint64_t length);
enum store_err store_append_message(struct store_append *a,
    const struct store_append_meta *meta);
enum store_err store_append_commit(struct store_append *a,
    struct store_appended *out);
void store_append_abort(struct store_append *a);

/* A piece of the source that is left out (a header field Sieve deleted). */
struct store_cut {
	off_t offset;
	uint64_t length;
};

/*
 * The whole of one delivery: prefix (new header fields, CRLF or LF), then fd
 * from its start to size without the cuts (ascending), into mailbox name.
 * Runs in any thread; blocks on the disk. Repeating it with the same
 * meta->delivery_id (unique per message and mailbox) is harmless.
 */
struct store_delivery {
	struct slice mailbox;
	bool create;
	struct slice prefix;
	int fd;
	uint64_t size;
	const struct store_cut *cuts;
	size_t n_cuts;
	struct store_append_meta meta;
};

enum store_err store_deliver(struct store_user *u,
    const struct store_delivery *d, struct store_appended *out);

#endif
