/* Pieces of IMAP responses. */
#ifndef IMAP_OUTPUT_H
#define IMAP_OUTPUT_H

#include "core/buf.h"
#include "store/store.h"

/* An atom if it can be one, else a quoted string. s holds no CR, LF, NUL. */
void out_astring(struct buf *out, struct slice s);
/* Always quoted; bytes that a quoted string cannot hold become "?". */
void out_quoted(struct buf *out, struct slice s);
/* "(\Seen $x)" */
void out_flags(struct buf *out, unsigned flags, const char *const *keywords,
    size_t n, bool recent);
/* The same in the order of FLAGS; more (may be NULL) is added at the end. */
void out_flag_names(struct buf *out, unsigned flags,
    const char *const *keywords, size_t n, const char *more);

/*
 * " (M0123...)": an objectid (RFC 8474 section 7), the octets of id in hex
 * behind the letter that keeps the kinds apart.
 */
void out_objectid(struct buf *out, char kind, struct slice id);

/*
 * How a FETCH response begins: "* 3 FETCH (", or with UIDONLY "* 17 UIDFETCH ("
 * (RFC 9586 3.3). tell_uid: "UID 17 " follows where that is news.
 */
void out_fetch(struct buf *out, bool uidonly, uint32_t seq, uint32_t uid,
    bool tell_uid);

/*
 * The response code with its brackets and text for a failed store call, "[IN
 * USE] ..." (RFC 5530). create: the missing mailbox is the target of APPEND,
 * COPY or MOVE, so TRYCREATE (RFC 3501 7.1).
 */
const char *out_store_err(enum store_err err, bool create);

#endif
