/*
 * The SMTP server, run twice: smtp-mx (port 25, from other servers) and
 * smtp-submit (465 and 587, from the users' programs). It holds no mail and
 * knows no password; auth says who is who, queue takes the messages.
 */
#include "services/smtp/server.h"

#include "core/file.h"
#include "core/log.h"
#include "service/certificate.h"
#include "services/smtp/session.h"

#define MAX_ROUTES (1u << 20)

static struct server server;
static struct certificate certificate;

static int
on_file(struct service *s, const char *name, const struct slice *content,
    const char **why)
{
	/* Port 25 takes what it gets: dms-compat 10.3. */
	enum tls_level level = strcmp(service_name(s), "smtp-submit") == 0 ?
	    certificate_level(service_conf(s)) : TLS_OPPORTUNISTIC;

	if (strcmp(name, "mechanisms") == 0) {
		mechanism_offer_read(&server.offer, content);
		return 0;
	}
	return certificate_on_file(&certificate, name, content, level,
	    &server.tls, why);
}

/* A missing table (no IPv6) is an empty one. */
static void
read_routes(const char *path, void (*add)(struct trust *, struct slice))
{
	struct buf b = BUF_INIT(MAX_ROUTES);

	if (file_read(path, &b) == 0)
		add(&server.trust, buf_slice(&b));
	else if (errno != ENOENT)
		log_warn("routes", "path=%s error=\"%s\"", path,
		    strerror(errno));
	buf_release(&b);
}

/* Before chroot hides /proc. */
static int
prepare(struct service *s, const char **why)
{
	if (trust_init(&server.trust,
	    slice_str(service_conf(s)->trusted_networks), why) == -1)
		return -1;
	read_routes("/proc/net/route", trust_routes_v4);
	read_routes("/proc/net/ipv6_route", trust_routes_v6);
	return 0;
}

static int
start(struct service *s, const char **why UNUSED)
{
	struct server *v = &server;

	v->service = s;
	v->conf = service_conf(s);
	v->submission = strcmp(service_name(s), "smtp-submit") == 0;
	v->lookup = service_peer(s, "auth.lookup", 0);
	v->queue = service_peer(s, "queue.submit", 0);
	v->resolver = service_peer(s, "resolver", 0);
	if (v->conf->enable_policyd_spf && service_may_dial(s, "dkim.spf"))
		v->spf = service_peer(s, "dkim.spf", 0);
	if (v->submission)
		v->verify = service_peer(s, "auth.verify", 0);
	list_init(&v->sessions);
	map_init(&v->clients);
	buf_init(&v->frame, LIMIT_FRAME);
	service_set_data(s, v);
	return 0;
}

static void
on_accept(struct service *s, const char *listener, int fd,
    const union sockaddr_any *from)
{
	session_new(service_data(s), listener, fd, from);
}

static void
on_stop(struct service *s)
{
	struct server *v = service_data(s);
	struct session *at;

	v->stopping = true;
	if (v->count == 0) {
		service_exit(s);
		return;
	}
	LIST_EACH(at, &v->sessions, struct session, link)
		session_stop(at);
}

static void
status(struct service *s, struct buf *out)
{
	const struct server *v = service_data(s);

	buf_addf(out, " sessions=%zu connections=%llu messages=%llu", v->count,
	    (unsigned long long)v->connections,
	    (unsigned long long)v->messages);
}

int
main(int argc, char **argv)
{
	static const struct service_ops ops = {
		.name = "smtp",
		.on_file = on_file,
		.prepare = prepare,
		.start = start,
		.on_accept = on_accept,
		.on_stop = on_stop,
		.status = status,
	};

	return service_main(argc, argv, &ops);
}
