/*
 * Compares what is published in the DNS with what this configuration needs,
 * and says what to change. setup dns check prints it.
 */
#ifndef SETUP_CHECK_H
#define SETUP_CHECK_H

#include "msgauth/spf_ip.h"
#include "setup/lookup.h"
#include "setup/records.h"

#define CHECK_ADDRESSES 32 /* of the host name */

enum check_state {
	CHECK_RIGHT,
	CHECK_HINT,    /* works; could be better */
	CHECK_WRONG,
	CHECK_MISSING,
	CHECK_UNKNOWN, /* the DNS did not answer */
	CHECK_STATES
};

struct finding {
	enum check_state state;
	const char *topic;  /* "SPF", "reverse name" */
	const char *name;   /* of the record */
	const char *type;   /* "MX"; "" if it is about no record */
	const char *text;   /* what was found, a sentence; or NULL */
	const char *change; /* what to do, or NULL */
};

/* What large receivers ask of everybody who sends them mail. */
enum check_bulk {
	BULK_SPF,
	BULK_DKIM,
	BULK_DMARC,
	BULK_ALIGNED,
	BULK_REVERSE,
	BULK_TLS,
	BULK_COUNT
};

struct check {
	struct arena arena; /* of everything below */
	struct lookup *lookup;
	struct records *records;
	struct finding *list;
	size_t n;
	/* Of the host, for all domains. */
	struct spf_ip addresses[CHECK_ADDRESSES];
	size_t address_count;
	bool host_is_alias;
	/* What the records lead to is tried, too; at these ports. */
	bool connect;
	uint16_t smtp_port, https_port;
	/* Of the domain in hand. */
	bool dkim_above;  /* signed in the name of a domain above it */
	bool dkim_strict; /* and its DMARC record wants its own (adkim=s) */
	bool bulk[BULK_COUNT];
};

/* The host: address, reverse names, HELO, certificate. */
void check_host(struct check *c);
/* A domain; check_host was called. */
void check_domain(struct check *c, struct slice domain);
void check_release(struct check *c);

/* For the files of check: */

/* Adds a finding; the text is a format, NULL for none; type 0: of no record. */
void check_add(struct check *c, enum check_state state, const char *topic,
    struct slice name, uint32_t type, const char *text, ...)
    PRINTF_LIKE(6, 7);
/* What to do about the last finding. */
void check_change(struct check *c, const char *text, ...) PRINTF_LIKE(2, 3);
/* "publish NAME. IN TYPE VALUE", of the last finding. */
void check_publish(struct check *c, const struct record *record);

/* An answer that stays. */
const struct wire_dns_answer *check_ask(struct check *c, struct slice name,
    uint32_t type);
/* True after a finding that there was no answer. */
bool check_unanswered(struct check *c, const struct wire_dns_answer *a,
    const char *topic, struct slice name, uint32_t type);
/* The texts of TXT records that "is" finds to be meant; version is passed on.
 * Returns how many; at most max are stored. */
typedef bool check_is(struct slice text, const char *version);
size_t check_records(struct check *c, const struct wire_dns_answer *a,
    check_is *is, const char *version, struct slice *texts, size_t max);
/* The texts of TXT records that begin with version ("v=spf1") and then end or
 * go on with a blank or ";". Returns how many; at most max are stored. */
size_t check_texts(struct check *c, const struct wire_dns_answer *a,
    const char *version, struct slice *texts, size_t max);
/* "PREFIX.NAME", or with a NULL prefix NAME. */
struct slice check_below(struct check *c, const char *prefix,
    struct slice name);
/* True if the name has an A or AAAA record. */
bool check_has_address(struct check *c, struct slice name);
/* The addresses of a name as a list, into ips; returns how many. */
size_t check_addresses(struct check *c, struct slice name, struct spf_ip *ips,
    size_t max);

void check_mx(struct check *c, const struct record *r);
void check_spf(struct check *c, const struct record *r);
void check_dkim(struct check *c);
void check_dmarc(struct check *c, const struct record *r);
void check_service(struct check *c, const struct record *r);
/* The mail server at the addresses of the host, as others see it. */
void check_smtp(struct check *c);
/* The policy file of a domain whose record is there (RFC 8461 3.3). */
void check_sts_policy(struct check *c, struct slice domain);

#endif
