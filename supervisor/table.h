/*
 * The process table: which programs run, as whom, what they listen on, whom
 * they may dial and which files they are given. What is not in it does not
 * exist. A row dials only rows above it, so there are no cycles: start order
 * is the table; a row stops when nobody who dials it is left.
 */
#ifndef SUPERVISOR_TABLE_H
#define SUPERVISOR_TABLE_H

#include "conf/conf.h"

#define SUP_PORTS 5
#define SUP_DIALS 6

/* Numeric on purpose: no account of the host or image is needed, and no two
 * services share an identity (the SMTP servers hold the same secrets). */
enum sup_user {
	SUP_USER_KEYS = 5901,
	SUP_USER_RESOLVER,
	SUP_USER_AUTH,
	SUP_USER_DKIM,
	SUP_USER_RELAY,
	SUP_USER_QUEUE,
	SUP_USER_LOGIN,
	SUP_USER_SMTP,
	SUP_USER_REPORTS,
	SUP_USER_VMAIL, /* stands for DMS_VMAIL_UID and _GID */
};

/* The folder a process is confined to. */
enum sup_root {
	SUP_ROOT_EMPTY,
	SUP_ROOT_MAIL,
	SUP_ROOT_SPOOL,
	SUP_ROOT_REPORTS,
};

/* Sets of files handed to a process, at start and at each change. */
enum {
	SUP_FILES_ACCOUNTS = 1, /* "accounts", "masters", "virtual", "quotas",
	                         * "scram" */
	SUP_FILES_TLS = 2,      /* "tls-cert", "tls-key", the same with
	                         * "tls-alt-", and "tls" at the end */
	SUP_FILES_TABLES = 4,   /* "dkim-keytable", "dkim-signingtable",
				 * "dkim-rspamd" */
	SUP_FILES_KEYS = 8,     /* "key/<domain>/<selector>" */
	SUP_FILES_MAILBOXES = 16, /* "mailboxes": the accounts' addresses, no
	                           * hashes, one a line */
	SUP_FILES_MECHANISMS = 32, /* "mechanisms": what of SCRAM is offered */
	SUP_FILES_CLIENT_CA = 64 /* "client-ca": who signs the certificates of
	                          * clients; before "tls" */
};

struct sup_process {
	const char *name;
	const char *program;
	enum sup_user user;
	enum sup_root root;
	unsigned settings;   /* enum conf_to */
	unsigned files;
	uint16_t listens[SUP_PORTS]; /* 0 ends */
	const char *dials[SUP_DIALS]; /* "name" or "name.door"; NULL ends */
	/* Whether the row runs with these settings; NULL: always. */
	bool (*enabled)(const struct conf *c);
	/* How many of it; NULL: one. */
	unsigned (*instances)(const struct conf *c);
	bool admin; /* has the door admin (wire/admin.h) */
};

extern const struct sup_process sup_table[];
extern const size_t sup_table_size;

#endif
