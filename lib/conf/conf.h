/*
 * The configuration of one process: struct conf, made from settings.def. The
 * supervisor and setup fill it with conf_load (conf/conf_load.h); every other
 * program starts from conf_init and takes the pairs that the supervisor sends
 * with conf_decode, so it knows only its own rows.
 *
 * Everything in struct conf is valid by its type and bounds; nobody checks a
 * setting again.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "conf/conf_problem.h"
#include "core/buf.h"
#include "core/limits.h"

/* Who receives a row. The supervisor and setup see every row. */
enum conf_to {
	CONF_TO_KEYS = 1 << 0,
	CONF_TO_RESOLVER = 1 << 1,
	CONF_TO_AUTH = 1 << 2,
	CONF_TO_DKIM = 1 << 3,
	CONF_TO_RELAY = 1 << 4,
	CONF_TO_DELIVER = 1 << 5,
	CONF_TO_QUEUE = 1 << 6,
	CONF_TO_IMAP = 1 << 7,
	CONF_TO_LOGIN = 1 << 8,
	CONF_TO_SUBMIT = 1 << 9,
	CONF_TO_MX = 1 << 10,
	CONF_TO_REPORTS = 1 << 11,
	CONF_TO_ALL = (1 << 12) - 1,
};

/* Kinds of values, and below the C type of each. */
enum conf_type {
	CONF_BOOL,      /* 0 or 1; true and false in the YAML file */
	CONF_NUM,       /* a decimal number */
	CONF_SIZE,      /* bytes; k, M, G and T are powers of 1024 */
	CONF_TIME,      /* seconds; s, m, h, d and w */
	CONF_WORD,      /* one of the words: its index */
	CONF_TEXT,      /* anything without control characters */
	CONF_SECRET,    /* the same, never shown */
	CONF_HOST,      /* a host or domain name, or empty */
	CONF_FQDN,      /* a host name with a dot in it, or empty */
	CONF_ADDRESS,   /* user@domain, or empty */
	CONF_PATH,      /* an absolute path, or empty */
	CONF_ADDRESSES, /* "1.2.3.4,::1": IP addresses, canonical, no blanks */
	CONF_NETWORKS,  /* "10.0.0.0/8,::1/128": always with a length */
	CONF_DOMAINS,   /* "a.test,b.test": domain names, no blanks */
	CONF_DNS,       /* "recurse", "system", or "1.2.3.4@53,::1@5353" */
	CONF_RELAY,     /* "[host]:25", "host:25" (brackets: no MX), or empty */
	CONF_DELIMITER, /* one character, or "" (the setting "none") */
};

#define CONF_C_BOOL bool
#define CONF_C_NUM uint64_t
#define CONF_C_SIZE uint64_t
#define CONF_C_TIME uint64_t
#define CONF_C_WORD unsigned
#define CONF_C_TEXT char *
#define CONF_C_SECRET char *
#define CONF_C_HOST char *
#define CONF_C_FQDN char *
#define CONF_C_ADDRESS char *
#define CONF_C_PATH char *
#define CONF_C_ADDRESSES char *
#define CONF_C_NETWORKS char *
#define CONF_C_DOMAINS char *
#define CONF_C_DNS char *
#define CONF_C_RELAY char *
#define CONF_C_DELIMITER char *

/* The values of WORD rows, in the order of their words. log_level is an enum
 * log_level (core/log.h). */
enum conf_ssl_type {
	CONF_SSL_EMPTY,
	CONF_SSL_MANUAL,
	CONF_SSL_LETSENCRYPT,
	CONF_SSL_SELF_SIGNED,
	CONF_SSL_CUSTOM,
};
enum conf_tls_level { CONF_TLS_MODERN, CONF_TLS_INTERMEDIATE };
enum conf_interval {
	CONF_INTERVAL_DAILY,
	CONF_INTERVAL_WEEKLY,
	CONF_INTERVAL_MONTHLY,
};
enum conf_scram_offer { CONF_SCRAM_AUTO, CONF_SCRAM_NEVER, CONF_SCRAM_ALWAYS };
enum conf_families { CONF_FAMILY_ALL, CONF_FAMILY_IPV4, CONF_FAMILY_IPV6 };
enum conf_invalid_from {
	CONF_INVALID_FROM_REJECT,
	CONF_INVALID_FROM_QUARANTINE,
	CONF_INVALID_FROM_ACCEPT,
};
enum conf_permit {
	CONF_PERMIT_NONE,
	CONF_PERMIT_CONTAINER,
	CONF_PERMIT_HOST,
	CONF_PERMIT_NETWORK,
	CONF_PERMIT_CONNECTED,
};

/* A wrong word in the environment is a warning and the default is used, as
 * docker-mailserver does it. */
#define CONF_LENIENT 1u

struct conf_row {
	const char *name;  /* field of struct conf, and name in pairs */
	const char *env;   /* NULL: computed */
	const char *yaml;  /* "section.key", NULL: not in the file */
	const char *value; /* default, as text */
	const char *words; /* WORD only: "a|b|c" */
	const char *help;
	uint64_t low;
	uint64_t high;
	size_t offset;     /* in struct conf */
	enum conf_type type;
	unsigned to;       /* enum conf_to bits */
	unsigned flags;
};

enum conf_index {
#define ROW(field, ...) CONF_ROW_##field,
#include "conf/settings.def"
	CONF_ROW_COUNT
};

extern const struct conf_row conf_rows[CONF_ROW_COUNT];

/* Where a value comes from. */
enum conf_source {
	CONF_FROM_DEFAULT,
	CONF_FROM_COMPUTED,
	CONF_FROM_YAML,   /* detail: "path:line" */
	CONF_FROM_SECRET, /* NAME__FILE; detail: the path */
	CONF_FROM_ENV,
	CONF_FROM_PAIR,   /* sent by the supervisor */
};

struct conf_origin {
	enum conf_source source;
	char *detail; /* or NULL */
};

struct conf {
#define ROW(field, type, ...) CONF_C_##type field;
#include "conf/settings.def"
	struct conf_origin origin[CONF_ROW_COUNT];
};

/* Fills c with the defaults; conf_release gives its memory back, wiping
 * secrets. */
void conf_init(struct conf *c);
void conf_release(struct conf *c);

/*
 * Sets one row from text. On -1 nothing changed and *why says what is wrong
 * and what would be right; the text is appended to why (any maximum).
 */
int conf_set(struct conf *c, const struct conf_row *row, struct slice text,
    struct buf *why) MUST_CHECK;
/* Notes where the value came from; detail may be NULL and is copied. */
void conf_set_origin(struct conf *c, const struct conf_row *row,
    enum conf_source source, const char *detail);

/* The value as text that conf_set would accept. Secrets in clear. */
void conf_format(const struct conf *c, const struct conf_row *row,
    struct buf *out);
/* The value for people: secrets masked, "" for empty text. */
void conf_show(const struct conf *c, const struct conf_row *row,
    struct buf *out);
/* Where it came from, for people: "default", "environment RELAY_HOST". */
void conf_show_origin(const struct conf *c, const struct conf_row *row,
    struct buf *out);

/* The row of that field, environment variable or YAML path; NULL if none. */
const struct conf_row *conf_row_by_name(struct slice name);
const struct conf_row *conf_row_by_env(struct slice env);
const struct conf_row *conf_row_by_yaml(struct slice path);

/*
 * Appends "name=value" and a NUL for each row sent to any of the services in
 * mask (enum conf_to). Contains secrets if a row of the mask is one: wipe it.
 */
void conf_encode(const struct conf *c, unsigned mask, struct buf *out);
/* Takes one "name=value" (no NUL). -1 with a reason in why. */
int conf_set_pair(struct conf *c, struct slice pair, struct buf *why)
    MUST_CHECK;
/* Takes everything that conf_encode wrote. */
int conf_decode(struct conf *c, struct slice pairs, struct buf *why)
    MUST_CHECK;

/* Takes text as a value of row into the field at. Only for conf_set, which
 * checked for control characters. */
int conf_value_parse(const struct conf_row *row, struct slice text, void *at,
    struct buf *why) MUST_CHECK;

/* True for letters, digits, "-", "_" and dots in their places. */
bool conf_is_host(struct slice s);
/* True for local@domain that can be a mailbox: the parts are not empty, fit the
 * limits of RFC 5321 4.5.3.1, hold no blank and can be names of folders. */
bool conf_is_mailbox(struct slice s);

/*
 * The address with ASCII letters in lower case, in key: what maps are keyed
 * with. Empty if it is longer than an address may be.
 */
struct slice conf_fold(struct slice address, char key[static LIMIT_ADDRESS]);

/*
 * The edit distance of two words, ASCII case ignored, counted up to limit
 * (limit + 1 means more). For "did you mean".
 */
unsigned conf_distance(struct slice a, struct slice b, unsigned limit);

#endif
