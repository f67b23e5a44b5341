/*
 * Annotations of mailboxes and of the server (RFC 5464), for one user. They are
 * in a small text file in the folder, which is the truth: it follows a rename,
 * goes with a delete, and needs no index. Names are in lower case and checked
 * by the caller. Values are any bytes.
 *
 *	pillarbox-metadata 1
 *	<value in base64> <name>
 */
#ifndef STORE_METADATA_H
#define STORE_METADATA_H

#include "core/arena.h"
#include "store/store.h"

struct store_entry {
	struct slice name;
	struct slice value;
	bool nil; /* there is none; in a change: remove it */
};

struct store_metadata {
	struct store_entry *entries; /* by name */
	size_t n;
	struct arena arena;
};

/*
 * Reads what is annotated to the mailbox, or to the server if name is empty.
 * The caller releases it, also on failure. STORE_NO_MAILBOX if there is none.
 */
enum store_err store_metadata_read(struct store_user *u, struct slice name,
    struct store_metadata *out);
void store_metadata_release(struct store_metadata *m);
/* The value of the entry, or NULL. */
const struct store_entry *store_metadata_find(const struct store_metadata *m,
    struct slice name);

/*
 * Sets or removes entries, all or nothing, durably. STORE_LIMIT if there would
 * be too many of them or too much.
 */
enum store_err store_metadata_change(struct store_user *u, struct slice name,
    const struct store_entry *changes, size_t n);

/* The reader and the writer of the file, for tests. */
bool store_metadata_parse(struct slice text, struct store_metadata *out);
void store_metadata_format(const struct store_metadata *m, struct buf *out);

#endif
