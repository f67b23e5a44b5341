/*
 * Work on mail in the identity of the mail folder's owner. Setup runs as root,
 * and mail is hostile: so a child of its own, confined to the mail folder and
 * without root's rights, opens the store. Run by an ordinary user it is just a
 * child.
 */
#ifndef SETUP_OWNER_H
#define SETUP_OWNER_H

#include "setup/files.h"
#include "setup/setup.h"
#include "store/store.h"

struct owner {
	const struct setup *setup;
	struct store *store;
	const char *mail_dir; /* of the store: "" when confined */
	struct files *files;  /* what lies outside; NULL if not asked for */
};

/*
 * Runs fn in the child and returns its exit status (1 if it was killed, after
 * a message). fn's memory is the child's; it may print. outside: a path below
 * which the child may read files (write: and make some) through o->files.
 */
int owner_run(const struct setup *s, const char *outside, bool write,
    int (*fn)(struct owner *o, void *ctx), void *ctx);

/* "<mail_dir>/<domain>/<local>" of an address. */
void owner_path(const struct owner *o, struct slice address, struct buf *out);

#endif
