/*
 * The DNS for the command line: one question at a time, waited for. It needs
 * no running stack. What msgauth's machines ask (msgauth/question.h) goes in
 * as it is:
 *
 *	while (spf_step(&spf, &q) == MSGAUTH_ASK)
 *		spf_answer(&spf, lookup_ask(l, &q));
 */
#ifndef SETUP_LOOKUP_H
#define SETUP_LOOKUP_H

#include "conf/conf.h"
#include "msgauth/question.h"
#include "setup/json.h"

#define LOOKUP_TIMEOUT 10000     /* milliseconds for one question */
#define LOOKUP_RUN_TIMEOUT 60000 /* for all of them */
/* The first questions, without an answer to any of which nobody is there. */
#define LOOKUP_LATES 3
#define LOOKUP_TRACE 1000        /* lookups that are remembered */

struct lookup;

/*
 * server: "HOST", "HOST@PORT" (--dns), which is asked without DNSSEC; NULL:
 * as c says, or else as dns/rungs.h has it. Nothing is asked yet. NULL with
 * *why.
 */
struct lookup *lookup_new(const struct conf *c, const char *server,
    const char **why);
/* NULL is fine. */
void lookup_free(struct lookup *l);

/*
 * Asks and waits, at most LOOKUP_TIMEOUT and until LOOKUP_RUN_TIMEOUT after
 * the first question; when LOOKUP_LATES had no answer and none had one, not at
 * all. Then the answer is WIRE_DNS_SERVFAIL, as it is for whatever else is no
 * answer. A name that cannot exist is NXDOMAIN. Never NULL; the answer and its
 * slices are valid until the next question.
 */
const struct wire_dns_answer *lookup_ask(struct lookup *l,
    const struct dns_question *q);
/* The same, of a name in text. */
const struct wire_dns_answer *lookup_name(struct lookup *l, struct slice name,
    uint32_t type);
/* The time for all questions begins anew. */
void lookup_rewind(struct lookup *l);

/* "MX". */
const char *lookup_type(uint32_t type);
/* "ok", "nodata", "nxdomain", "servfail", "bogus". */
const char *lookup_status(enum wire_dns_status status);

/* Appends whom the questions went to: "asked 127.0.0.1@53, without DNSSEC". */
void lookup_upstream(const struct lookup *l, struct buf *out);

/*
 * Appends every lookup made, a line each, for people:
 *	"  MX example.com: 2 records, 14 ms, secure"
 */
void lookup_trace(const struct lookup *l, struct buf *out);
/* The same as an array of objects with name, type, result, records, ms,
 * secure. */
void lookup_trace_json(const struct lookup *l, struct json *j,
    const char *key);

#endif
