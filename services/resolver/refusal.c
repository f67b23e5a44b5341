#include "services/resolver/refusal.h"

#include <fcntl.h>

#include "core/num.h"
#include "io/sockaddr.h"

#define SERVERS 16

struct refusal {
	int fd[SERVERS];
	size_t n;
};

/* A connected socket, as only such a one is told of ICMP. */
static int
open_server(struct slice item)
{
	union sockaddr_any a;
	struct slice ip = S("");
	uint64_t port;
	int fd;

	slice_split(&item, '@', &ip);
	if (num_u64(item, UINT16_MAX, &port) == -1 ||
	    sockaddr_parse(&a, ip, (uint16_t)port) == -1)
		return -1;
	fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd != -1 && connect(fd, &a.sa, sockaddr_len(&a)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct refusal *
refusal_new(const char *dns)
{
	struct refusal *r = mem_zero(sizeof(*r));
	struct slice rest = slice_str(dns), item;

	while (slice_split(&rest, ',', &item)) {
		int fd = r->n < SERVERS ? open_server(item) : -1;

		if (fd == -1) {
			refusal_free(r);
			return NULL;
		}
		r->fd[r->n++] = fd;
	}
	return r;
}

void
refusal_free(struct refusal *r)
{
	for (size_t i = 0; r != NULL && i < r->n; i++)
		close(r->fd[i]);
	mem_free(r);
}

/* The error of an earlier packet comes with any call; answers are dropped. */
static bool
has_refused(int fd)
{
	char drop[512];
	ssize_t n;

	do
		n = recv(fd, drop, sizeof(drop), 0);
	while (n > 0);
	return n == -1 && errno == ECONNREFUSED;
}

static bool
refuses(int fd)
{
	static const unsigned char header[12]; /* no question in it */
	bool before = has_refused(fd);

	if (send(fd, header, sizeof(header), 0) == -1)
		return errno == ECONNREFUSED;
	return has_refused(fd) || before;
}

bool
refusal_look(struct refusal *r)
{
	size_t refused = 0;

	for (size_t i = 0; i < r->n; i++)
		refused += refuses(r->fd[i]);
	return r->n > 0 && refused == r->n;
}
