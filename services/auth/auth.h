/* The one object of the auth process. */
#ifndef SERVICES_AUTH_AUTH_H
#define SERVICES_AUTH_AUTH_H

#include "conf/conf_quotas.h"
#include "service/service.h"
#include "services/auth/cache.h"
#include "services/auth/directory.h"
#include "services/auth/penalty.h"
#include "services/auth/tickets.h"
#include "services/auth/usage.h"

struct auth {
	struct loop *loop;
	bool spoof_protection;
	const struct conf *conf;
	struct directory directory;
	struct conf_quotas quotas;
	struct usage usage;
	struct penalty penalty;
	struct cache cache;
	struct tickets tickets;
	struct list attempts; /* being checked or held back */
	size_t checking;
	size_t delayed;
	uint64_t logins;   /* since the start */
	uint64_t refusals;
};

#endif
