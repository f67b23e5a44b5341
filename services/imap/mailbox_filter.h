/*
 * Sets of mailboxes, as ESEARCH names its sources (RFC 7377 section 2.2, from
 * RFC 5465 section 6). No session in here.
 */
#ifndef IMAP_MAILBOX_FILTER_H
#define IMAP_MAILBOX_FILTER_H

#include "services/imap/parse.h"
#include "store/store.h"

enum mailbox_filter_kind {
	FILTER_SELECTED,
	FILTER_INBOXES, /* where mail is delivered: INBOX */
	FILTER_PERSONAL,
	FILTER_SUBSCRIBED,
	FILTER_SUBTREE,
	FILTER_SUBTREE_ONE,
	FILTER_MAILBOXES,
};

struct mailbox_filter {
	struct mailbox_filter *next;
	enum mailbox_filter_kind kind;
	struct slice *names; /* of the last three */
	size_t n;
};

/* One filter-mailboxes, "selected" or "subtree (a b)". */
int mailbox_filter_parse(struct parser *p, struct mailbox_filter *out);
/* filter-mailboxes *(SP filter-mailboxes), a list. */
int mailbox_filters_parse(struct parser *p, struct mailbox_filter **out);

/*
 * True if one of the list says that the selectable mailbox is in it. SELECTED
 * never says so: who asks knows.
 */
bool mailbox_filters_have(const struct mailbox_filter *list,
    const struct store_list_entry *entry);
/* True if one of the list can have mailboxes of other namespaces: PERSONAL has
 * none. */
bool mailbox_filters_others(const struct mailbox_filter *list);
/* True if one of the list is of that kind. */
bool mailbox_filters_name(const struct mailbox_filter *list,
    enum mailbox_filter_kind kind);

#endif
