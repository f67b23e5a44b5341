/*
 * The deliver service: local messages into mailboxes. It runs as the user that
 * owns the mail folder, sees nothing else of the machine, and answers queue
 * (wire/deliver.h) only when a mailbox has the message durably.
 */
#ifndef SERVICES_DELIVER_DELIVER_H
#define SERVICES_DELIVER_DELIVER_H

#include "core/list.h"
#include "service/service.h"
#include "services/deliver/users.h"
#include "store/store.h"

struct deliver {
	struct service *service;
	struct loop *loop;
	struct store *store;
	struct users users;
	bool junk_folder;         /* MOVE_SPAM_TO_JUNK */
	bool junk_seen;           /* MARK_SPAM_AS_READ */
	struct loop_timer *idle;  /* closes databases nobody uses */
	bool idling;              /* that is under way */
	unsigned open;            /* databases when it was done last */
	struct list requests;     /* struct request */
	uint64_t delivered;       /* mailboxes, since the start */
	uint64_t refused;         /* permanent failures */
	uint64_t deferred;        /* temporary ones */
	unsigned pending;         /* mailboxes being written now */
	uint64_t idled;           /* sum of the three when idle ran last */
};

#endif
