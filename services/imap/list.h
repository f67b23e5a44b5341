/* LIST responses (RFC 9051 7.3.1), for LIST itself and for what tells one. */
#ifndef IMAP_LIST_H
#define IMAP_LIST_H

#include "services/imap/command.h"

struct list_form {
	bool lsub;        /* "* LSUB" */
	bool nonexistent; /* the client knows \NonExistent */
	bool subscribed;  /* tell \Subscribed */
	bool utf8;        /* the name in UTF-8 */
};

/* Appends "* LIST (...) "." name" without a line end. */
void list_put(struct buf *out, const struct store_list_entry *e,
    const struct list_form *form);

/*
 * In a step: the LIST response of one mailbox, or of one that is gone, with
 * OLDNAME (RFC 9051 6.3.9.7): old in UTF-8, or, if that is empty, how the
 * client spelled the name.
 */
enum store_err list_tell(struct command *c, const struct slice *name,
    struct slice old);

#endif
