/* The bytes of a URL on their way into a message (RFC 4469). */
#ifndef IMAP_APPEND_URL_H
#define IMAP_APPEND_URL_H

#include "services/imap/section.h"

struct command;

struct append_source {
	bool open;
	struct store_mailbox *mailbox; /* opened for it, or NULL */
	struct section_cache *message;
	struct section section;
	struct arena arena;
};

/*
 * Opens what url names; section.left is its size. -1 if there is no such
 * message or part, or the user may not read it. On a thread of the pool.
 */
int append_source_open(struct append_source *src, struct command *c,
    struct slice url) MUST_CHECK;
/* Gives the next piece to the store; true while there is more. */
bool append_source_copy(struct append_source *src, struct store_append *to);
void append_source_close(struct append_source *src);

#endif
