/*
 * relay: the SMTP client. Takes messages from the queue (wire/relay.h), finds
 * the servers of their destinations with the resolver's help, and delivers.
 * Holds nothing but outgoing connections and the passwords of smarthosts.
 */
#include "services/relay/job.h"
#include "wire/relay.h"

static struct relay relay;

static int
prepare(struct service *s UNUSED, const char **why)
{
	/* RFC 7435: encryption to whoever is there beats none. The bundle of
	 * CAs is read now, while it can be. */
	relay.session.tls = tls_client_new(false, S(""), TLS_OPPORTUNISTIC, why);
	return relay.session.tls != NULL ? 0 : -1;
}

static int
start(struct service *s, const char **why UNUSED)
{
	const struct conf *c = service_conf(s);

	relay.service = s;
	relay.session.loop = service_loop(s);
	relay.session.hostname = c->hostname;
	relay.route = (struct route_settings){
		.resolver = service_peer(s, "resolver", 0),
		.hostname = c->hostname,
		.port = (uint16_t)c->relay_port,
		.ipv4 = c->smtp_families != CONF_FAMILY_IPV6,
		.ipv6 = c->smtp_families != CONF_FAMILY_IPV4,
	};
	relay.require_tls = c->relay_user[0] != '\0' &&
	    c->relay_password[0] != '\0';
	relay.pool = pool_new(relay.session.loop);
	relay.running_max = (size_t)c->relay_connections;
	list_init(&relay.jobs);
	list_init(&relay.waiting);
	service_set_data(s, &relay);
	return 0;
}

static int
on_relay(struct service *s, struct chan *c, struct chan_frame *f)
{
	return job_accept(service_data(s), c, f);
}

static void
on_peer(struct service *s, struct chan *c, bool open)
{
	if (!open)
		job_forget(service_data(s), c);
}

static void
on_stop(struct service *s)
{
	pool_clear(relay.pool);
	if (relay.running == 0)
		service_exit(s);
}

static void
status(struct service *s UNUSED, struct buf *out)
{
	buf_addf(out, " running=%zu idle=%zu sent=%llu deferred=%llu "
	    "bounced=%llu", relay.running, pool_count(relay.pool),
	    (unsigned long long)relay.sent, (unsigned long long)relay.deferred,
	    (unsigned long long)relay.bounced);
}

static const struct service_handler handlers[] = {
	{ "", WIRE_RELAY, on_relay },
	{ NULL, 0, NULL },
};

static const struct service_ops ops = {
	.name = "relay",
	.handlers = handlers,
	.prepare = prepare,
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
