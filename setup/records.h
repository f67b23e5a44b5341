/*
 * The DNS records that this configuration needs: of the host, and of each
 * domain. What prints them (zone.h) and what checks them (check.h) start from
 * the same list.
 */
#ifndef SETUP_RECORDS_H
#define SETUP_RECORDS_H

#include "conf/conf_dkim.h"
#include "setup/domains.h"
#include "setup/served.h"
#include "wire/resolver.h"

enum record_kind {
	RECORD_ADDRESS, /* value "": the addresses are not known */
	RECORD_HELO,    /* SPF of the host name */
	RECORD_TLSA,
	RECORD_CAA,
	RECORD_MX,
	RECORD_SPF,
	RECORD_DKIM,
	RECORD_DMARC,
	RECORD_MTA_STS,
	RECORD_MTA_STS_HOST,
	RECORD_TLSRPT,
	RECORD_SRV,
	RECORD_AUTOCONFIG,
	RECORD_KINDS
};

struct record {
	enum record_kind kind;
	struct slice name;  /* no trailing dot */
	uint32_t type;
	struct slice value; /* as in a zone file; of TXT the text alone */
	const char *key;    /* DKIM: the file of the private key */
	bool signs;         /* DKIM: a line of SigningTable names the key */
};

struct records {
	struct arena arena;
	struct record *list; /* in the order of the kinds */
	size_t n;
	struct slice domain; /* of the mail server, or hosted; lower case */
	const struct conf *conf;
	bool host_is_domain; /* the host name is a hosted domain, too */
	struct served served;
	struct conf_dkim dkim;
};

/*
 * Reads what both lists are made from, for these domains. Needs the host name.
 * -1 after saying why; records_release in every case.
 */
int records_load(const struct setup *s, const struct domains *d,
    struct records *r) MUST_CHECK;
/* The same of the DKIM keys alone, for records_of_keys. */
int records_load_keys(const struct setup *s, struct records *r) MUST_CHECK;
void records_release(struct records *r);

/* Fills r anew: the host's own, with these addresses (NULL: not known). */
void records_of_host(struct records *r, const char *const *addresses,
    size_t n);
void records_of_domain(struct records *r, struct slice domain);
/* Of the DKIM keys of a domain, with a selector (or NULL) of that one. */
void records_of_keys(struct records *r, struct slice domain,
    const char *selector);

/*
 * The text of https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 3.2),
 * appended with prefix before each line. It is enforced only with a certificate
 * of an authority: with another no mail would come.
 */
void records_mta_sts_policy(const struct records *r, const char *prefix,
    struct buf *out);

/* What a kind is for, for people: a line without its end. */
const char *records_purpose(enum record_kind kind);

#endif
