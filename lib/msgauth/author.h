/*
 * The author of a message for DMARC: the one domain in its From field (RFC
 * 7489 section 6.6.1). Read strictly, for whoever reads differently from the
 * recipient's mail program can be lied to: an address in a display name that
 * is not quoted counts as another author. Names that only lack their quotes
 * ("Doe, Jane", "Pub @ Home") are names.
 */
#ifndef MSGAUTH_AUTHOR_H
#define MSGAUTH_AUTHOR_H

#include "core/arena.h"
#include "msgauth/fields.h"

struct author {
	const char *why;     /* NULL: there is exactly one domain */
	struct slice domain; /* A-labels, lower case; the first one found when
			      * there are several, or empty */
};

/*
 * unreadable: why the header cannot be judged as a whole, or NULL. The domain
 * lives in the arena.
 */
void author_find(struct author *a, const struct fields *f,
    const char *unreadable, struct arena *arena);

/* The same for the value of one From field. */
void author_parse(struct author *a, struct slice value, struct arena *arena);

#endif
