/*
 * One command: its text, its answer, and the work in between. Handlers live
 * in cmd_*.c, one file a command (or a family), listed in command.c's table;
 * the dispatcher checks state and syntax, a handler never does.
 *
 * A handler parses its arguments on the loop. If they are good it either
 * writes the answer at once (CMD_DONE) or sets step, which then runs on a
 * thread of the pool as often as it returns STEP_MORE: it may block on the
 * disk. A step that has much to do stops when command_should_yield says so.
 */
#ifndef IMAP_COMMAND_H
#define IMAP_COMMAND_H

#include "core/arena.h"
#include "core/buf.h"
#include "services/imap/parse.h"
#include "store/store.h"

struct command;
struct event;
struct name_given;
struct other_named;
struct session;

enum verdict {
	CMD_DONE, /* the tagged reply is in out */
	CMD_BAD,  /* p.why says what is wrong */
	CMD_WORK, /* run step */
	CMD_STAY, /* the command goes on by itself (IDLE) */
};

enum step { STEP_DONE, STEP_MORE };

/* The four states of RFC 3501 section 3 that are left after login. */
enum command_state {
	IN_AUTH = 1,     /* no mailbox selected */
	IN_SELECTED = 2,
};

struct command_row {
	const char *name;
	enum verdict (*handler)(struct command *c);
	unsigned states;
	bool writes; /* not in a mailbox opened with EXAMINE */
	bool uid;    /* has a UID form */
	bool numbers; /* without UID, it is about sequence numbers */
};

#define COMMAND_OWN 32

struct command {
	struct session *session;
	const struct command_row *row;
	bool uid; /* UID FETCH and the like */
	struct slice tag;
	struct parser p;
	struct arena arena;
	struct buf text; /* as received, literals included */
	size_t line_start; /* in text: behind the last literal */
	struct buf out;
	enum step (*step)(struct command *c);
	/* On the loop after STEP_DONE, instead of session_done. */
	void (*after)(struct command *c);
	/* Frees what state holds beyond the arena, however the command ends. */
	void (*release)(void *state);
	void *state;
	uint64_t slice_end; /* of the time a step may take */
	bool touched;  /* mail was changed: others should look */
	bool bad;      /* was answered with BAD */
	bool logout;
	bool compress; /* what follows is compressed */
	bool vanished; /* the selected mailbox was deleted by others */
	/* MODSEQs of this command's own changes to messages of own_set, told
	 * by itself. A change that changed nothing returns the MODSEQ of
	 * somebody else's, so the MODSEQ alone does not tell. */
	uint64_t own[COMMAND_OWN];
	size_t n_own;
	const struct store_set *own_set;
	/* Mailbox names that came in another spelling, see name.h. */
	struct name_given *given;
	struct event *events; /* see event.h */
	/* Users whose mailboxes it names, and how many auth is asked about:
	 * other.h. */
	struct other_named *owners;
	bool owners_asked;
	unsigned asking;
	bool checked; /* the rights of the selected mailbox, see box.h */
	bool names;  /* changes names of mailboxes or subscriptions */
	bool silent; /* answers nobody, see notify.c */
	bool issued; /* others expunged what may not be told yet */
	uint32_t cut; /* the first UID that MESSAGELIMIT left, or 0 */
	uint64_t progress_at; /* when it was told last (RFC 9585) */
};

/* Parses and starts the command whose text is complete. */
enum verdict command_dispatch(struct command *c);

/* True when the step should hand over: enough output, or time is up. */
bool command_should_yield(struct command *c);

/* "TAG OK text", "TAG NO text", "TAG BAD text" */
void command_ok(struct command *c, const char *text);
void command_no(struct command *c, const char *text);
void command_bad(struct command *c, const char *text);
/* OK with the name of the command, as in "FETCH completed." */
void command_completed(struct command *c);
/* The same with HIGHESTMODSEQ: messages went, and the client said QRESYNC (RFC
 * 7162 3.2.7 to 3.2.9, RFC 6851 4.4). */
void command_completed_modseq(struct command *c, uint64_t modseq);
/* NO for a store error; see out_store_err. name: the target. */
void command_failed(struct command *c, enum store_err err);
void command_failed_target(struct command *c, struct slice name,
    enum store_err err);

/*
 * Remembers a change of this command, so that refresh does not repeat it. set
 * must live as long as the command.
 */
void command_own(struct command *c, uint64_t modseq,
    const struct store_set *set);

/*
 * In a step, before the tagged reply: tells the client what changed in the
 * selected mailbox. expunge: the numbers may change (not after FETCH, STORE,
 * SEARCH; RFC 3501 7.4.1). sync: foreign changes too.
 */
void command_refresh(struct command *c, bool expunge, bool sync);

/*
 * The client shows that it knows MODSEQ (RFC 7162 3.1): from now on FETCH
 * responses carry it.
 */
void command_enable_condstore(struct command *c);

/*
 * Parses a sequence set and resolves it in the view. A set in the command is
 * released with store_set_release by the caller's release. -1 with p.why.
 */
int command_set(struct command *c, struct store_set *out);

/*
 * MESSAGELIMIT (RFC 9738): leaves in set what one command may process, the
 * messages with the highest UIDs. The end of the command tells where they
 * begin: in the tagged OK, or before it where that has another code
 * (command_tell_cut).
 */
void command_cut(struct command *c, struct store_set *set);
void command_tell_cut(struct command *c);
/* True, with NO, if n are too many for what cannot be done in part. */
bool command_exceeds(struct command *c, uint64_t n);

/*
 * Every ten seconds, how far the command is (RFC 9585): done of total, both 0
 * if that is not known. Only between two responses.
 */
void command_progress(struct command *c, uint64_t done, uint64_t total);

/* State of the command, zeroed, from its arena. */
#define COMMAND_STATE(c, type) ((c)->state = arena_alloc(&(c)->arena, sizeof(type)))

enum verdict cmd_append(struct command *c);
enum verdict cmd_cancelupdate(struct command *c);
enum verdict cmd_capability(struct command *c);
enum verdict cmd_check(struct command *c);
enum verdict cmd_close(struct command *c);
enum verdict cmd_compress(struct command *c);
enum verdict cmd_copy(struct command *c);
enum verdict cmd_create(struct command *c);
enum verdict cmd_delete(struct command *c);
enum verdict cmd_deleteacl(struct command *c);
enum verdict cmd_enable(struct command *c);
enum verdict cmd_esearch(struct command *c);
enum verdict cmd_examine(struct command *c);
enum verdict cmd_expunge(struct command *c);
enum verdict cmd_fetch(struct command *c);
enum verdict cmd_getacl(struct command *c);
enum verdict cmd_getmetadata(struct command *c);
enum verdict cmd_getquota(struct command *c);
enum verdict cmd_getquotaroot(struct command *c);
enum verdict cmd_id(struct command *c);
enum verdict cmd_idle(struct command *c);
enum verdict cmd_list(struct command *c);
enum verdict cmd_listrights(struct command *c);
enum verdict cmd_logout(struct command *c);
enum verdict cmd_lsub(struct command *c);
enum verdict cmd_move(struct command *c);
enum verdict cmd_myrights(struct command *c);
enum verdict cmd_namespace(struct command *c);
enum verdict cmd_noop(struct command *c);
enum verdict cmd_notify(struct command *c);
enum verdict cmd_rename(struct command *c);
enum verdict cmd_search(struct command *c);
enum verdict cmd_select(struct command *c);
enum verdict cmd_setacl(struct command *c);
enum verdict cmd_setmetadata(struct command *c);
enum verdict cmd_setquota(struct command *c);
enum verdict cmd_sort(struct command *c);
enum verdict cmd_status(struct command *c);
enum verdict cmd_store(struct command *c);
enum verdict cmd_subscribe(struct command *c);
enum verdict cmd_thread(struct command *c);
enum verdict cmd_unauthenticate(struct command *c);
enum verdict cmd_unselect(struct command *c);
enum verdict cmd_unsubscribe(struct command *c);

/*
 * APPEND's message literals (RFC 3501 6.3.11, RFC 3502, RFC 4469).
 * append_wants is asked at each literal of a command: true if this one is a
 * message or a part of one. append_begin then takes what came so far; input.c
 * feeds bytes to append_data, and calls append_line when the line behind a
 * literal is complete. append_takes_text: the literal that is announced is an
 * argument, to be collected like any other command's.
 */
bool append_wants(const struct command *c);
bool append_is_running(const struct command *c);
bool append_takes_text(const struct command *c);
void append_begin(struct command *c, uint64_t size, bool sync);
size_t append_data(struct command *c, struct slice in);
/* literal: the line ends in the header of another one. */
void append_line(struct command *c, bool literal, uint64_t size, bool sync);

/* True, with the answer, if the command's literal is too large a value. */
bool setmetadata_refuses(struct command *c);

/* IDLE (RFC 2177): looks for changes; a line came, which must be DONE. */
void idle_look(struct command *c);
void idle_line(struct command *c, struct slice line);

#endif
