/* The one object of the auth process. */
#ifndef SERVICES_AUTH_AUTH_H
#define SERVICES_AUTH_AUTH_H

#include <openssl/x509.h>

#include "conf/conf_quotas.h"
#include "conf/conf_scram.h"
#include "service/service.h"
#include "services/auth/cache.h"
#include "services/auth/directory.h"
#include "services/auth/penalty.h"
#include "services/auth/tickets.h"
#include "services/auth/usage.h"

struct auth {
	struct service *service; /* NULL in tests */
	struct loop *loop;
	bool spoof_protection;
	const struct conf *conf;
	struct directory directory;
	struct conf_accounts masters;
	struct conf_quotas quotas;
	struct conf_scram scram;
	/* In the place of the file's secret as long as there is none. */
	unsigned char scram_secret[CONF_SCRAM_SECRET];
	X509_STORE *client_cas; /* who signs client certificates, or NULL */
	struct usage usage;
	struct penalty penalty;
	struct cache cache;
	struct tickets tickets;
	struct list attempts; /* being checked or held back */
	size_t checking;
	size_t exchanges;
	size_t delayed;
	uint64_t logins;   /* since the start */
	uint64_t refusals;
};

#endif
