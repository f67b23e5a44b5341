/*
 * The envelope of a message: sender, recipients and what has become of each;
 * and its form in the spool. Pure functions.
 *
 * A spool file is the message as it was received followed by records. The
 * first two are written with the file and never change: EDIT (header fields to
 * put in front and byte ranges to leave out) and ENVELOPE. The rest is a
 * journal: STATE, EXPAND and HOLD records appended as things happen. Each has
 * a checksum, so that a record torn by a crash is recognised and dropped: the
 * recipient is then tried once more, never forgotten.
 */
#ifndef SERVICES_QUEUE_ENVELOPE_H
#define SERVICES_QUEUE_ENVELOPE_H

#include "core/buf.h"
#include "mail/msgid.h"
#include "wire/edit.h"
#include "wire/queue.h"

enum recipient_kind {
	RECIPIENT_LOCAL,      /* address is a mailbox */
	RECIPIENT_REMOTE,
	RECIPIENT_UNRESOLVED, /* auth is asked before the first try */
	RECIPIENT_KINDS
};

enum recipient_state {
	RECIPIENT_WAITING,
	RECIPIENT_DONE,
	RECIPIENT_FAILED,
	RECIPIENT_STATES
};

/* The last answer; one allocation. */
struct reply {
	struct slice enhanced; /* "4.4.1" */
	struct slice text;
	struct slice host;     /* who said it, or "" */
	char bytes[];
};

struct recipient {
	enum recipient_kind kind;
	enum recipient_state state;
	uint8_t notify;        /* WIRE_NOTIFY_ bits, 0: not given */
	bool owed;             /* the sender is still to be told of the state */
	bool warned;           /* the sender was told of the delay */
	bool busy;             /* a try is under way */
	bool relayed_dsn;      /* done, and the next hop reports (RFC 3461) */
	uint16_t attempts;     /* since the start of this process */
	uint64_t next_try;     /* ms of the monotonic clock */
	struct slice address;
	struct slice orig;     /* as in RCPT TO */
	struct slice orcpt;
	struct reply *reply;   /* or NULL */
	char *own;             /* owns address if it came by expansion */
};

enum envelope_flag {
	ENVELOPE_SUBMISSION = 1,
	ENVELOPE_8BIT = 2,
	ENVELOPE_UTF8 = 4,
	ENVELOPE_BOUNCE = 8,   /* a report of ours */
	ENVELOPE_DOUBLE = 16,  /* a report about a report, to the postmaster */
	ENVELOPE_OURS = 32,    /* the sender's domain is hosted here */
	ENVELOPE_JUNK = 64,    /* spam, by the verdict of dkim */
	ENVELOPE_FLAGS = 128
};

struct envelope {
	char id[QUEUE_ID_LEN + 1];
	unsigned flags;
	int64_t created;       /* seconds since the epoch */
	uint64_t size;         /* of the message as received */
	struct slice sender;
	struct slice envid;
	struct slice ret;
	struct slice user;
	struct slice client;   /* "ip" of the client, "" if ours */
	struct recipient *rcpt;
	uint32_t n;
	uint32_t cap;
	bool hold;
	char *blob;            /* owns the texts of a loaded envelope */
};

/* Targets of one message, over all its RCPT commands. */
#define ENVELOPE_RECIPIENTS 10000
/* Caps of a spool file's records. */
#define ENVELOPE_MAX (32u << 20)
#define ENVELOPE_RECORD_HEAD 16

void envelope_init(struct envelope *e);
/* Frees recipients, replies and blob; texts of an arena are the caller's. */
void envelope_release(struct envelope *e);
/* A new recipient, WAITING; the texts are not copied. NULL above the cap. */
struct recipient *envelope_add(struct envelope *e, enum recipient_kind kind,
    struct slice address, struct slice orig, struct slice orcpt,
    uint8_t notify);
void recipient_reply(struct recipient *r, struct slice enhanced,
    struct slice text, struct slice host);
/* True if the reply's text or code differs from these. */
bool recipient_reply_differs(const struct recipient *r, struct slice enhanced,
    struct slice text);

/* Is the sender to be told? RFC 3461 4.1 and 5.2; never the null sender. */
bool envelope_owes_failure(const struct envelope *e, const struct recipient *r);
bool envelope_owes_success(const struct envelope *e, const struct recipient *r,
    bool next_hop_reports);
bool envelope_owes_delay(const struct envelope *e, const struct recipient *r);

/* Appends the two first records. */
void envelope_write(struct buf *out, const struct envelope *e,
    const struct wire_edit *edit);
/* Appends journal records. */
void envelope_write_state(struct buf *out, const struct envelope *e,
    uint32_t index);
void envelope_write_hold(struct buf *out, bool hold);
void envelope_write_expand(struct buf *out, uint32_t index,
    const struct wire_queue_target *targets, uint32_t n);

/*
 * Turns recipient index into its targets (it is DONE, they are WAITING with
 * its original address). Copies the addresses. -1 above the cap.
 */
int envelope_expand(struct envelope *e, uint32_t index,
    const struct wire_queue_target *targets, uint32_t n) MUST_CHECK;

/*
 * Reads all records (tail: what follows the message in the file). Returns the
 * number of good bytes, of which *edit_size belong to the EDIT record; less
 * than tail.n means a torn last record. -1 with *why if there is no whole
 * envelope. id and size are the caller's to set.
 */
ssize_t envelope_read(struct envelope *e, struct slice tail,
    uint32_t *edit_size, const char **why) MUST_CHECK;

/* The edit of an EDIT record (with its head); views into it. */
int envelope_read_edit(struct wire_edit *edit, struct slice record) MUST_CHECK;

#endif
