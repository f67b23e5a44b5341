/*
 * The OpenDKIM tables in opendkim/ of the config folder: KeyTable,
 * SigningTable, TrustedHosts. They say which key signs for which sender. Where
 * there is no KeyTable, rspamd's dkim_signing.conf says it, if it is there; and
 * where rspamd takes OpenDKIM's place (dkim_rspamd), it alone does, unless
 * KeyTable says that it has taken that file's keys over.
 */
#ifndef CONF_CONF_DKIM_H
#define CONF_CONF_DKIM_H

#include "conf/conf_problem.h"
#include "core/arena.h"

#define CONF_DKIM_DIR "opendkim"
#define CONF_DKIM_KEY_TABLE "opendkim/KeyTable"
#define CONF_DKIM_SIGNING_TABLE "opendkim/SigningTable"
#define CONF_DKIM_TRUSTED_HOSTS "opendkim/TrustedHosts"
/* Paths in KeyTable start with this; it stands for CONF_DKIM_DIR. */
#define CONF_DKIM_PREFIX "/etc/opendkim/"

#define CONF_DKIM_RSPAMD "rspamd/override.d/dkim_signing.conf"
/* A line of KeyTable: the keys of that file are in it. */
#define CONF_DKIM_TAKEN_OVER "# pillarbox took over " CONF_DKIM_RSPAMD
/* Keys that such a file may name. */
#define CONF_DKIM_RSPAMD_KEYS 1000

struct conf_dkim_key {
	struct slice name;     /* what SigningTable refers to */
	struct slice domain;   /* d=; "%" stands for the sender's domain */
	struct slice selector; /* s= */
	const char *path;      /* of the private key, prefix mapped; C string */
	unsigned line;
};

struct conf_dkim_rule {
	struct slice pattern; /* "*@example.com", "user@example.com", with "*" */
	const struct conf_dkim_key *key;
	unsigned line;
};

struct conf_dkim {
	struct arena arena;
	struct conf_dkim_key *keys;
	size_t key_count;
	struct conf_dkim_rule *rules; /* the first that matches signs */
	size_t rule_count;
	struct slice *trusted; /* host, network or domain, as written */
	size_t trusted_count;
	bool rspamd; /* it comes from rspamd's file */
	bool exact;  /* use_esld is off there: not for domains below */
};

/* The content of the files; a missing one is the empty slice. */
struct conf_dkim_files {
	struct slice key_table;
	struct slice signing_table;
	struct slice trusted_hosts;
	struct slice rspamd;
	bool has_key_table; /* the file is there, empty or not */
	bool rspamd_first;  /* dkim_rspamd of the settings */
};

/* True if rspamd's file counts, and not KeyTable and SigningTable. */
bool conf_dkim_is_rspamd(const struct conf_dkim_files *files);

void conf_dkim_init(struct conf_dkim *d);
void conf_dkim_release(struct conf_dkim *d);

/*
 * Reads the texts (copied) into d, which was just initialised. config_dir is
 * the config folder, for the paths of keys. A line that cannot be used is an
 * error in problems and left out. 0 if no error.
 */
int conf_dkim_parse(struct conf_dkim *d, const char *config_dir,
    const struct conf_dkim_files *files, struct conf_problems *problems);

/* Adds what rspamd's file says: its keys, and a rule "*@DOMAIN" for each,
 * unless it turns signing off. What cannot be used is a warning. */
void conf_dkim_parse_rspamd(struct conf_dkim *d, const char *config_dir,
    struct slice text, struct conf_problems *problems);

/* For the readers: appends one; what it points to is in the arena. */
void conf_dkim_add_key(struct conf_dkim *d, const struct conf_dkim_key *key);
void conf_dkim_add_rule(struct conf_dkim *d,
    const struct conf_dkim_rule *rule);

/*
 * The first rule whose pattern matches the address ("*" matches any run, ASCII
 * case ignored). If none does, that of the nearest domain above the address'
 * whose pattern is "*@DOMAIN". Or NULL.
 */
const struct conf_dkim_rule *conf_dkim_match(const struct conf_dkim *d,
    struct slice address);

/* The first rule that names the key, one of d's, or NULL: it does not sign. */
const struct conf_dkim_rule *conf_dkim_rule_of(const struct conf_dkim *d,
    const struct conf_dkim_key *key);

#endif
