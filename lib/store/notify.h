/*
 * Tells a worker process which of its open mailboxes another process changed:
 * deliver, another IMAP worker, or a program that knows only Maildir. One
 * inotify descriptor per worker, one small watch per open folder.
 *
 * Used by imap for IDLE and NOTIFY. Events are hints: after one, call
 * store_mailbox_sync and compare HIGHESTMODSEQ.
 */
#ifndef STORE_NOTIFY_H
#define STORE_NOTIFY_H

#include "store/store.h"

struct store_notify;
struct store_watch;

/* NULL with errno set when the kernel has no inotify instance left. */
struct store_notify *store_notify_new(void);
void store_notify_free(struct store_notify *n);
/* The descriptor to poll for reading. */
int store_notify_fd(const struct store_notify *n);

/*
 * Watches the mailbox. ctx comes back from store_notify_read. Watches of one
 * folder share the kernel's. NULL with errno set (ENOSPC: the limit of
 * watches): poll with store_mailbox_sync instead. Also watches the user's
 * index, where changes by other workers show.
 */
struct store_watch *store_notify_watch(struct store_notify *n,
    const struct store_mailbox *m, void *ctx);
/*
 * The same for the folder of a name, without the index: for one of many, where
 * the index is watched once.
 */
struct store_watch *store_notify_watch_folder(struct store_notify *n,
    const struct store_user *u, struct slice name, void *ctx);
/* The same for the user's root: names of mailboxes, and the index. */
struct store_watch *store_notify_watch_root(struct store_notify *n,
    const struct store_user *u, void *ctx);
void store_notify_unwatch(struct store_notify *n, struct store_watch *w);

/*
 * Reads what is pending without blocking and calls fn once for each watch
 * whose mailbox may have changed; for all watches when the kernel's queue
 * overflowed. fn may unwatch any watch, its own too. Returns 0, or -1 with
 * errno set.
 */
int store_notify_read(struct store_notify *n, void (*fn)(void *ctx));

#endif
