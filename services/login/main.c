#include "services/login/login.h"

static struct login login;

static int
on_file(struct service *s, const char *name, const struct slice *content,
    const char **why)
{
	if (strcmp(name, "mechanisms") == 0) {
		mechanism_offer_read(&login.offer, content);
		return 0;
	}
	return certificate_on_file(&login.certificate, name, content,
	    certificate_level(service_conf(s)), &login.tls, why);
}

static int
start(struct service *s, const char **why)
{
	if (login.tls == NULL)
		return fail(why, "no certificate");
	login.service = s;
	login.auth = service_peer(s, "auth.verify", 0);
	list_init(&login.sessions);
	map_init(&login.per_address);
	buf_init(&login.line, LOGIN_REPLY);
	return 0;
}

static void
on_accept(struct service *s UNUSED, const char *listener, int fd,
    const union sockaddr_any *from)
{
	login_accept(&login, listener, fd, from);
}

static void
on_stop(struct service *s UNUSED)
{
	login_stop(&login);
}

static void
status(struct service *s UNUSED, struct buf *out)
{
	buf_addf(out, " connections=%zu", login.count);
}

static const struct service_ops ops = {
	.name = "login",
	.on_file = on_file,
	.start = start,
	.on_accept = on_accept,
	.on_stop = on_stop,
	.status = status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
