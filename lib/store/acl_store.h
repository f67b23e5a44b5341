/* What acl.c and shares.c share with the rest of the store. Used inside
 * lib/store only. */
#ifndef STORE_ACL_STORE_H
#define STORE_ACL_STORE_H

#include "store/acl.h"
#include "store/mailbox.h"

#define ACL_FILE "dovecot-acl"

void acl_init(struct store *s);
void acl_end(struct store *s);
/*
 * Reads the ACL of a folder without the memory of it. 1: there is a file (it
 * may be damaged: then that is logged), 0: there is none.
 */
int acl_load(const char *dir, struct acl *out);
void shares_free(struct store *s);

#endif
