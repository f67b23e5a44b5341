/*
 * Files: whole reads with a cap, atomic durable replacement, full writes.
 * Every function returns 0 (or a descriptor) or -1 with errno set; the caller
 * logs, because it knows what the file meant.
 */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include "core/buf.h"

/* Appends the whole file; EFBIG when it is longer than out's maximum. */
int file_read(const char *path, struct buf *out) MUST_CHECK;
/* The same from an open descriptor, from its current offset. */
int file_read_fd(int fd, struct buf *out) MUST_CHECK;

/* Writes all of it, retrying short writes and EINTR. */
int file_write_all(int fd, const void *p, size_t n) MUST_CHECK;
/* Reads exactly n bytes at offset; EIO when the file ends before. */
int file_pread_all(int fd, void *p, size_t n, off_t offset) MUST_CHECK;

/*
 * Replaces path by content so that after a crash either the old or the new
 * file is there, whole: temporary file in the same folder, fsync, rename,
 * fsync of the folder. Mode applies to a new file. If rename is refused
 * because path is a mount point (EBUSY, a file bind-mounted alone), or the
 * folder does not let us create a file, the content is written in place.
 */
int file_replace(const char *path, struct slice content, mode_t mode)
    MUST_CHECK;

/* fsync of a folder, given its path. */
int file_sync_dir(const char *path) MUST_CHECK;

/* mkdir -p: creates missing folders with mode; existing ones are fine. */
int file_make_dirs(const char *path, mode_t mode) MUST_CHECK;

/* True if there is anything at path (not following a final link). */
bool file_exists(const char *path);

/* Removes a tree; a missing one is fine. Links are removed, not followed. */
int file_remove_tree(const char *path) MUST_CHECK;

void file_set_nonblock(int fd);
void file_set_cloexec(int fd, bool on);

#endif
