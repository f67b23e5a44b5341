/*
 * Moving between docker-mailserver's Dovecot and us, for `setup migrate`. The
 * way here needs no command: a folder is taken over when it is first opened.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/store.h"

/* What taking over a folder will find. */
struct migrate_folder {
	const char *name;       /* wire form; "INBOX" */
	const char *why;        /* the folder cannot be taken over; or NULL */
	uint32_t uidvalidity;   /* 0: none is kept, clients load everything anew */
	unsigned long long bytes;
	unsigned messages;
	unsigned with_uid;      /* keep their UIDs */
	unsigned gone;          /* records without a file; normal */
	unsigned damaged_lines; /* of dovecot-uidlist */
	unsigned keywords;
	/*
	 * Keywords that only dovecot.index has are lost. It may have some when
	 * all letters are taken (keywords is 26), or when a file name has a
	 * letter without a name.
	 */
	unsigned nameless_letters;
	unsigned compressed;    /* gzip and zstd: read as they are */
	unsigned encrypted;     /* mail_crypt: not readable */
	unsigned unsupported;   /* bzip2, lz4, xz: not readable */
	unsigned unreadable;    /* the system refuses */
	unsigned odd;           /* links, FIFOs, folders: left alone */
	bool ours;              /* was taken over before */
};

struct migrate_user {
	bool dbox;              /* mail in sdbox or mdbox, which is not read */
	unsigned subscriptions;
	unsigned bad_names;     /* folders whose names are not valid */
};

/*
 * Looks at the mail in the directory root (of one user) without changing
 * anything, calling fn for each folder. 0, or -1 with errno.
 */
int migrate_check(const char *root,
    void (*fn)(void *ctx, const struct migrate_folder *f), void *ctx,
    struct migrate_user *out);

/* What was given back. */
struct migrate_back {
	unsigned folders;
	unsigned messages;
	unsigned keywords_lost; /* have no letter in file names */
};

/*
 * Writes Dovecot's files, so that it shows the same UIDs, flags and keywords,
 * and removes its stale indexes and our index. Nobody else may use the mail
 * meanwhile. Opening it with us again takes it over again. STORE_NO_MAILBOX
 * for a user without mail.
 */
enum store_err migrate_back(struct store_user *u, struct migrate_back *out);

#endif
