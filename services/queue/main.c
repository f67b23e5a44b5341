#include "services/queue/queue.h"

#include "core/log.h"
#include "services/queue/admin.h"
#include "services/queue/fetch.h"
#include "services/queue/intake.h"
#include "services/queue/run.h"

/* Messages that are made durable together share a commit of the journal. */
#define WRITERS 16

/* Opened before chroot, where /proc is still seen. */
static int proc = -1;

static int
queue_prepare(struct service *s UNUSED, const char **why UNUSED)
{
	proc = spool_proc();
	return 0;
}

static int
queue_start(struct service *s, const char **why)
{
	struct queue *q = mem_zero(sizeof(*q));
	const char *root = service_root(s);

	q->service = s;
	q->loop = service_loop(s);
	q->conf = service_conf(s);
	q->host = slice_str(q->conf->hostname);
	if (spool_open(&q->spool, root[0] != '\0' ? root : "/", proc) == -1) {
		log_error("spool", "open=\"%s\"", strerror(errno));
		mem_free(q);
		return fail(why, "the spool folder cannot be opened");
	}
	if (q->spool.named)
		log_info("spool", "tmpfile=no");
	q->deliver = service_peer(s, "deliver", 0);
	q->relay = service_peer(s, "relay", 0);
	q->dkim = service_peer(s, "dkim", 0);
	q->auth = service_peer(s, "auth.lookup", 0);
	if (q->conf->dmarc_reports || q->conf->dmarc_send_reports)
		q->dmarc = service_peer(s, "reports.mail", 0);
	service_set_data(s, q);
	intake_start(q);
	fetch_start(q);
	return run_start(q, why);
}

void
queue_maybe_exit(struct queue *q)
{
	if (service_is_stopping(q->service) && q->intake->count == 0 &&
	    q->run->running == 0 && q->reports == 0)
		service_exit(q->service);
}

static void
queue_peer(struct service *s, struct chan *c, bool open)
{
	if (!open)
		intake_forget_channel(service_data(s), c);
}

static void
queue_stop(struct service *s)
{
	queue_maybe_exit(service_data(s));
}

static const struct service_handler handlers[] = {
	{ "submit", WIRE_QUEUE_OPEN, intake_open },
	{ "submit", WIRE_QUEUE_RCPT, intake_rcpt },
	{ "submit", WIRE_QUEUE_COMMIT, intake_commit },
	{ "submit", WIRE_QUEUE_ABORT, intake_abort },
	{ "admin", WIRE_ADMIN, admin_request },
	{ 0 },
};

static const struct service_ops ops = {
	.name = "queue",
	.handlers = handlers,
	.threads = WRITERS,
	.prepare = queue_prepare,
	.start = queue_start,
	.on_peer = queue_peer,
	.on_stop = queue_stop,
	.status = admin_status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
