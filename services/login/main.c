#include "services/login/login.h"

#include "core/limits.h"

static struct login login;

/* Certificate and key come one after the other; a change of both is taken
 * when they fit together, and until then the old pair serves. */
static int
on_file(struct service *s, const char *name, const struct slice *content,
    const char **why)
{
	char **slot = strcmp(name, "tls-cert") == 0 ? &login.cert :
	    strcmp(name, "tls-key") == 0 ? &login.key : NULL;
	struct tls_ctx *next;

	if (strcmp(name, "mechanisms") == 0) {
		mechanism_offer_read(&login.offer, content);
		return 0;
	}
	if (slot == NULL || content == NULL)
		return fail(why, "missing");
	if (*slot != NULL)
		mem_wipe(*slot, strlen(*slot));
	mem_free(*slot);
	*slot = slice_dup(*content);
	if (login.cert == NULL || login.key == NULL)
		return 0;
	next = tls_server_new(slice_str(login.cert), slice_str(login.key),
	    service_conf(s)->tls_level == CONF_TLS_MODERN ? TLS_MODERN :
	    TLS_INTERMEDIATE, why);
	if (next == NULL)
		/* The other half may still be on its way. */
		return slot == &login.cert && login.tls != NULL ? 0 : -1;
	tls_unref(login.tls);
	login.tls = next;
	return 0;
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
