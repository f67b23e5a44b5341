/*
 * Syncs of directories that callers share. A sync that starts after a rename
 * covers the rename, whoever started it: of many deliveries into one folder
 * at the same time, one does the sync and the others wait for it. Used inside
 * lib/store only.
 */
#ifndef STORE_DIRSYNC_H
#define STORE_DIRSYNC_H

#include <pthread.h>

#include "core/map.h"

struct dirsync {
	pthread_mutex_t lock;
	struct map dirs; /* path: struct dirsync_dir, while somebody waits */
};

void dirsync_init(struct dirsync *d);
void dirsync_release(struct dirsync *d);
/*
 * Returns when an fsync of path that began after the call has ended: 0, or -1
 * with errno set if it failed.
 */
int dirsync_wait(struct dirsync *d, const char *path);

#endif
