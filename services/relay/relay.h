/* What the whole process shares: settings, jobs, idle connections. */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "core/list.h"
#include "service/service.h"
#include "services/relay/pool.h"
#include "services/relay/route.h"
#include "services/relay/session.h"

struct relay {
	struct service *service;
	struct session_context session;
	struct route_settings route;
	struct pool *pool;
	struct list jobs;    /* running */
	struct list waiting; /* for a connection to become free */
	size_t running;
	size_t running_max;
	uint64_t sent;       /* recipients by outcome, for the status */
	uint64_t deferred;
	uint64_t bounced;
	bool require_tls;    /* credentials exist (RELAY_USER) */
	bool starting;       /* waiting jobs are being started */
};

#endif
