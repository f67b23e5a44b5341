/*
 * pillarbox-scram.cf: the verifiers for SCRAM (RFC 5802) of the accounts, in a
 * file of its own beside the files of docker-mailserver, which does not know
 * them:
 *
 *	secret|BASE64
 *	NAME|HASH|{SCRAM-SHA-1}...|{SCRAM-SHA-256}...
 *
 * NAME and HASH are those of the account file; for a master "*" stands before
 * the name. A verifier counts only as long
 * as the account has that very hash: whoever changes a password there, or lets
 * docker-mailserver do it, makes the old verifier worthless in the same step.
 * The secret makes up salts for users who do not exist.
 *
 * Written by setup when it writes a password, and by the supervisor with what
 * auth makes at a login; read by auth.
 */
#ifndef CONF_CONF_SCRAM_H
#define CONF_CONF_SCRAM_H

#include "conf/conf_accounts.h"
#include "conf/conf_problem.h"
#include "core/arena.h"
#include "core/map.h"
#include "sasl/scram_verifier.h"

#define CONF_SCRAM_FILE "pillarbox-scram.cf"
#define CONF_SCRAM_SECRET 32

struct conf_scram_entry {
	struct slice hash;
	struct scram_verifier verifiers[SCRAM_HASHES];
};

struct conf_scram {
	struct arena arena;
	struct map by_name;
	unsigned char secret[CONF_SCRAM_SECRET];
	bool has_secret;
};

void conf_scram_init(struct conf_scram *s);
void conf_scram_release(struct conf_scram *s);

/*
 * Reads the text (copied) into s, which was just initialised. The file is made
 * by programs and can be made again, so a bad line is only a warning.
 */
void conf_scram_parse(struct conf_scram *s, const char *path,
    struct slice text, struct conf_problems *problems);

/*
 * Finds the verifier of an account whose line has that hash: its own, if the
 * hash is one for SCRAM, or that of the file. -1 if there is none.
 */
int conf_scram_find(const struct conf_scram *s, struct slice name,
    struct slice account_hash, enum scram_hash hash,
    struct scram_verifier *out) MUST_CHECK;

/* True if every account and master that may log in has a verifier, and there
 * is an account. */
bool conf_scram_covers(const struct conf_scram *s,
    const struct conf_accounts *accounts, const struct conf_accounts *masters,
    enum scram_hash hash);
/* Appends the name under which a master has its line. */
void conf_scram_master(struct slice master, struct buf *out);

/* Appends a line of the file, without its end. */
void conf_scram_format(struct slice name, struct slice account_hash,
    const struct scram_verifier verifiers[SCRAM_HASHES], struct buf *out);

/*
 * Puts a line in the place of that of the same name, or at the end; an empty
 * line only removes. Makes the secret if there is none yet.
 */
void conf_scram_put(struct buf *text, struct slice name, struct slice line);

#endif
