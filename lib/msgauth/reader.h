/*
 * Reading a message as it will be: the prefix of an edit, then the original
 * without the cut ranges. By pread, so a file that shrinks is an error and not
 * a SIGBUS, and the sender's offset stays where it is.
 */
#ifndef MSGAUTH_READER_H
#define MSGAUTH_READER_H

#include "wire/edit.h"

struct reader {
	int fd;
	uint64_t size;                /* of the original */
	const struct wire_edit *edit; /* NULL: as it is */
	size_t prefix_at;
	uint64_t at;                  /* next byte of the original */
	uint32_t cut;                 /* next cut */
};

/* The descriptor stays the caller's. */
void reader_init(struct reader *m, int fd, uint64_t size,
    const struct wire_edit *edit);

/* Up to n bytes; 0 at the end, -1 with errno (EIO: shorter than size). */
ssize_t reader_read(struct reader *m, void *p, size_t n) MUST_CHECK;

/*
 * Appends from the beginning until the header section is complete, and
 * possibly some of the body. *body_at is the body's offset in out. Where the
 * header does not end within LIMIT_HEADER_BYTES, *body_at is out->n and
 * nothing of what follows is body. -1 with errno.
 */
int reader_header(struct reader *m, struct buf *out, size_t *body_at,
    bool *too_long) MUST_CHECK;

#endif
