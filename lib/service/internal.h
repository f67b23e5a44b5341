/* Shared by service.c (the life of a process) and peer.c (its channels). */
#ifndef SERVICE_INTERNAL_H
#define SERVICE_INTERNAL_H

#include "core/list.h"
#include "core/map.h"
#include "service/service.h"

struct service {
	const struct service_ops *ops;
	struct loop *loop;
	struct chan *control;
	struct conf conf;
	struct list listeners; /* struct listener */
	struct list peers;     /* struct peer */
	struct list inbound;   /* struct inbound */
	struct loop_timer *stop_timer;
	void *data;
	char *name;
	char *root_path; /* as the supervisor sees it */
	char *root;      /* prefix for our paths */
	uid_t uid;
	gid_t gid;
	bool configured;
	bool ready;
	bool stopping;
	int smaps; /* /proc/self/smaps_rollup, or -1 */
	int status;
};

/* Takes over fd; -1: the peer exists but is away. name may carry an instance:
 * "imap#2". */
void peer_attach(struct service *s, struct slice name, int fd);
void inbound_attach(struct service *s, struct slice name, struct slice door,
    int fd);
/* Sends what is queued for the callers; before exit. */
void inbound_flush(struct service *s);

#endif
