#include "services/deliver/deliver.h"

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "services/deliver/folders.h"
#include "services/deliver/request.h"
#include "wire/deliver.h"

/* Writers that block in fsync together share one commit of the file system's
 * journal: the more of them, the more messages per commit. */
#define WRITERS 16

/* Read before chroot, where /proc is still seen. */
static char boot_id[64];

/* "mailboxes" as given before start. */
static struct buf first_mailboxes = BUF_INIT(LIMIT_CONFIG_FILE);

static int
deliver_prepare(struct service *s UNUSED, const char **why UNUSED)
{
	struct buf b = BUF_INIT(sizeof(boot_id) - 1);

	if (file_read("/proc/sys/kernel/random/boot_id", &b) == 0) {
		struct slice id = slice_trim(buf_slice(&b));

		memcpy(boot_id, id.p, id.n);
	}
	buf_release(&b);
	return 0;
}

/* Closing a database writes to the disk: not on the loop. */
static void
idle_work(void *arg)
{
	struct deliver *d = arg;
	unsigned open = store_idle(d->store, now_mono_ms());

	/* The page caches of many users, in many pieces. */
	if (open < d->open)
		mem_trim();
	d->open = open;
}

static void
idle_done(void *arg)
{
	struct deliver *d = arg;

	d->idling = false;
}

/* Databases are opened by deliveries only: without any there is nothing to
 * close, and no thread to start for it. */
static void
deliver_idle(void *arg)
{
	struct deliver *d = arg;
	uint64_t worked = d->delivered + d->deferred + d->refused;

	if (d->idling || (d->open == 0 && worked == d->idled))
		return;
	d->idling = true;
	d->idled = worked;
	loop_work(d->loop, idle_work, idle_done, d);
}

static int
deliver_start(struct service *s, const char **why)
{
	struct deliver *d = mem_zero(sizeof(*d));
	const struct store_config conf = {
		.mailroot = service_root(s),
		.hostname = service_conf(s)->hostname,
		.boot_id = boot_id,
	};

	d->service = s;
	d->loop = service_loop(s);
	list_init(&d->requests);
	d->store = store_open_root(&conf, why);
	d->junk_folder = service_conf(s)->move_spam_to_junk;
	d->junk_seen = service_conf(s)->mark_spam_as_read;
	if (d->store == NULL) {
		mem_free(d);
		return -1;
	}
	users_init(&d->users, service_peer(s, "auth.mailbox", 0), d->loop);
	d->idle = loop_timer_new(d->loop, deliver_idle, d);
	loop_timer_start(d->idle, 1000, 1000);
	service_set_data(s, d);
	folders_make(d, buf_slice(&first_mailboxes));
	buf_release(&first_mailboxes);
	return 0;
}

/* Comes once before start, when there is no store yet. */
static int
deliver_file(struct service *s, const char *name UNUSED,
    const struct slice *content, const char **why UNUSED)
{
	struct deliver *d = service_data(s);

	if (content == NULL)
		return 0;
	if (d != NULL) {
		folders_make(d, *content);
	} else {
		buf_clear(&first_mailboxes);
		buf_add_slice(&first_mailboxes, *content);
	}
	return 0;
}

static void
deliver_peer(struct service *s, struct chan *c, bool open)
{
	if (!open)
		request_forget_channel(service_data(s), c);
}

static void
deliver_stop(struct service *s)
{
	struct deliver *d = service_data(s);

	if (list_is_empty(&d->requests))
		service_exit(s);
}

static void
deliver_status(struct service *s, struct buf *out)
{
	struct deliver *d = service_data(s);

	buf_addf(out, " delivered=%llu deferred=%llu refused=%llu writing=%u",
	    (unsigned long long)d->delivered, (unsigned long long)d->deferred,
	    (unsigned long long)d->refused, d->pending);
}

static const struct service_handler handlers[] = {
	{ "", WIRE_DELIVER, request_new },
	{ 0 },
};

static const struct service_ops ops = {
	.name = "deliver",
	.handlers = handlers,
	.threads = WRITERS,
	.on_file = deliver_file,
	.prepare = deliver_prepare,
	.start = deliver_start,
	.on_peer = deliver_peer,
	.on_stop = deliver_stop,
	.status = deliver_status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
