/*
 * What a folder remembers durably beside its messages, in small text files, so
 * that the index can be rebuilt with the same UIDs: pillarbox-folder (ours),
 * and dovecot-keywords, dovecot-uidvalidity in the formats of Dovecot
 * (dms-compat 5.4). Used inside lib/store only.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "store/maildir.h"

struct folder {
	uint32_t uidvalidity;
	uint32_t reserved; /* no UID at or above was ever given out */
	char guid[33];
	char special[33];  /* "\\Junk" or "": given by CREATE ... USE */
	bool takeover;     /* UIDs are still to be taken from dovecot-uidlist */
};

/* 1: read, 0: there is none, or it is damaged (logged), -1: errno. */
int folder_read(const char *dir, struct folder *out);
/* Atomic and synced. */
enum store_err folder_write(const char *dir, const struct folder *f);
void folder_new_guid(char guid[33]);

/*
 * A UIDVALIDITY above every one given out in root: above floor (the highest of
 * the index), the file and the clock. Recorded in dovecot-uidvalidity.
 */
enum store_err folder_new_uidvalidity(const char *root, uint32_t floor,
    uint32_t *out);

/* Keywords by number; NULL where a number has no name. */
struct keywords {
	char **names;
	size_t n;
};

void keywords_release(struct keywords *k);
/* Sets number n to name, if it has none yet. */
void keywords_set(struct keywords *k, size_t n, struct slice name);
/* The number of name (ASCII case ignored, RFC 3501 2.3.2), or -1. */
int keywords_find(const struct keywords *k, struct slice name);
/*
 * Adds what dovecot-keywords of dir defines. -1 (logged) if the system refuses
 * to read it: then letters in file names must not be taken as meaningless.
 */
int keywords_read(struct keywords *k, const char *dir);
/* Replaces dovecot-keywords of dir: the first 26. */
enum store_err keywords_write(const struct keywords *k, const char *dir);

/* ---- dovecot-uidlist (uidlist.c), dms-compat 5.4 ---- */

/* A record: "<uid> [<letter><value> ]... :<base>". */
struct uidlist_record {
	uint32_t uid;
	struct slice base;   /* file name without flags */
	struct slice fields; /* "W2154 S2110" */
};

/*
 * Takes the first line off text: fills UIDVALIDITY, reserved (the next UID,
 * which may be too low) and GUID. False if it is not one of version 3 or 1.
 */
bool uidlist_header(struct slice *text, struct folder *f);
/*
 * The next record; a damaged line is passed over and counted in *damaged (may
 * be NULL).
 */
bool uidlist_next(struct slice *text, struct uidlist_record *r,
    unsigned *damaged);
/* Reads the file of dir: 1 there, 0 not, -1 errno (logged). */
int uidlist_load(const char *dir, struct buf *text);

/* The names of a dovecot-keywords file; *beyond counts those without letter. */
void keywords_parse(struct keywords *k, struct slice text, unsigned *beyond);

/* What of a folder comes from its dovecot-uidlist, with a next UID that is
 * above all records. 1 found, 0 not or damaged, -1 errno. */
int takeover_read(const char *dir, struct folder *out);
/* Gives the files of the listing the UIDs of their records. */
void takeover_apply(const char *dir, struct maildir_listing *l);

#endif
