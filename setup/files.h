/*
 * Files outside the mail folder, for the child that works on mail (owner.h):
 * it asks, the parent opens. Paths are relative to one folder that the person
 * at the terminal named; nothing leads out of it, and symbolic links are not
 * followed.
 */
#ifndef SETUP_FILES_H
#define SETUP_FILES_H

#include "core/buf.h"

#define FILES_PATH_MAX 4096

struct files {
	int sock;
};

/* The parent's side: answers until the child is gone. root stays the
 * caller's; write: files may be made. */
void files_serve(int sock, int root, bool write);

/*
 * The child's side. 0 or a descriptor, or -1 with errno set; a path is at most
 * FILES_PATH_MAX bytes, "" is the root itself.
 */
int files_open(struct files *f, const char *path) MUST_CHECK;
/* A new, empty file; what was there under this name goes. */
int files_create(struct files *f, const char *path) MUST_CHECK;
/* An existing folder is fine. */
int files_mkdir(struct files *f, const char *path) MUST_CHECK;
/* Renames; mtime (seconds since the epoch) is set unless it is 0. */
int files_place(struct files *f, const char *from, const char *to,
    int64_t mtime) MUST_CHECK;

#endif
