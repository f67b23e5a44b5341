/*
 * Mailbox names between client and store. The store knows modified UTF-7 (RFC
 * 3501 5.1.3), and so does a client of IMAP4rev1. One that said ENABLE
 * IMAP4rev2 speaks UTF-8 (RFC 9051 5.1): its names are made Net-Unicode, that
 * is composed, and encoded on the way in (parse_mailbox), decoded on the way
 * out.
 */
#ifndef IMAP_NAME_H
#define IMAP_NAME_H

#include "services/imap/command.h"

/* A name that is kept otherwise than the client spelled it. */
struct name_given {
	struct slice *where;  /* what the command works with */
	struct slice spelled; /* UTF-8, as it came */
	struct slice exact;   /* that, encoded; empty for INBOX */
	struct name_given *next;
};

/*
 * A mailbox name into *out, which must live as long as the command: the first
 * step may replace it (name_settle). Errors are the parser's.
 */
int name_parse(struct command *c, struct slice *out);

/*
 * On a thread, before the first step: a mailbox made by a client of IMAP4rev1
 * may be called exactly as it was spelled, in a form that is not composed. Then
 * that is the one that is meant (RFC 9051 5.1: a name that LIST told is taken).
 */
void name_settle(struct command *c);

/* How the client spelled the name at where, if that differs; else NULL. */
const struct name_given *name_given(const struct command *c,
    const struct slice *where);

/* Appends the name as astring, in UTF-8 if utf8. */
void name_put(struct buf *out, struct slice name, bool utf8);
/* Appends the name in UTF-8; as it is if it is no modified UTF-7. */
void name_decode(struct buf *out, struct slice name);

#endif
