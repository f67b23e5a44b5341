/*
 * Identifiers of messages (RFC 8474 section 5). Both follow from the text
 * alone, so they are the same for all copies, and again when the index was
 * lost. The names in References are the thread's, the first one that of its
 * root: messages that were answered elsewhere, or are in other mailboxes, find
 * each other without a table of threads, and an id once told never changes.
 */
#include "store/mailbox.h"

#include <sodium.h>

#include "core/limits.h"
#include "mail/header.h"
#include "mail/msgid.h"

bool
objectid_init(void)
{
	return sodium_init() >= 0;
}

static void
digest(struct slice text, unsigned char out[STORE_OBJECTID])
{
	crypto_generichash(out, STORE_OBJECTID, (const unsigned char *)text.p,
	    text.n, NULL, 0);
}

/* The root of the thread; false if the message names nobody, nor itself. */
static bool
find_root(struct slice text, struct buf *id)
{
	static const struct slice names[] = { { "References", 10 },
		{ "In-Reply-To", 11 }, { "Message-ID", 10 } };

	for (size_t i = 0; i < LEN(names); i++) {
		struct slice value;

		if (header_find(text, names[i], &value) &&
		    msgid_next(&value, id))
			return true;
	}
	return false;
}

void
objectid_make(struct slice text, unsigned char email[STORE_OBJECTID],
    unsigned char thread[STORE_OBJECTID])
{
	struct buf root = BUF_INIT(LIMIT_HEADER_BYTES);

	digest(text, email);
	if (find_root(text, &root))
		digest(buf_slice(&root), thread);
	else
		memcpy(thread, email, STORE_OBJECTID);
	buf_release(&root);
}
