/*
 * Maildir: names of files, folders on disk, listing of a folder's files.
 * Knows nothing of the index. Used inside lib/store only.
 */
#ifndef STORE_MAILDIR_H
#define STORE_MAILDIR_H

#include "core/arena.h"
#include "store/store.h"

/* Longest base name we make or adopt; NAME_MAX less room for flags. */
#define MAILDIR_BASE_MAX 200
/* Kernels before 6.13 stamp directories once per tick (up to 10 ms). */
#define MAILDIR_TICK_NS 20000000
/* Keywords that have letters (a-z) in file names. */
#define MAILDIR_LETTERS 26

/* What a base name tells: -1 or 0 where it has no such field. */
struct maildir_name {
	int64_t seconds;
	int64_t usec;       /* of "M", 0 if none */
	int64_t size;       /* S=, or -1 */
	int64_t vsize;      /* W=, or -1 */
	uint32_t uid;       /* U=, or 0 */
	struct slice delivery; /* behind Q in names of ours, or empty */
};

void maildir_name_parse(struct slice base, struct maildir_name *out);
/* Appends base with its U= field set to uid (added at the end if missing). */
void maildir_name_with_uid(struct buf *out, struct slice base, uint32_t uid);
/* Cuts "base:2,FS" into base and flag letters ("" without an info part). */
void maildir_split(struct slice name, struct slice *base,
    struct slice *letters);

/*
 * Appends "<secs>.M<usec>P<pid>Q<id>.<host>"; an empty id is a random one of
 * 16 characters.
 */
void maildir_unique(struct buf *out, struct slice id, const char *host);

/* Flag letters as bits: STORE_* flags, P, and keyword letters from bit 8. */
#define MAILDIR_PASSED 0x80u
#define MAILDIR_KEYWORD(n) ((uint64_t)1 << (8 + (n)))

uint64_t maildir_letters_parse(struct slice letters);
/* Appends ":2," and the letters in ASCII order. */
void maildir_letters_format(struct buf *out, uint64_t bits);

/* ---- folders ---- */

/*
 * Reads a file of a mail folder. What is no regular file there (a FIFO would
 * block, a link may lead anywhere) is an error, EINVAL or ELOOP.
 */
int maildir_read(const char *path, struct buf *out) MUST_CHECK;

/* The directory of a mailbox: root, or root + "/." + name. */
void maildir_dir(struct buf *out, const char *root, struct slice name);

/*
 * Makes dir with cur, new, tmp (0700) and, except for the root, the empty
 * maildirfolder file; durable. 0, or -1 with errno set. Existing is fine.
 */
int maildir_make(const char *dir, bool is_root);
/* The same without cur, not durable: it is no folder yet. */
int maildir_prepare(const char *dir, bool is_root);
/*
 * Makes tmp and new again in a folder that came back without its empty
 * directories, as many copying tools leave it; durable. 0, or -1 with errno
 * set: ENOENT if dir itself is gone.
 */
int maildir_mend(const char *dir);
/* True if dir has a cur directory. */
bool maildir_exists(const char *dir);

enum maildir_place { MAILDIR_CUR, MAILDIR_NEW };
extern const char *const maildir_places[2]; /* "cur", "new" */

/* "dir/cur/base:2,FS"; letters are left away in new/ when there are none. */
void maildir_path(struct buf *out, const char *dir, enum maildir_place place,
    struct slice base, uint64_t bits);

/* ---- listing ---- */

struct maildir_file {
	struct slice name;    /* in the arena, as it is on disk */
	struct slice base;    /* views into it */
	struct slice letters;
	enum maildir_place place;
	uint32_t uid;         /* U=, or that of its record in dovecot-uidlist */
	bool listed;          /* it has a record there */
	bool matched;         /* for the reader */
};

struct maildir_listing {
	struct arena arena;
	struct maildir_file *files;
	size_t n;
	size_t cap;
	uint32_t *slots;      /* hash of base: index + 1 */
	size_t n_slots;
};

/*
 * Adds the regular files of dir/<place>. What is no regular file is logged
 * and left alone. 0, or -1 with errno set.
 */
int maildir_list(struct maildir_listing *l, const char *dir,
    enum maildir_place place);
/* Prepares maildir_find. */
void maildir_index(struct maildir_listing *l);
struct maildir_file *maildir_find(const struct maildir_listing *l,
    struct slice base);
void maildir_listing_release(struct maildir_listing *l);

/* mtime of dir/<place> in nanoseconds, or -1 with errno set. */
int64_t maildir_mtime(const char *dir, enum maildir_place place);
/* fsync of dir/<sub> ("cur", "new", or "" for dir). */
int maildir_sync_dir(const char *dir, const char *sub);
/* Removes files of ours that were left in tmp/ more than 36 hours ago. */
void maildir_sweep_tmp(const char *dir);

#endif
