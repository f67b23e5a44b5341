/*
 * Whom to ask, as a ladder: the way that was configured, and below it what is
 * better than nothing. Where the network lets nobody but the host's resolver
 * be asked, that is asked; where whoever is asked does not pass DNSSEC on, its
 * answers are used without (no answer is secure then, so DANE is not used).
 * The strict setting leaves that last kind out.
 *
 * Which rung holds is found with a question for the name servers of the root,
 * signed data that everybody can get.
 */
#ifndef DNS_RUNGS_H
#define DNS_RUNGS_H

#include "core/buf.h"
#include "wire/resolver.h"

#define RUNGS_MAX 3
#define RUNGS_PROBE_NAME "."
#define RUNGS_PROBE_TYPE DNS_NS
#define RUNGS_PROBE_TIMEOUT 3000 /* milliseconds, for one rung */
/* How often it is asked: to find out which addresses of name servers can be
 * reached (IPv6 may not) costs libunbound answers. */
#define RUNGS_PROBE_ASKS 4

struct rung {
	const char *dns; /* "recurse" or a list of servers */
	bool validate;
	bool system;     /* dns came from /etc/resolv.conf */
};

struct rungs {
	struct rung list[RUNGS_MAX]; /* the best first */
	size_t n;        /* at least 1; with 1 nothing has to be found out */
	size_t fallback; /* what to use if none holds */
	char *system;    /* the servers of /etc/resolv.conf, or NULL */
};

/*
 * dns, validate and strict are the settings; /etc/resolv.conf is read now,
 * where it may be needed. -1 with *why if dns is "system" and it names no
 * server. rungs_release in every case.
 */
int rungs_init(struct rungs *r, const char *dns, bool validate, bool strict,
    const char **why) MUST_CHECK;
void rungs_release(struct rungs *r);

/* True if the answer to the question of above shows that the rung holds. */
bool rung_holds(const struct rung *r, const struct wire_dns_answer *a);

/* The name servers in the text of a resolv.conf, at most 3 (MAXNS of
 * resolv.conf(5)), as a list; appends nothing if there are none. */
void rungs_resolv_conf(struct slice text, struct buf *list);

#endif
