/*
 * The end of a DKIM key whose time after a rotation is over: out of KeyTable,
 * its files aside. The supervisor does it by itself; setup does it before it
 * works on keys.
 */
#ifndef CONF_CONF_DKIM_RETIRE_H
#define CONF_CONF_DKIM_RETIRE_H

#include "conf/conf.h"
#include "conf/conf_dkim.h"

/* True if there is such a key; now is in seconds since the epoch. A key that
 * signs, because somebody put it back, is none. */
bool conf_dkim_due(const struct conf *c, int64_t now);

/*
 * Takes all of them out, and calls fn for each that is; the caller has the
 * lock of the config folder. -1 with errno and the path that it is about, which
 * is appended to failed: what was not done is due again the next time.
 */
int conf_dkim_retire(const struct conf *c, int64_t now,
    void (*fn)(void *arg, const struct conf_dkim_key *key), void *arg,
    struct buf *failed) MUST_CHECK;

/* Does another line of KeyTable have the same file? */
bool conf_dkim_path_is_shared(const struct conf_dkim *d,
    const struct conf_dkim_key *key);

/*
 * Deletes the files of a key, given the private one, or without purge renames
 * them to NAME.removed-TIME; kept (or NULL) gets the new path of the private
 * key, if there was one. -1 as above.
 */
int conf_dkim_put_away(const char *path, bool purge, struct buf *kept,
    struct buf *failed) MUST_CHECK;

#endif
