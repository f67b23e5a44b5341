/*
 * IMAP URLs that name a message or a part of one, relative to this server and
 * user (RFC 5092, RFC 4469 section 3): "/Drafts;UIDVALIDITY=1/;UID=20/;SECTION=1.2",
 * or ";UID=20" in the selected mailbox.
 */
#ifndef IMAP_URL_H
#define IMAP_URL_H

#include "core/arena.h"
#include "services/imap/fetch_plan.h"

struct imap_url {
	struct slice mailbox; /* wire form; empty: the selected one */
	uint32_t uidvalidity; /* 0: any */
	uint32_t uid;
	struct fetch_section section;
};

/* Results live in the arena. -1 if url is none, or names something else. */
int imap_url_parse(struct arena *a, struct slice url, struct imap_url *out)
    MUST_CHECK;

#endif
