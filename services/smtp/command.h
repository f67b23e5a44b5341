/*
 * The commands. The table says in which states a verb is legal and what it
 * needs; the dispatcher checks that, so a handler never looks at state, TLS or
 * login itself.
 */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "services/smtp/session.h"

enum command_flag {
	COMMAND_LAST = 1,       /* nothing may be pipelined behind it */
	COMMAND_NEEDS_TLS = 2,  /* on the submission ports */
	COMMAND_NEEDS_AUTH = 4, /* on the submission ports */
	COMMAND_SUBMISSION = 8, /* does not exist on port 25 */
};

struct command {
	const char *verb;
	/* args: what follows the verb, without blanks around it. */
	void (*run)(struct session *s, struct slice args);
	unsigned accepted;  /* IN(state) bits */
	unsigned flags;
	const char *early;  /* reply before the accepted states */
	const char *late;   /* reply behind them */
	/* Called with the refused command's arguments. */
	void (*refused)(struct session *s, struct slice args);
};

/* The row of that verb, any case; NULL if there is none. */
const struct command *command_find(struct slice verb);

/* One command line without its CRLF; more: input is waiting behind it. */
void command_run(struct session *s, struct slice line, bool more);

void smtp_cmd_ehlo(struct session *s, struct slice args);
void smtp_cmd_helo(struct session *s, struct slice args);
void smtp_cmd_starttls(struct session *s, struct slice args);
void smtp_cmd_auth(struct session *s, struct slice args);
void smtp_cmd_mail(struct session *s, struct slice args);
void smtp_cmd_rcpt(struct session *s, struct slice args);
void smtp_cmd_data(struct session *s, struct slice args);
void smtp_cmd_bdat(struct session *s, struct slice args);
void smtp_cmd_rset(struct session *s, struct slice args);
void smtp_cmd_noop(struct session *s, struct slice args);
void smtp_cmd_vrfy(struct session *s, struct slice args);
void smtp_cmd_expn(struct session *s, struct slice args);
void smtp_cmd_help(struct session *s, struct slice args);
void smtp_cmd_quit(struct session *s, struct slice args);

/* A BDAT that was refused: its octets come all the same (RFC 3030 2). */
void bdat_skip(struct session *s, struct slice args);

/* Input in the states DATA and CHUNK, and while octets are skipped; each
 * returns how much it used. */
size_t data_input(struct session *s, struct slice in);
size_t bdat_input(struct session *s, struct slice in);
size_t bdat_skip_input(struct session *s, struct slice in);

/*
 * Takes the "FROM:" or "TO:" of MAIL and RCPT from *args, any case, and blanks
 * behind it, which RFC 5321 3.3 forbids and many clients send.
 */
bool command_keyword(struct slice *args, struct slice keyword);

#endif
