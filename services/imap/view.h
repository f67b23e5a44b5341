/*
 * A session's view of the selected mailbox: which UID has which sequence
 * number. What the view holds is what the client has been told (RFC 3501
 * 2.3.1.2, 7.4.1): it changes only in view_refresh, which writes the untagged
 * responses that go with it. Costs four bytes a message.
 */
#ifndef IMAP_VIEW_H
#define IMAP_VIEW_H

#include "services/imap/box.h"
#include "store/store.h"

struct view {
	struct store_mailbox *mailbox;
	uint32_t *uids; /* ascending; sequence number 1 is uids[0] */
	size_t n;
	size_t cap;
	uint64_t modseq;      /* flags and new messages are told up to here */
	uint64_t gone_modseq; /* expunges are told up to here */
	struct store_set recent;
	struct store_set saved; /* SEARCH's result variable (RFC 5182) */
	size_t keywords;        /* how many the client was told of */
	uint32_t uidvalidity;
	unsigned rights; /* ACL_*, see box_check */
	char *prefix;    /* of the name in other namespaces, or "" */
	bool read_only;
	bool rev2; /* the client knows no \Recent (RFC 9051 appendix E) */
	bool uidonly; /* and no sequence numbers (RFC 9586) */
};

/* How changes are told. */
struct view_report {
	bool expunge; /* the client's numbers may change now */
	bool sync;    /* look at the directory for foreign changes, too */
	bool condstore; /* MODSEQ in FETCH (RFC 7162 3.2) */
	bool qresync;   /* VANISHED instead of EXPUNGE (RFC 7162 3.2.10) */
	/* What has one of these MODSEQs and is in own_set, the command that
	 * changed it has told already. */
	const uint64_t *own;
	size_t n_own;
	const struct store_set *own_set;
	/* For live results (context.h); both may be NULL. changed gets the
	 * UIDs that changed or came; gone is called before expunges are told. */
	struct store_set *changed;
	void (*gone)(void *arg, const struct store_set *gone, struct buf *out);
	void *arg;
	bool no_flags;  /* changes of flags are not told (NOTIFY) */
	bool only_gone; /* nor is anything but expunges */
	struct store_set *arrived; /* gets the UIDs of new messages, or NULL */
	struct store_set *fresh; /* gets the UIDs of new messages, or NULL */
	/* Set when others expunged what the client still counts. */
	bool *issued;
};

/*
 * Opens the mailbox and writes the untagged responses of SELECT (RFC 3501
 * 6.3.1) to out. *first_unseen etc. are part of them. The caller releases
 * the view.
 */
enum store_err view_open(const struct box *box, bool read_only, bool rev2,
    bool uidonly, struct view **out_view, struct buf *out);
/* The client said ENABLE IMAP4rev2. */
void view_set_rev2(struct view *v);
void view_free(struct view *v); /* NULL is fine */

/* Index of the first UID that is not below uid; n if there is none. */
size_t view_lower(const struct view *v, uint32_t uid);
/* Sequence number, 0 if the client does not know the message. */
uint32_t view_seq(const struct view *v, uint32_t uid);
/* The same for UIDs in ascending order, faster; *at is 0 before the first. */
uint32_t view_seq_next(const struct view *v, uint32_t uid, size_t *at);
/* Number of messages of the view in set. */
size_t view_count(const struct view *v, const struct store_set *set);

/*
 * Leaves the last n messages of the view that are in set, and returns the first
 * UID of them; 0 if there are no more than n.
 */
uint32_t view_cut(const struct view *v, struct store_set *set, uint64_t n);

/*
 * The UIDs a sequence set (uid false) or UID set means here. -1 with *why for
 * a sequence number that does not exist (RFC 3501 section 9, seq-number).
 */
int view_resolve(const struct view *v, const struct seq_set *set, bool uid,
    struct store_set *out, const char **why);
/* The same, leaving out what does not exist: for SEARCH. */
void view_resolve_lenient(const struct view *v, const struct seq_set *set,
    bool uid, struct store_set *out);

/* Writes what changed since the last time. */
enum store_err view_refresh(struct view *v, const struct view_report *how,
    struct buf *out);

/* FLAGS and PERMANENTFLAGS if keywords were added since they were told. */
enum store_err view_tell_keywords(struct view *v, struct buf *out, bool always);

#endif
