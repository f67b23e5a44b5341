/*
 * Files in memory for reading, used by lib/store. A mapped file that shrinks
 * while it is read, or that the disk cannot read, ends a process (SIGBUS);
 * through these functions its missing pages read as zeros instead, so that one
 * bad file is not the end of everybody's sessions.
 *
 * Only reading by this process is safe: a system call that is given such a
 * page fails with EFAULT.
 */
#ifndef CORE_MAPPED_H
#define CORE_MAPPED_H

#include "core/slice.h"

struct mapped {
	struct slice text;
	struct mapped_range *range;
	char *copy;   /* of a small file */
	bool damaged; /* the copy is not whole */
};

/* Up to here a file is read: that costs less than to map it. */
#define MAPPED_COPIED 16384

/* Maps the first n bytes (0 is fine); fd may be closed then. 0, or -1 with
 * errno set. Any thread. */
int mapped_open(struct mapped *m, int fd, size_t n) MUST_CHECK;
/* False if not all of it could be read. Closing twice is fine. */
bool mapped_close(struct mapped *m);

#endif
