/* The folders of a user as they are on disk, and their rows. Used inside
 * lib/store only. */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "store/mailbox.h"

/* Folders on their way out are called so, with a tag behind. */
#define TREE_DELETED "pillarbox-deleted."

/* Stops the walk with anything but STORE_OK. */
typedef enum store_err tree_name_fn(void *ctx, struct slice name);

/* INBOX, and each valid mailbox name that has a directory, in no order. */
enum store_err tree_names(const struct store_user *u, tree_name_fn *fn,
    void *ctx);
/* Imports and scans every folder of a user whose index is new. */
enum store_err tree_import(struct store_user *u, struct index *ix);
/*
 * If the user's directory changed since ix last looked: finishes a rename that
 * was cut short, imports folders that have no row, forgets rows that have no
 * folder. No transaction is open.
 */
enum store_err tree_follow(struct store_user *u, struct index *ix);
/* Does what is left of a rename whose process died (rename.c). */
enum store_err rename_finish(struct store_user *u, struct index *ix);

#endif
