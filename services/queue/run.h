/*
 * Messages in the spool while they wait and are tried. A message sleeps in a
 * heap until its next recipient is due; then its due recipients are grouped by
 * destination into jobs; a destination runs a bounded number of jobs at once.
 * When a message has no job left it is settled: overdue recipients fail, the
 * sender is told what he is owed, then it sleeps again or is removed.
 *
 * Everything runs on the loop; pointers to messages are valid until
 * message_settle is called on them.
 */
#ifndef SERVICES_QUEUE_RUN_H
#define SERVICES_QUEUE_RUN_H

#include "core/map.h"
#include "services/queue/envelope.h"
#include "services/queue/queue.h"
#include "services/queue/retry.h"

struct message {
	struct queue *queue;
	struct envelope env;
	char name[SPOOL_NAME];
	uint32_t edit_size; /* of the EDIT record, with its head */
	unsigned jobs;      /* waiting and running */
	bool settling;      /* a report about it is being made */
	bool deleted;       /* goes as soon as nothing needs it */
	struct due due;
};

/* A next hop, or our own mailboxes. Lives while it is of interest. */
struct dest {
	struct list ready;   /* in dests.ready[] while it may start a job */
	struct list waiting; /* struct job */
	struct job *building;
	bool local;
	unsigned active;
	unsigned failures;   /* in a row without reaching it */
	uint64_t rest_until;
	char *why;           /* it rests; or NULL */
	char name[];
};

struct dests {
	struct map by_name;
	struct list ready[2]; /* [local] */
	size_t sweep_at;
	unsigned active;     /* jobs of relay */
	bool pumping;
};

/* Recipients of one message for one destination. */
struct job {
	struct list link;    /* in dest.waiting, or alone */
	struct message *message;
	struct dest *dest;   /* NULL: a question to auth */
	uint32_t request;    /* with the peer */
	uint32_t left;       /* without an answer */
	uint32_t n;
	uint32_t cap;
	size_t bytes;        /* of the recipients in a frame */
	uint32_t *index;
	bool reached;        /* a recipient was answered by the next hop */
};

struct run {
	struct queue *queue;
	struct map messages; /* queue id: struct message */
	struct due_heap due;
	struct loop_timer *timer;
	struct dests dests;
	struct retry_rule rule;      /* a next hop that says later */
	struct retry_rule peer_rule; /* a process of ours that died */
	struct list loading;         /* names found at start */
	unsigned running;            /* requests under way */
};

/* Reads the spool in the background. -1 with *why if it cannot be listed. */
int run_start(struct queue *q, const char **why) MUST_CHECK;
/*
 * A message that was just made durable: records as in its file. Panics if it
 * cannot be read back: it was written a moment ago.
 */
void run_take(struct queue *q, const char *id, uint64_t size,
    struct slice records);
/*
 * A message from its records (tail: all that follows the body in its file),
 * everybody due at first. NULL with *why; *used is how much of tail is whole.
 */
struct message *message_new(struct queue *q, const char *id, uint64_t size,
    struct slice tail, uint64_t first, size_t *used, const char **why);
/* Puts it among the others; may free it if nothing is left to do for it. */
void message_enter(struct message *m);

struct message *run_find(struct queue *q, struct slice id);
struct run_counts {
	size_t active;
	size_t deferred;
	size_t hold;
	int64_t oldest; /* seconds since the epoch, 0: none */
};
void run_count(struct queue *q, struct run_counts *out);

/* What people ask for. delete may free m at once. */
void message_flush(struct message *m);
int message_hold(struct message *m, bool hold) MUST_CHECK; /* -1: not stored */
void message_delete(struct message *m);

/* Opens the file and reads the edit (views into record). -1: logged. */
int message_open(struct message *m, struct buf *record, struct wire_edit *edit)
    MUST_CHECK;
/* Notes in the file what became of a recipient. */
void message_note(struct message *m, uint32_t index);
/* Nothing is under way for m any more, perhaps: what next? May free m. */
void message_settle(struct message *m);

/*
 * What came of a try. wait is the rule for the next one if outcome is
 * WIRE_LATER.
 */
struct outcome {
	unsigned outcome; /* enum wire_outcome */
	struct slice enhanced;
	struct slice text;
	struct slice host;
	bool dsn;
	const struct retry_rule *wait;
};
void message_result(struct message *m, uint32_t index,
    const struct outcome *o);

/* load.c: as run_start */
int load_start(struct queue *q, const char **why) MUST_CHECK;

/* dest.c */
void dests_init(struct dests *d);
/* The destination of a recipient; text is appended to name (its buffer). */
struct dest *dest_of(struct run *run, const struct message *m,
    const struct recipient *r, struct buf *name);
bool dest_is_resting(const struct dest *d, uint64_t now);
/* It could not be reached: rests, its waiting jobs go back to sleep. */
void dest_rest(struct run *run, struct dest *d, struct slice why);
void dest_enqueue(struct run *run, struct dest *d, struct job *job);
/* A job of it ended. d may be gone afterwards. */
void dest_ended(struct run *run, struct dest *d, bool reached);
/* Starts what may start. */
void dests_pump(struct run *run);
/* Forgets all rests. */
void dests_wake(struct run *run);

/* job.c */
/* Puts recipient index of m into a job for d; starts nothing. */
void job_add(struct run *run, struct dest *d, struct message *m,
    uint32_t index);
void job_start(struct run *run, struct job *job);
/* A waiting job that will not run: its recipients are due at that time. why
 * (may be "") is their reply if they have none. */
void job_cancel(struct job *job, uint64_t next_try, struct slice why);
/* Asks auth who an unresolved recipient is. */
void job_resolve(struct run *run, struct message *m, uint32_t index);

#endif
