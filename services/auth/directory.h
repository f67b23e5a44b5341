/*
 * Who exists: the accounts and aliases of the config folder and the domains
 * that follow from them. Pure lookups in memory, no I/O.
 */
#ifndef SERVICES_AUTH_DIRECTORY_H
#define SERVICES_AUTH_DIRECTORY_H

#include "conf/conf_accounts.h"
#include "conf/conf_virtual.h"
#include "wire/auth.h"

struct directory {
	struct conf_accounts accounts;
	struct conf_virtual aliases;
	struct map domains;      /* hosted, in lower case */
	struct slice hostname;   /* in lower case */
	struct slice postmaster; /* POSTMASTER_ADDRESS, may be empty */
	char delimiter;          /* 0: no address extensions */
};

void directory_init(struct directory *d);
void directory_release(struct directory *d);

/* The strings stay the caller's and must outlive d. delimiter "" is none. */
void directory_configure(struct directory *d, const char *hostname,
    const char *postmaster, const char *delimiter);

/*
 * Replaces the accounts or the aliases by the content of their file (NULL: no
 * file, so none). All or nothing: on -1 the old ones stay and why says
 * "file:line: what is wrong". Warnings are logged.
 */
int directory_set_accounts(struct directory *d, const struct slice *text,
    struct buf *why) MUST_CHECK;
int directory_set_aliases(struct directory *d, const struct slice *text,
    struct buf *why) MUST_CHECK;

bool directory_hosts(const struct directory *d, struct slice domain);
/* The account of exactly that address, ASCII case ignored, or NULL. */
const struct conf_account *directory_account(const struct directory *d,
    struct slice address);

struct directory_target {
	enum wire_target_kind kind;
	struct slice address;
};

/* Filled by directory_resolve; the caller owns it. */
struct directory_targets {
	struct arena arena; /* holds everything below */
	struct directory_target *list;
	size_t n;
};

void directory_targets_release(struct directory_targets *t);

/*
 * Where mail to address goes (dms 3.3, 3.4). Per address, the first of: an
 * alias or a mailbox with the detail, an alias or a mailbox without it, the
 * catch-all of the domain, postmaster and its kin (RFC 5321 4.5.1). An alias
 * goes before a mailbox of the same name; one that names itself means the
 * mailbox. Unlike in docker-mailserver a catch-all never takes the mail of an
 * account.
 */
enum wire_rcpt_result directory_resolve(const struct directory *d,
    struct slice address, struct directory_targets *out);

/* True if user may send with that reverse-path under SPOOF_PROTECTION (dms
 * 6.6); the null path is everybody's. */
bool directory_owns(const struct directory *d, struct slice user,
    struct slice address);

#endif
