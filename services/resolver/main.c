/*
 * resolver: the only process that asks the DNS. Other services ask it over
 * wire/resolver.h; it holds no file and no secret, only sockets to servers.
 *
 * File from the supervisor, optional: "trust-anchor", root keys that replace
 * those built in (one DS or DNSKEY record a line).
 */
#include "core/log.h"
#include "dns/rungs.h"
#include "dns/upstream.h"
#include "service/service.h"
#include "services/resolver/resolver.h"
#include "wire/resolver.h"

/* What exists before start; the resolver itself is the service's data. */
static struct {
	struct buf anchors;
	struct rungs rungs;
	bool prepared;
} boot = { .anchors = BUF_INIT(65536) };

static int
on_file(struct service *s UNUSED, const char *name,
    const struct slice *content, const char **why)
{
	if (strcmp(name, "trust-anchor") != 0)
		return 0;
	if (boot.prepared)
		return fail(why, "a new trust anchor needs a restart");
	buf_clear(&boot.anchors);
	if (content != NULL)
		buf_add_slice(&boot.anchors, *content);
	return buf_ok(&boot.anchors) ? 0 : fail(why, "too long");
}

static int
prepare(struct service *s, const char **why)
{
	const struct conf *c = service_conf(s);

	boot.prepared = true;
	if (upstream_anchors_check(buf_slice(&boot.anchors), why) != 0)
		return -1;
	return rungs_init(&boot.rungs, c->dns, c->dns_validate, c->dns_strict,
	    why);
}

static int
start(struct service *s, const char **why UNUSED)
{
	service_set_data(s, resolver_new(service_loop(s), &boot.rungs,
	    &boot.anchors));
	return 0;
}

static int
on_ask(struct service *s, struct chan *c, struct chan_frame *f)
{
	return resolver_ask(service_data(s), c, f->id, f->payload);
}

static void
on_peer(struct service *s, struct chan *c, bool open)
{
	if (!open)
		resolver_forget(service_data(s), c);
}

static void
status(struct service *s, struct buf *out)
{
	resolver_status(service_data(s), out);
}

static const struct service_handler handlers[] = {
	{ "", WIRE_DNS_ASK, on_ask },
	{ NULL, 0, NULL },
};

static const struct service_ops ops = {
	.name = "resolver",
	.handlers = handlers,
	.on_file = on_file,
	.prepare = prepare,
	.start = start,
	.on_peer = on_peer,
	.status = status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
