/*
 * Who may do what with a mailbox (RFC 4314). The rights of a mailbox are in
 * the file dovecot-acl of its folder, in Dovecot's format, so that they outlive
 * the index and go from Dovecot to us and back:
 *
 *	anyone lr
 *	user=bob@example.test lrswi
 *	-user=eve@example.test w
 *	"user=with blank@example.test" lr
 *
 * A line has an identifier (anyone, authenticated, group=NAME, owner,
 * user=NAME, group-override=NAME; behind "-" the rights are taken away) and
 * letters of rights; behind ":" may stand names of rights. Comments ("#") and
 * empty lines are kept, and so are groups, which we have none of.
 *
 * The most specific identifier counts, as in Dovecot: what is said of a user is
 * not added to what is said of anyone, it stands in its place (RFC 4314 section
 * 2 leaves that open). Rights are taken away at the level where they are said
 * to be. A mailbox without a file is its owner's alone.
 */
#ifndef STORE_ACL_H
#define STORE_ACL_H

#include "core/arena.h"
#include "store/store.h"

/* RFC 4314 section 2.1; the letter is behind each. */
enum {
	ACL_LOOKUP = 0x001,      /* l */
	ACL_READ = 0x002,        /* r */
	ACL_WRITE = 0x004,       /* w: flags but \Seen and \Deleted */
	ACL_WRITE_SEEN = 0x008,  /* s */
	ACL_WRITE_DELETED = 0x010, /* t */
	ACL_INSERT = 0x020,      /* i */
	ACL_POST = 0x040,        /* p */
	ACL_EXPUNGE = 0x080,     /* e */
	ACL_CREATE = 0x100,      /* k */
	ACL_DELETE = 0x200,      /* x */
	ACL_ADMIN = 0x400,       /* a */
	ACL_ALL = 0x7ff,
	ACL_FLAGS = ACL_WRITE | ACL_WRITE_SEEN | ACL_WRITE_DELETED,
};

/* From the least specific to the most. */
enum acl_kind {
	ACL_ANYONE,
	ACL_AUTHENTICATED,
	ACL_GROUP,
	ACL_OWNER,
	ACL_USER,
	ACL_GROUP_OVERRIDE,
	ACL_KINDS
};

struct acl_id {
	enum acl_kind kind;
	bool negative;
	struct slice name; /* of a user or a group */
};

struct acl_entry {
	struct acl_id id;
	unsigned rights;
	struct slice line; /* as it stands in the file, without its end */
};

struct acl {
	struct acl_entry *entries; /* in the order of the file */
	size_t n;
	bool damaged; /* only the owner has rights */
	struct arena arena;
};

/*
 * Letters to rights. The obsolete c and d stand for kx and et (section 2.1.1)
 * if obsolete is true, else they are no rights. -1 for any other letter.
 */
int acl_rights_parse(struct slice letters, bool obsolete, unsigned *out);
/* Appends the letters; with c and d where section 2.1.1 asks for them. */
void acl_rights_put(struct buf *out, unsigned rights, bool obsolete);

/*
 * Reads a file's text, which is copied. False if a line is none: then a has
 * damaged set and what was read. Release it in any case.
 */
bool acl_parse(struct acl *a, struct slice text);
void acl_release(struct acl *a);
/* The rights of user in a mailbox of owner (addresses, lower case). */
unsigned acl_rights(const struct acl *a, struct slice owner,
    struct slice user);
/*
 * Appends the text of a file with what a change makes of it: the lines of id
 * become one with the rights, or none if remove is set.
 */
void acl_edit(struct slice text, const struct acl_id *id, unsigned rights,
    bool remove, struct buf *out);
/*
 * An identifier as people and clients write it: "bob@example.test", "anyone",
 * "-owner". The address, composed and in lower case, is put into name, which
 * must outlive id.
 */
enum acl_id_result {
	ACL_ID_KNOWN,
	ACL_ID_UNKNOWN,   /* text, but neither an address nor one of the words */
	ACL_ID_MALFORMED, /* not even text (RFC 4314 section 3) */
};
enum acl_id_result acl_id_read(struct slice said, struct buf *name,
    struct acl_id *id);
/* Appends it in that form; a group as in the file. */
void acl_id_say(struct buf *out, const struct acl_id *id);

/* True if the name can be an identifier's: UTF-8 without control characters,
 * not empty, not longer than an address. */
bool acl_name_is_valid(struct slice name);
/* Addresses have no case here. */
bool acl_id_eq(const struct acl_id *a, const struct acl_id *b);

/* ---- of mailboxes --------------------------------------------------------- */

/*
 * The rights of user in the mailbox of u. The name need not exist: then they
 * are all for the owner, none for others. Costs a stat; a file that changed is
 * read again. One that is damaged is logged once, and gives only the owner
 * rights.
 */
unsigned store_acl_rights(struct store_user *u, struct slice name,
    struct slice user);
/* The same of an open mailbox; STORE_NO_MAILBOX if it is gone. */
enum store_err store_acl_of_mailbox(struct store_mailbox *m,
    struct slice user, unsigned *rights);
/* What the file says; an empty list if there is none. Release it. */
enum store_err store_acl_read(struct store_user *u, struct slice name,
    struct acl *out);

enum acl_how { ACL_SET, ACL_ADD, ACL_TAKE, ACL_REMOVE };

/*
 * Changes the rights of one identifier: one atomic, durable replacement of the
 * file. The owner keeps l and a. STORE_CORRUPT for a damaged file, which is
 * left as it is, STORE_LIMIT for too many identifiers. Makes a special mailbox
 * that is not there.
 */
enum store_err store_acl_change(struct store_user *u, struct slice name,
    const struct acl_id *id, enum acl_how how, unsigned rights);
/* A new mailbox gets the rights of its parent (RFC 4314 section 4, CREATE). */
enum store_err store_acl_inherit(struct store_user *u, struct slice from,
    struct slice to);
/*
 * Calls fn with each mailbox of u on which user has all of need, in no order,
 * without the index.
 */
typedef void store_acl_fn(void *ctx, struct slice name, unsigned rights);
enum store_err store_acl_each(struct store_user *u, struct slice user,
    unsigned need, store_acl_fn *fn, void *ctx);

/* ---- who shares with whom (shares.c) -------------------------------------- */

/*
 * Calls fn with each user, but not user itself, who may have a mailbox that
 * user can see, in order of addresses. It comes from the file
 * pillarbox-shares in the mail root, which is a hint and can be deleted: where
 * it is missing, it is made by a look at all folders.
 */
typedef void store_shares_fn(void *ctx, struct slice owner);
enum store_err store_shares_with(struct store *s, struct slice user,
    store_shares_fn *fn, void *ctx);
/* Makes the file anew if it is from before this process; that may take seconds.
 * Others can read it meanwhile. */
void store_shares_refresh(struct store *s);
/* The rights of mailboxes of u may have changed: its lines are made anew. */
void store_shares_update(struct store_user *u);

#endif
