#include "io/sockaddr.h"

#include <arpa/inet.h>

#include "core/num.h"

/* A v4 address inside v6 (RFC 4291 2.5.5.2) is that v4 address to everyone. */
static const struct in_addr *
as_v4(const union sockaddr_any *a)
{
	if (a->sa.sa_family == AF_INET)
		return &a->in.sin_addr;
	if (a->sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return (const struct in_addr *)(const void *)
		    &a->in6.sin6_addr.s6_addr[12];
	return NULL;
}

const char *
sockaddr_ip(const union sockaddr_any *a, char text[SOCKADDR_TEXT])
{
	const struct in_addr *v4 = as_v4(a);

	if (v4 != NULL)
		inet_ntop(AF_INET, v4, text, SOCKADDR_TEXT);
	else if (a->sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->in6.sin6_addr, text, SOCKADDR_TEXT);
	else
		snprintf(text, SOCKADDR_TEXT, "unknown");
	return text;
}

const char *
sockaddr_literal(const union sockaddr_any *a, char text[SOCKADDR_TEXT])
{
	char ip[SOCKADDR_TEXT];

	sockaddr_ip(a, ip);
	snprintf(text, SOCKADDR_TEXT, "%s%.50s",
	    strchr(ip, ':') != NULL ? "IPv6:" : "", ip);
	return text;
}

uint16_t
sockaddr_port(const union sockaddr_any *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port :
	    a->in.sin_port);
}

socklen_t
sockaddr_len(const union sockaddr_any *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

bool
sockaddr_is_loopback(const union sockaddr_any *a)
{
	const struct in_addr *v4 = as_v4(a);

	if (v4 != NULL)
		return ntohl(v4->s_addr) >> 24 == 127;
	return a->sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

int
sockaddr_parse(union sockaddr_any *out, struct slice ip, uint16_t port)
{
	char text[SOCKADDR_TEXT];

	memset(out, 0, sizeof(*out));
	if (ip.n >= sizeof(text))
		return -1;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) == 1) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(port);
		return 0;
	}
	return -1;
}

size_t
sockaddr_client_key(const union sockaddr_any *a, unsigned char key[16])
{
	const struct in_addr *v4 = as_v4(a);

	if (v4 != NULL) {
		memcpy(key, v4, 4);
		return 4;
	}
	if (a->sa.sa_family == AF_INET6) {
		memcpy(key, &a->in6.sin6_addr, 8);
		return 8;
	}
	return 0;
}

/* The bits of an address: 4 or 16 bytes. */
static struct slice
address_bytes(const union sockaddr_any *a)
{
	const struct in_addr *v4 = as_v4(a);

	return v4 != NULL ? slice_of(v4, 4) :
	    slice_of(&a->in6.sin6_addr, 16);
}

static bool
in_network(struct slice a, struct slice net, uint64_t bits)
{
	size_t whole = bits / 8;
	unsigned rest = bits % 8;

	if (a.n != net.n || bits > a.n * 8 ||
	    memcmp(a.p, net.p, whole) != 0)
		return false;
	return rest == 0 || (((unsigned char)a.p[whole] ^
	    (unsigned char)net.p[whole]) >> (8 - rest)) == 0;
}

bool
sockaddr_in_networks(const union sockaddr_any *a, struct slice networks)
{
	struct slice bits, ip;

	while (slice_split(&networks, ',', &bits)) {
		union sockaddr_any net;
		uint64_t n;

		if (slice_split(&bits, '/', &ip) &&
		    sockaddr_parse(&net, ip, 0) == 0 &&
		    num_u64(bits, 128, &n) == 0 &&
		    in_network(address_bytes(a), address_bytes(&net), n))
			return true;
	}
	return false;
}
