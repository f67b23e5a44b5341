/* Trusted networks. See trust.h. */
#include "services/smtp/trust.h"

#include "core/base64.h"
#include "core/num.h"

static void
map_v4(unsigned char out[16], const void *v4)
{
	memset(out, 0, 10);
	out[10] = out[11] = 0xff;
	memcpy(out + 12, v4, 4);
}

static void
address_bytes(const union sockaddr_any *a, unsigned char out[16])
{
	if (a->sa.sa_family == AF_INET)
		map_v4(out, &a->in.sin_addr);
	else
		memcpy(out, &a->in6.sin6_addr, 16);
}

int
trust_init(struct trust *t, struct slice networks, const char **why)
{
	struct slice item;

	memset(t, 0, sizeof(*t));
	while (slice_split(&networks, ',', &item)) {
		struct slice rest = item, ip = S("");
		union sockaddr_any a;
		uint64_t bits;
		struct trust_net *net;

		slice_split(&rest, '/', &ip);
		if (sockaddr_parse(&a, ip, 0) == -1 ||
		    num_u64(rest, a.sa.sa_family == AF_INET ? 32 : 128,
		    &bits) == -1)
			return fail(why, "bad list of trusted networks");
		t->nets = mem_grow(t->nets, t->count + 1, sizeof(*t->nets));
		net = &t->nets[t->count++];
		address_bytes(&a, net->bytes);
		net->bits = (unsigned)bits +
		    (a.sa.sa_family == AF_INET ? 96 : 0);
	}
	return 0;
}

void
trust_release(struct trust *t)
{
	mem_free(t->nets);
	memset(t, 0, sizeof(*t));
}

static void
add_gateway(struct trust *t, const unsigned char bytes[16])
{
	if (t->gateway_count < TRUST_GATEWAYS)
		memcpy(t->gateways[t->gateway_count++], bytes, 16);
}

/* Interface, destination, gateway ...; hexadecimal. */
void
trust_routes_v4(struct trust *t, struct slice table)
{
	struct slice line, word;

	while (slice_line(&table, &line)) {
		struct buf hex = BUF_INIT(4);
		unsigned char mapped[16];
		uint32_t v4;

		if (slice_word(&line, &word) && slice_word(&line, &word) &&
		    slice_eq(word, S("00000000")) && slice_word(&line, &word) &&
		    hex_decode(&hex, word) == 0 && hex.n == 4) {
			/* The digits are the number that the four bytes are
			 * on this machine. */
			v4 = num_be32((const unsigned char *)hex.p);
			if (v4 != 0) {
				map_v4(mapped, &v4);
				add_gateway(t, mapped);
			}
		}
		buf_release(&hex);
	}
}

/* Destination, its length, source, its length, next hop ...; all hex. */
void
trust_routes_v6(struct trust *t, struct slice table)
{
	struct slice line, dest, bits, skip, hop;

	while (slice_line(&table, &line)) {
		struct buf hex = BUF_INIT(16);
		static const unsigned char none[16];

		if (slice_word(&line, &dest) && slice_word(&line, &bits) &&
		    slice_eq(bits, S("00")) && slice_word(&line, &skip) &&
		    slice_word(&line, &skip) && slice_word(&line, &hop) &&
		    hex_decode(&hex, hop) == 0 && hex.n == 16 &&
		    memcmp(hex.p, none, 16) != 0)
			add_gateway(t, (const unsigned char *)hex.p);
		buf_release(&hex);
	}
}

static bool
in_net(const unsigned char a[16], const struct trust_net *net)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(a, net->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	    ((a[whole] ^ net->bytes[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

bool
trust_allows(const struct trust *t, const union sockaddr_any *client)
{
	unsigned char a[16];

	if (client->sa.sa_family != AF_INET && client->sa.sa_family != AF_INET6)
		return false;
	address_bytes(client, a);
	for (size_t i = 0; i < t->gateway_count; i++)
		if (memcmp(a, t->gateways[i], 16) == 0)
			return false;
	for (size_t i = 0; i < t->count; i++)
		if (in_net(a, &t->nets[i]))
			return true;
	return false;
}
