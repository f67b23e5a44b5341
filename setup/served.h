/*
 * What the certificates that the mail server serves mean for the DNS: their
 * keys (TLSA), their authority (CAA), their names.
 */
#ifndef SETUP_SERVED_H
#define SETUP_SERVED_H

#include "setup/setup.h"

#define SERVED_MAX 2 /* one for each type of key */

struct served_cert {
	unsigned char spki[32];  /* SHA-256 of its SubjectPublicKeyInfo */
	const char *authority;   /* its name in CAA records, or NULL */
	int64_t ends;            /* seconds since the epoch */
	bool self_signed;
	bool names_host;         /* it is for the host name */
};

struct served {
	struct served_cert list[SERVED_MAX];
	size_t n; /* 0: none is there or can be read */
};

/* Needs the host name (conf_load_host); changes nothing. */
void served_load(const struct conf *c, struct served *out);

#endif
