/*
 * Sessions kept open for a few seconds after a message, for the next one to
 * the same next hop: a burst to one destination costs one handshake per
 * connection, not per message.
 */
#ifndef RELAY_POOL_H
#define RELAY_POOL_H

#include "services/relay/session.h"

#define POOL_IDLE_MS 4000
#define POOL_SESSIONS 50      /* idle ones in all */
#define POOL_MESSAGES 100     /* over one connection */
#define POOL_AGE_MS 300000

struct pool;

struct pool *pool_new(struct loop *l);
void pool_free(struct pool *p);
/* An open session for the same key, now the caller's; NULL if none. */
struct session *pool_take(struct pool *p, struct slice key);
/* Takes over a session that is usable; may end it instead. */
void pool_put(struct pool *p, struct slice key, struct session *s);
/* Says QUIT to all. */
void pool_clear(struct pool *p);
size_t pool_count(const struct pool *p);

#endif
