/*
 * Address lists of header fields: From, To, Cc, Reply-To ... (RFC 5322 3.4,
 * and the obsolete forms of 4.4), in the shape that IMAP's ENVELOPE needs (RFC
 * 3501 7.4.2). Encoded words stay as they are. Never fails: what can't be
 * understood is skipped up to the next comma. Linear time.
 */
#ifndef MAIL_ADDRESS_LIST_H
#define MAIL_ADDRESS_LIST_H

#include "core/arena.h"
#include "core/buf.h"

enum address_kind {
	ADDRESS_MAILBOX,
	ADDRESS_GROUP_START, /* mailbox holds the group's name, host is NIL */
	ADDRESS_GROUP_END,   /* all NIL */
};

/*
 * A slice whose p is NULL is IMAP's NIL. host is empty but not NIL where an
 * address has no domain, because a NIL host means a group. Several words
 * without a domain are a name; mailbox is empty then too.
 */
struct address {
	enum address_kind kind;
	struct slice name;    /* phrase without quotes; the comment in or
	                       * behind a bare address */
	struct slice route;   /* "@a,@b" */
	struct slice mailbox; /* local part, without quotes */
	struct slice host;
};

struct address_list {
	struct address *v;
	size_t n;
};

/*
 * Parses the value of one field (folding allowed). At most
 * LIMIT_HEADER_ADDRESSES entries. Everything lives in the arena.
 */
void address_list_parse(struct arena *a, struct slice value,
    struct address_list *out);

/* Appends "mailbox@host", quoting the mailbox where needed. */
void address_format(struct buf *out, const struct address *addr);

#endif
