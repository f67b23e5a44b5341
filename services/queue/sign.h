/* What leaves gets its DKIM signature or its ARC seal from dkim. */
#ifndef SERVICES_QUEUE_SIGN_H
#define SERVICES_QUEUE_SIGN_H

#include "services/queue/compose.h"
#include "services/queue/queue.h"

/*
 * Asks for the signature of the message in fd (of queue id) with that edit.
 * cb is called once, perhaps at once: with the header fields to put in front,
 * "" if there is no key for it, ENABLE_OPENDKIM is 0 or dkim is away (then
 * logged: an unsigned message is better than none).
 */
void sign_message(struct queue *q, int fd, const char *id, uint64_t size,
    const struct edit *edit, void (*cb)(void *arg, struct slice fields),
    void *arg);

/*
 * The same for a message from outside that an alias of address passes on: an
 * ARC set. results: our Authentication-Results field, which is in the edit.
 * chain: enum wire_dkim_chain.
 */
void sign_seal(struct queue *q, int fd, const char *id, uint64_t size,
    const struct edit *edit, struct slice address, struct slice results,
    uint8_t chain, void (*cb)(void *arg, struct slice fields), void *arg);

#endif
