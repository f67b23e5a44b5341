/*
 * The spool folder: message files and nothing else. A body is first a file
 * without a name (O_TMPFILE), written by the SMTP server through a write-only
 * descriptor; most bodies never get a name, because they are delivered while
 * the client waits. What must be kept gets its records (services/queue/
 * envelope.h), is synced, linked as "<queue id>.<size of the body>" and the
 * folder is synced: from then on it survives anything, and the file alone is
 * the truth. There is no index to be damaged; at start the folder is read.
 *
 * A name appears only when the content under it is durable, so a file that can
 * be read in full was acknowledged or about to be; one that cannot is moved
 * aside as "bad.<name>" and reported, never removed.
 *
 * File systems without O_TMPFILE (or without /proc) get a file "tmp.<id>"
 * instead; such names are removed at start, they were never acknowledged.
 */
#ifndef SERVICES_QUEUE_SPOOL_H
#define SERVICES_QUEUE_SPOOL_H

#include "core/slice.h"
#include "mail/msgid.h"

#define SPOOL_NAME (QUEUE_ID_LEN + 1 + 20 + 1)

struct spool {
	int dir;          /* the folder */
	int proc;         /* O_PATH of /proc/self/fd, -1: none */
	bool named;       /* temporary files have names */
};

/* Before chroot: remembers /proc/self/fd. Returns -1 for none. */
int spool_proc(void);
/* -1 with errno. */
int spool_open(struct spool *s, const char *path, int proc) MUST_CHECK;
void spool_close(struct spool *s);

/* A new body for queue id, opened for reading and writing. -1 with errno. */
int spool_body_new(struct spool *s, const char *id) MUST_CHECK;
/* The same file opened again, O_WRONLY or O_RDONLY. -1 with errno. */
int spool_body_again(struct spool *s, int fd, const char *id, int how)
    MUST_CHECK;
/*
 * Empties a body, so that it can be written again like a new one; -1 if that
 * cannot be. One byte stays until the writer overwrites it: ext4 answers a
 * truncation to nothing by starting to write to the disk at the next close.
 */
int spool_body_clean(struct spool *s, int fd) MUST_CHECK;
/* Closes a body that was not kept. */
void spool_body_drop(struct spool *s, int fd, const char *id);

/*
 * Appends records behind size bytes of body, makes all of it durable and gives
 * it its name. Blocks; for a thread of the pool. -1 with errno: then it has no
 * name and nothing was promised. The descriptor stays the caller's.
 */
int spool_keep(struct spool *s, int fd, const char *id, uint64_t size,
    struct slice records) MUST_CHECK;

void spool_name(char name[SPOOL_NAME], const char *id, uint64_t size);
/* Splits a name; false if it is not one of ours. */
bool spool_name_parse(const char *name, char id[QUEUE_ID_LEN + 1],
    uint64_t *size);

/* A kept message, read-only. -1 with errno. */
int spool_message_open(struct spool *s, const char *name) MUST_CHECK;
/* Appends journal records. -1 with errno; then nothing was appended. */
int spool_message_append(struct spool *s, const char *name,
    struct slice records) MUST_CHECK;
/* Cuts a torn record off. */
int spool_message_truncate(struct spool *s, const char *name, uint64_t size)
    MUST_CHECK;
int spool_message_remove(struct spool *s, const char *name) MUST_CHECK;
int spool_message_quarantine(struct spool *s, const char *name) MUST_CHECK;

/* Calls fn for every message; removes left-over temporary files. */
int spool_list(struct spool *s, void (*fn)(void *arg, const char *name),
    void *arg) MUST_CHECK;

/* Bytes that may still be written, and false if it cannot be told. */
bool spool_space(struct spool *s, uint64_t *bytes);

#endif
