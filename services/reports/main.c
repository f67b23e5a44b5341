#include "services/reports/reports.h"

#include "core/limits.h"
#include "core/now.h"
#include "wire/admin.h"
#include "wire/reports.h"

/* One: the database is the worker's. */
#define THREADS 1
#define PRUNE_MS (6 * 3600 * 1000)

static void
prune_work(void *arg)
{
	struct reports *r = arg;

	base_prune(r->base, now_wall());
	if (r->notes != NULL)
		notes_prune(r->notes, now_wall());
}

static void
prune_done(void *arg)
{
	struct reports *r = arg;

	r->jobs--;
	reports_maybe_exit(r);
}

static void
prune(void *arg)
{
	struct reports *r = arg;

	r->jobs++;
	loop_work(r->loop, prune_work, prune_done, r);
}

/* What is needed to report to others. */
static int
start_sending(struct reports *r, const char **why)
{
	char path[1024];

	if (!service_conf(r->service)->dmarc_send_reports)
		return 0;
	snprintf(path, sizeof(path), "%s/" NOTES_FILE,
	    service_root(r->service));
	r->notes = notes_open(path, why);
	if (r->notes == NULL)
		return -1;
	r->resolver = service_peer(r->service, "resolver", 0);
	note_start(r);
	send_start(r);
	return 0;
}

static int
start(struct service *s, const char **why)
{
	struct reports *r = mem_zero(sizeof(*r));
	char path[1024];

	snprintf(path, sizeof(path), "%s/" BASE_FILE, service_root(s));
	r->service = s;
	r->loop = service_loop(s);
	r->base = base_open(path, LIMIT_REPORT_KEPT, why);
	if (r->base == NULL || start_sending(r, why) == -1) {
		base_close(r->base);
		mem_free(r);
		return -1;
	}
	list_init(&r->asks);
	r->auth = service_peer(s, "auth.lookup", 0);
	r->prune = loop_timer_new(r->loop, prune, r);
	loop_timer_start(r->prune, PRUNE_MS, PRUNE_MS);
	service_set_data(s, r);
	return 0;
}

void
reports_maybe_exit(struct reports *r)
{
	if (!service_is_stopping(r->service) || r->jobs > 0 ||
	    r->base == NULL)
		return;
	base_close(r->base);
	r->base = NULL;
	notes_close(r->notes);
	r->notes = NULL;
	service_exit(r->service);
}

static void
on_peer(struct service *s, struct chan *c, bool open)
{
	if (open)
		return;
	ask_forget_channel(service_data(s), c);
	send_forget_channel(service_data(s), c);
}

static void
on_stop(struct service *s)
{
	note_flush(service_data(s));
	send_stop(service_data(s));
	reports_maybe_exit(service_data(s));
}

static void
status(struct service *s, struct buf *out)
{
	struct reports *r = service_data(s);

	buf_addf(out, " reports=%llu refused=%llu noted=%llu sent=%llu",
	    (unsigned long long)r->taken, (unsigned long long)r->refused,
	    (unsigned long long)r->noted, (unsigned long long)r->sent);
}

static const struct service_handler handlers[] = {
	{ "mail", WIRE_REPORTS_MAIL, mail_take },
	{ "mail", WIRE_REPORTS_NEXT, send_next },
	{ "mail", WIRE_REPORTS_SENT, send_sent },
	{ "note", WIRE_REPORTS_NOTE, note_take },
	{ "admin", WIRE_ADMIN, ask_request },
	{ NULL, 0, NULL },
};

static const struct service_ops ops = {
	.name = "reports",
	.handlers = handlers,
	.threads = THREADS,
	.start = start,
	.on_peer = on_peer,
	.on_stop = on_stop,
	.status = status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
