/*
 * The supervisor's world: one struct sup_child per row (and instance) of the
 * process table, and the pieces of main, state, spawn, files, status and
 * control that share it.
 */
#ifndef SUPERVISOR_SUP_H
#define SUPERVISOR_SUP_H

#include <sys/stat.h>

#include "core/buf.h"
#include "core/list.h"
#include "io/chan.h"
#include "io/loop.h"
#include "supervisor/table.h"

enum sup_state {
	SUP_DOWN,     /* not running, not wanted */
	SUP_STARTING, /* has not said READY */
	SUP_UP,
	SUP_BACKOFF,  /* died, will be started again */
	SUP_STOPPING, /* told to stop */
	SUP_STATES
};

struct sup;

struct sup_child {
	struct sup *sup;
	const struct sup_process *row;
	char name[32];        /* "imap", or "imap#2" for a second instance */
	enum sup_state state;
	pid_t pid;            /* 0: none */
	struct chan *control; /* NULL: none */
	struct chan *admin;   /* to its door admin; NULL: none */
	struct loop_timer *timer; /* backoff, or the deadline of a stop */
	uint64_t since;       /* loop_now when the state was entered */
	unsigned restarts;
	unsigned deaths;      /* in the minute from first_death */
	uint64_t first_death;
	int exit_status;      /* of the last death, from waitpid */
	struct buf status;    /* answer to the last status question */
	uint32_t status_id;   /* question it belongs to */
};

struct sup {
	struct loop *loop;
	struct conf conf;
	struct sup_child *children;
	size_t count;
	const char *bin_dir;  /* folder of the programs */
	struct sup_files *files;
	struct sup_scram *scram;
	struct sup_retire *retire;
	struct sup_control *control;
	bool drops;           /* we are root: services change identity */
	bool stopping;
	bool announced;       /* "is up and running" was said */
	uint64_t started;     /* loop_now at start */
	int status;           /* exit status of the supervisor */
};

/* state.c: what happens to a child, as a matrix of state and event. */
enum sup_event {
	SUP_EV_START, /* wanted */
	SUP_EV_READY, /* it said so */
	SUP_EV_EXIT,  /* waitpid reported it; exit_status is set */
	SUP_EV_TIMER, /* its timer fired */
	SUP_EV_STOP,  /* to be stopped */
	SUP_EVENTS
};
void sup_event(struct sup_child *c, enum sup_event e);
const char *sup_state_name(enum sup_state s);
/* Stops everything in reverse order, then leaves the loop with status. */
void sup_stop_all(struct sup *s, int status);

/* spawn.c: from a row to a running process with its channels. */
int sup_spawn(struct sup_child *c);
struct sup_child *sup_child_by_pid(struct sup *s, pid_t pid);
/* Whether the table lets caller dial callee. */
bool sup_dials(const struct sup_child *caller, const struct sup_child *callee);

/* listen.c: the sockets, bound once and kept over restarts of services. */
int sup_listen_all(struct sup *s);
/* Sends the sockets of the row's ports to the child. */
void sup_listen_give(struct sup_child *c);
/* One line per port, for `setup status`. */
void sup_listen_describe(struct sup *s, struct buf *out);

/* files.c: what services are given from the config volume. */
struct sup_files *sup_files_new(struct sup *s);
/* Sends the files of the child's row. */
void sup_files_give(struct sup_files *f, struct sup_child *c);
/* Looks for changes now. */
void sup_files_check(struct sup_files *f);

/*
 * acme.c: the certificate in acme.json. What was read last stays when the file
 * goes away or is for a moment only half written.
 */
struct sup_acme {
	bool there;
	struct stat seen;
	struct buf cert;  /* PEM; empty: none was ever found */
	struct buf key;
	unsigned version; /* how often they changed */
};
void sup_acme_init(struct sup_acme *a);
/* Reads the file if it changed. True if there is a certificate of it; what is
 * wrong goes to out. */
bool sup_acme_look(struct sup_acme *a, const struct conf *c,
    struct conf_problems *out);

/* scram.c: logins with SCRAM. */
struct sup_scram *sup_scram_new(struct sup *s);
/* The names of the mechanisms to offer, one a line, in an unnamed file; -1
 * if that cannot be made. */
int sup_scram_mechanisms(const struct sup *s);
/* A line for the file of verifiers, from auth; it is written soon. -1 if it is
 * none. */
int sup_scram_learn(struct sup_scram *w, struct slice name, struct slice line)
    MUST_CHECK;

/* retire.c: DKIM keys whose time is over. Looks every minute. */
struct sup_retire *sup_retire_new(struct sup *s);
/* Looks now. */
void sup_retire_look(struct sup_retire *r);

/* control.c: the socket that `setup` talks to. */
int sup_control_start(struct sup *s);
void sup_control_stop(struct sup *s);
/* Of the channel to a child's door admin; arg is the child. */
int sup_control_on_admin(void *arg, struct chan *c, struct chan_frame *f);
void sup_control_on_admin_gone(void *arg, struct chan *c);
/* A child's STATUS_REPLY came. */
void sup_control_on_status(struct sup_child *c);

/* output.c: log lines of all processes to stdout and mail.log. */
void sup_output_init(struct sup *s);
/* The descriptor that children write their lines to. */
int sup_output_fd(void);
/* Opens mail.log (again, after another program moved it) if its folder
 * exists, and begins a new one by itself as c says, which must stay. */
void sup_output_open(const struct conf *c);
/* Writes what is still in the pipe; before exit. */
void sup_output_drain(void);

/* prepare.c: folders, owners and the certificate, before anything starts. */
int sup_prepare(struct sup *s);
/* Paths derived from the settings; valid until the next call with out. */
const char *sup_path_spool(const struct sup *s, struct buf *out);
const char *sup_path_reports(const struct sup *s, struct buf *out);
const char *sup_path_empty(const struct sup *s, struct buf *out);
const char *sup_path_tls(const struct sup *s, const char *file,
    struct buf *out);

/* trusted.c: PERMIT_DOCKER as networks (dms-compat 6.5), appended to
 * trusted_networks of the configuration. */
void sup_trusted_networks(struct conf *c);

#endif
