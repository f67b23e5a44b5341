#include "supervisor/sup.h"

#include <sys/socket.h>

#include "core/log.h"
#include "io/sockaddr.h"
#include "wire/control.h"

#define BACKLOG 1024
#define SOCKETS_MAX 64

/* Bound once: a restart of the service loses no connection attempt. */
static struct sup_socket {
	uint16_t port; /* standard number, without the base */
	int fd;
	union sockaddr_any at;
} sockets[SOCKETS_MAX];
static size_t socket_count;

static unsigned
families_of(const struct conf *c, uint16_t port)
{
	return port == 25 || port == 465 || port == 587 ? c->smtp_families :
	    c->imap_families;
}

/* 0, or -1 with errno. */
static int
bind_one(const union sockaddr_any *at, int *out)
{
	int one = 1;
	int fd = socket(at->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    (at->sa.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &one, sizeof(one)) == -1) ||
	    bind(fd, &at->sa, sockaddr_len(at)) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	*out = fd;
	return 0;
}

static int
listen_at(const struct conf *c, struct slice ip, uint16_t port, bool wanted)
{
	struct sup_socket *s = &sockets[socket_count];
	unsigned families = families_of(c, port);
	uint16_t number = (uint16_t)(c->port_base + port);
	char text[SOCKADDR_TEXT];
	bool v6;

	if (sockaddr_parse(&s->at, ip, number) == -1)
		return 0; /* validated by its type */
	v6 = s->at.sa.sa_family == AF_INET6;
	if ((v6 && families == CONF_FAMILY_IPV4) ||
	    (!v6 && families == CONF_FAMILY_IPV6))
		return 0;
	if (socket_count >= SOCKETS_MAX) {
		log_error("listen", "more than %d sockets", SOCKETS_MAX);
		return -1;
	}
	s->port = port;
	if (bind_one(&s->at, &s->fd) == 0) {
		socket_count++;
		return 0;
	}
	/* A host without IPv6 still serves all it has. */
	if (v6 && !wanted && families == CONF_FAMILY_ALL &&
	    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		return 0;
	log_error("listen", "address=%s port=%u error=\"%s\"",
	    sockaddr_ip(&s->at, text), number, strerror(errno));
	return -1;
}

static int
listen_on(const struct conf *c, uint16_t port)
{
	struct slice rest = slice_str(c->listen), ip;

	if (rest.n == 0)
		return listen_at(c, S("0.0.0.0"), port, false) == -1 ? -1 :
		    listen_at(c, S("::"), port, false);
	while (slice_split(&rest, ',', &ip))
		if (listen_at(c, ip, port, true) == -1)
			return -1;
	return 0;
}

int
sup_listen_all(struct sup *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct sup_process *row = s->children[i].row;

		for (size_t k = 0; k < SUP_PORTS && row->listens[k] != 0; k++)
			if (listen_on(&s->conf, row->listens[k]) == -1)
				return -1;
	}
	return 0;
}

void
sup_listen_give(struct sup_child *c)
{
	for (size_t i = 0; i < socket_count; i++)
		for (size_t k = 0; k < SUP_PORTS; k++) {
			struct buf b = WIRE_BUF;
			char name[8];
			int fd;

			if (c->row->listens[k] != sockets[i].port)
				continue;
			fd = dup(sockets[i].fd);
			if (fd == -1)
				panic("dup: %s", strerror(errno));
			snprintf(name, sizeof(name), "%u", sockets[i].port);
			wire_put_str(&b, name);
			(void)chan_send(c->control, WIRE_CONTROL_LISTEN, 0,
			    buf_slice(&b), fd);
			buf_release(&b);
		}
}

static const struct sup_child *
owner_of(const struct sup *s, uint16_t port)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < SUP_PORTS; k++)
			if (s->children[i].row->listens[k] == port)
				return &s->children[i];
	return NULL;
}

void
sup_listen_describe(struct sup *s, struct buf *out)
{
	buf_addf(out, "\n%-6s %-24s %s\n", "PORT", "ADDRESS", "PROCESS");
	for (size_t i = 0; i < socket_count; i++) {
		const struct sup_child *c = owner_of(s, sockets[i].port);
		char text[SOCKADDR_TEXT];

		buf_addf(out, "%-6u %-24s %s\n", sockaddr_port(&sockets[i].at),
		    sockaddr_ip(&sockets[i].at, text),
		    c != NULL ? c->name : "-");
	}
}
