/*
 * Files of messages, plain or as Dovecot's zlib plugin compressed them. Used
 * inside lib/store only.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include "store/store.h"

enum body_kind {
	BODY_PLAIN,
	BODY_GZIP,
	BODY_ZSTD,
	BODY_ENCRYPTED, /* by Dovecot's mail_crypt plugin */
	BODY_UNKNOWN,   /* compressed in a way we do not read: bz2, lz4, xz */
};

/* What the first bytes of a file say (dms-compat 5.6). */
enum body_kind body_kind(struct slice head);

/* Appends what is in the text of a file; -1 when it is damaged or longer than
 * out's maximum. */
int body_unpack(enum body_kind kind, struct slice text, struct buf *out)
    MUST_CHECK;

/*
 * The text of fd's file in out, which takes fd over in any case. STORE_CORRUPT
 * (logged with path) for what cannot be read as a message.
 */
enum store_err body_map(int fd, const char *path, struct store_body *out);

#endif
