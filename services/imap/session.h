/*
 * One logged-in client. The loop's thread owns a session, except while a
 * command's step runs on a thread of the pool (busy): then the connection is
 * paused and the step alone touches view, store and command.
 *
 * A command's life: input.c collects its text, command.c parses it into a step
 * (or answers at once), session.c runs the step in slices until it is done,
 * writing what the step left in cmd->out, and goes on with the input.
 */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include "core/list.h"
#include "io/chan.h"
#include "io/conn.h"
#include "services/imap/command.h"
#include "services/imap/section.h"
#include "services/imap/view.h"
#include "services/imap/worker.h"
#include "services/imap/zip.h"

/* What the next input byte is. */
enum input_mode {
	INPUT_LINE,    /* of a command */
	INPUT_LITERAL, /* of a command; kept */
	INPUT_SKIP,    /* a literal nobody wants, then its line */
	INPUT_SKIP_LINE,
	INPUT_APPEND,  /* a message on its way to the store */
	INPUT_IDLE,    /* "DONE" */
	INPUT_MODES
};

/* Context of a watch: whose look it is a reason for. */
struct hint {
	struct session *session;
	bool hit;
};

struct session {
	struct hint hint;
	struct worker *worker;
	struct conn *conn;
	struct user *user;
	struct store_user *store;
	struct list others;          /* users whose mailboxes it works with */
	size_t n_others;
	struct view *view;           /* selected mailbox, or NULL */
	struct contexts *contexts;   /* its live results, or NULL */
	struct command *cmd;         /* in the making or running, or NULL */
	struct section_cache *cache; /* the message last read in parts */
	struct kept *kept;           /* of SORT and THREAD, or NULL */
	struct command *parked;      /* IDLE, while cmd is a look */
	struct store_watch *watch;   /* selected mailbox; in IDLE, by NOTIFY */
	struct store_watch *root_watch; /* by NOTIFY */
	struct notify *notify;       /* NULL: no NOTIFY came */
	struct store_set fresh;      /* UIDs to be fetched for NOTIFY */
	struct list link;            /* worker's sessions */
	struct list user_link;
	struct list idle_link;
	struct list cache_link;
	struct list queue_link;      /* user's queue */
	struct list zip_link;        /* worker's zippers, while zip is awake */
	struct chan *login;          /* who sent it, or NULL */
	uint32_t login_id;           /* of its request */
	struct leaving *leaving;     /* it goes back there, or NULL */
	struct zip *zip;             /* COMPRESS is on (RFC 4978), or NULL */
	struct buf early;            /* input that came with the session */
	struct buf plain;            /* input that came compressed */
	struct buf news;             /* responses that wait for a gap */
	uint64_t literal_left;
	uint64_t keepalive_at;
	uint64_t cache_used_at;
	uint64_t zip_used_at;
	enum input_mode mode;
	unsigned errors;             /* BAD replies in a row */
	bool condstore;
	bool qresync;
	bool rev2;     /* ENABLE IMAP4rev2 */
	bool metadata; /* ENABLE METADATA: changes are told */
	bool utf8;     /* mailbox names are UTF-8 */
	bool utf8_accept; /* ENABLE UTF8=ACCEPT (RFC 6855) */
	bool uidonly;  /* ENABLE UIDONLY (RFC 9586) */
	bool busy;     /* a step is running on a thread */
	bool waiting;  /* for output to drain */
	bool poked;    /* look again when the step is over */
	bool lost;     /* news that did not fit */
	bool dead;     /* the connection is gone */
	bool closing;  /* BYE is said */
	bool resuming; /* session_next is to run */
	bool zip_more; /* the input in zip stands for more */
	const char *why; /* it ended */
	char *ip;
	char *id;
	/* For the log. */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t deleted;
	uint64_t expunged;
	uint64_t appended;
};

struct session_start {
	struct slice user; /* canonical */
	struct slice ip;
	struct slice id;
	struct slice tag;   /* of the login command, to be answered */
	struct slice input; /* what the client sent behind it */
	struct store_quota quota;
	struct chan *login; /* and its request, for UNAUTHENTICATE */
	uint32_t login_id;
	bool tls;
};

/*
 * Starts serving; takes over fd. -1 with *why if it cannot (fd is closed, and
 * so the client).
 */
int session_start(struct worker *w, int fd, const struct session_start *start,
    const char **why);

/* The command in the making; made when there is none. */
struct command *session_command(struct session *s);
/* Sends text at once, compressed if that is on. */
void session_send(struct session *s, struct slice text);
/* Sends what the command has written so far. */
void session_flush(struct session *s);
/*
 * The command is over: sends its output, frees it, goes on with the input.
 * Only on the loop, and not while busy.
 */
void session_done(struct session *s);
/* The same for a silent one; the parked command is back. */
void session_end_silent(struct session *s);
/* The selected mailbox is no longer watched. */
void session_unwatch(struct session *s);
/* Runs cmd->step on a thread; the input waits. */
void session_work(struct session *s);
/*
 * Sends the news unless a response may be half written; then session_done
 * does. What is too much for a client that does not read is dropped.
 */
void session_tell_news(struct session *s);
/* Looks for changes and tells them, if in IDLE. */
void session_poke(struct session *s);
/* "* BYE text" and the end, after the running step if there is one. */
void session_bye(struct session *s, const char *text);
/* Appends what a client can do once logged in. */
void session_capabilities(const struct session *s, struct buf *out);
/* Forgets the selected mailbox. */
void session_unselect(struct session *s);
/* Closes the cached message, and forgets what is kept. */
void session_drop_cache(struct session *s);
/* As c->after: what is cached stays for some seconds. */
void session_hold_cache(struct command *c);

/* What other_ready waited for is there: the step runs. */
void session_go_on(struct session *s);

/* Lets the input go on after a step that does not end the command. */
void session_resume(struct session *s);

/* From cmd_compress.c: inflates a piece of in, which may be empty to go on with
 * what is held, into plain, which is empty; returns how much was used. */
size_t session_inflate(struct session *s, struct slice in);
void session_zip_free(struct session *s);
/* Gives back the memory of those that did nothing since before. */
void session_zip_idle(struct worker *w, uint64_t before);

/*
 * From cmd_unauthenticate.c: the command was said; the client's input that is
 * here already, and that comes; there is no more of it; what is left.
 */
void leave_begin(struct session *s);
void leave_collect(struct session *s);
size_t leave_input(struct session *s, struct slice in);
void leave_end(struct session *s);
void leave_free(struct session *s);

/* From input.c: uses bytes of in, returns how many. */
size_t input_take(struct session *s, struct slice in);
/*
 * The command is refused (its reply is in cmd->out) before its literal of size
 * bytes. A client that waits for "+" will not send it; another one's bytes are
 * skipped (RFC 7888 section 4).
 */
void input_refuse(struct session *s, uint64_t size, bool sync);

#endif
