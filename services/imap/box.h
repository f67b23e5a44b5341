/*
 * Mailbox names as clients say them, and the rights behind them. There are
 * three namespaces (RFC 2342):
 *
 *	INBOX, Work.2024                        the user's own
 *	Other Users/bob@example.test/Work/2024  what others share with him
 *	Shared/News                             of the account with the public ones
 *
 * Each top-level name has one separator (RFC 9051 6.3.9 asks for no more), so
 * that the dots of an address are no levels: "." in the own mailboxes, as ever,
 * and "/" in the other two, which no mailbox name on disk can hold.
 *
 * box_find is where rights are checked: who works with a mailbox by its name
 * gets it from there, with the rights that the command needs (RFC 4314 section
 * 4). For the selected mailbox box_check does the same before each command.
 */
#ifndef IMAP_BOX_H
#define IMAP_BOX_H

#include "services/imap/other.h"
#include "store/acl.h"

#define BOX_OTHERS "Other Users/"
#define BOX_SHARED "Shared/"

struct box {
	struct store_user *user; /* whose it is */
	struct slice name;       /* there */
	struct slice prefix;     /* before the name, in other namespaces */
	struct other *other;     /* NULL: the session's user */
	unsigned rights;         /* of the session's user, ACL_* */
};

/* A name taken apart. */
struct box_parts {
	struct slice prefix;  /* "" of an own one */
	struct slice address; /* whose it is, in the arena, lower case */
	struct slice inner;   /* with "/", as it came */
};

/* 1: another user's, 0: an own one, -1: in another namespace, but no name of
 * a mailbox. */
int box_take_apart(const struct session *s, struct arena *a,
    struct slice name, struct box_parts *out);
/* The separator of the namespace a name is in. */
char box_separator(struct slice name);
/* The name as clients say it, in the arena. */
struct slice box_name(struct arena *a, struct slice prefix, struct slice name);

/*
 * In a step: finds the mailbox of a name. STORE_NO_RIGHT if the user lacks one
 * of need but may see it, STORE_NO_MAILBOX if not even that, so that nobody
 * learns what there is. An own name is found even if nothing is there.
 */
enum store_err box_find(struct command *c, struct slice name, unsigned need,
    struct box *out);
/* The same, any one of the rights. */
enum store_err box_find_any(struct command *c, struct slice name,
    unsigned rights, struct box *out);
/*
 * The mailbox that a new one of this name is made in must let the user do so
 * (RFC 4314 section 4, CREATE: the nearest parent that exists). parent gets its
 * name, or an empty one.
 */
enum store_err box_find_new(struct command *c, struct slice name,
    struct box *out, struct slice *parent);
/* The mail of another user who gives these rights in one mailbox at least; the
 * box has no name. */
enum store_err box_find_owner(struct command *c, struct slice address,
    unsigned need, struct box *out);
/* True if it is the selected mailbox's name, as clients say it. */
bool box_is_selected(const struct session *s, struct slice name);
/* The selected mailbox's name as clients say it; empty if none is. */
struct slice box_selected_name(struct command *c);
/*
 * In a step, before anything else of the command: what became of the rights of
 * the selected mailbox. Tells PERMANENTFLAGS if they changed (RFC 4314 5.1.1).
 * False, with the answer, if the command may not go on.
 */
bool box_check(struct command *c);
/* True if the session's user has these rights in the selected mailbox. */
bool box_selected_has(const struct session *s, unsigned rights);
/* The flags and keywords of list that the rights let him set; drops others. */
void box_limit_flags(unsigned rights, unsigned *flags, size_t *n_keywords);

/* Writes the MYRIGHTS response of a mailbox (cmd_acl.c). */
enum store_err myrights_write(struct command *c, struct slice name);

/* ---- mailboxes of others, listed ------------------------------------------ */

/* Attributes of a listed name, beside STORE_NOSELECT and the like. */
#define BOX_OTHER 0x100
#define BOX_NO_ACCESS 0x200 /* \NoAccess (RFC 5465 section 3.1) */

/* Adds what the user can see in the other namespaces to list (box_list.c). */
enum store_err box_list(struct command *c, struct store_list *list);

/* True if name is in another namespace, or above what is. */
bool box_reaches_others(struct slice name);

/* ---- on the loop ---------------------------------------------------------- */

/* Whose mailbox it is, and how he calls it (in the arena); NULL for a name that
 * is none. Rights are not looked at. */
struct store_user *box_user(struct session *s, struct arena *a,
    struct slice name, struct slice *inner);

/* A name of the command: if it is another user's, see other_note. */
void box_note(struct command *c, struct slice name);
#endif
