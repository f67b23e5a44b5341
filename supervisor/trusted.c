#include "supervisor/sup.h"

#include <net/if.h>

#include <arpa/inet.h>
#include <ifaddrs.h>

#include "io/sockaddr.h"

static void
add(struct buf *out, const char *network)
{
	if (out->n > 0)
		buf_addc(out, ',');
	buf_adds(out, network);
}

static unsigned
bits_of(const struct sockaddr *mask)
{
	const struct sockaddr_in *m = (const void *)mask;

	return (unsigned)__builtin_popcount(m->sin_addr.s_addr);
}

/* The IPv4 network of an interface address, cut to at most bits. */
static void
add_network(struct buf *out, const struct ifaddrs *i, unsigned bits)
{
	const struct sockaddr_in *a = (const void *)i->ifa_addr;
	uint32_t host = ntohl(a->sin_addr.s_addr);
	struct in_addr net;
	char text[INET_ADDRSTRLEN], cidr[32];

	if (bits == 0 || bits > 32)
		return;
	net.s_addr = htonl(host & (uint32_t)(0xffffffffu << (32 - bits)));
	snprintf(cidr, sizeof(cidr), "%s/%u",
	    inet_ntop(AF_INET, &net, text, sizeof(text)), bits);
	add(out, cidr);
}

void
sup_trusted_networks(struct conf *c)
{
	struct buf nets = BUF_INIT(65536), why = BUF_INIT(256);
	struct ifaddrs *all = NULL;

	if (c->permit_docker == CONF_PERMIT_NONE)
		return;
	buf_adds(&nets, c->trusted_networks);
	add(&nets, "127.0.0.0/8");
	add(&nets, "::1/128");
	if (c->permit_docker == CONF_PERMIT_NETWORK)
		add(&nets, "172.16.0.0/12");
	if (getifaddrs(&all) == -1)
		all = NULL;
	for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_netmask == NULL ||
		    i->ifa_addr->sa_family != AF_INET ||
		    (i->ifa_flags & IFF_LOOPBACK))
			continue;
		if (c->permit_docker == CONF_PERMIT_CONNECTED)
			add_network(&nets, i, bits_of(i->ifa_netmask));
		if (strcmp(i->ifa_name, c->network_interface) != 0)
			continue;
		add_network(&nets, i, 32);
		if (c->permit_docker == CONF_PERMIT_HOST)
			add_network(&nets, i, 16);
	}
	if (all != NULL)
		freeifaddrs(all);
	if (conf_set(c, conf_row_by_name(S("trusted_networks")),
	    buf_slice(&nets), &why) == -1)
		panic("trusted networks: %s", buf_str(&why));
	buf_release(&nets);
	buf_release(&why);
}
