/* Names for messages: queue ids and Message-ID values. */
#ifndef MAIL_MSGID_H
#define MAIL_MSGID_H

#include "core/buf.h"

#define QUEUE_ID_LEN 10

/*
 * A new queue id: ten of [0-9A-Z] and a NUL. Ids of one process grow
 * strictly, in time order (microseconds in base 36, good until 2085); two
 * processes could meet, so whoever stores it insists on a new name.
 */
void msgid_queue_id(char out[QUEUE_ID_LEN + 1]);

bool msgid_queue_id_valid(struct slice id);

/*
 * Appends "<yyyymmddhhmmss.UNIQUE@host>" (UTC), unique being the queue id, or
 * random text when id is empty.
 */
void msgid_make(struct buf *out, struct slice id, struct slice host);

/*
 * The next msg-id in *in (References, In-Reply-To, Message-ID), which is cut
 * off with all before it; false if there is none. id (cleared first) gets what
 * is between the brackets, without quotes, comments and blanks, so that all
 * spellings of one id are equal (RFC 5256 section 3). One without "@" or a
 * part beside it is passed over.
 */
bool msgid_next(struct slice *in, struct buf *id);

#endif
