/* Taking a new key into use, and what becomes of the old ones. */
#ifndef SETUP_DKIM_RETIRE_H
#define SETUP_DKIM_RETIRE_H

#include "setup/dkim_tables.h"

/* How long a key that signed must stay published: a message may be on its way
 * for five days (RFC 5321 4.5.4.1), and is checked as it arrives. */
#define DKIM_RETIRED_DAYS 7

enum key_type { KEY_UNUSABLE, KEY_RSA, KEY_ED25519 };

/* What the file holds. */
enum key_type dkim_retire_type(const char *path);

/*
 * Has key sign where keys of its domain and type do, or one whose file cannot
 * be used, and those retire; if there are none, beside the other keys of the
 * domain, or for the whole domain. Edits the texts and reads them anew: key is
 * stale then. Its note stays, so that all of this can be repeated when it was
 * not written to the end. Returns how many retire.
 */
size_t dkim_retire_switch(const struct setup *s, struct dkim_tables *t,
    const struct conf_dkim_key *key, int64_t until);

/*
 * Takes the keys out of the tables that retired long enough ago, their files
 * aside, and says so on stderr. 0, or 1 after saying what failed.
 */
int dkim_retire_due(const struct setup *s);

#endif
