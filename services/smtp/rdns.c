/* The client's name. See rdns.h. */
#include "services/smtp/rdns.h"

#include "mail/addr.h"
#include "wire/resolver.h"

#define TIMEOUT_MS 10000

static void
settle(struct rdns *r, bool verified)
{
	r->request = 0;
	if (!verified) {
		mem_free(r->name);
		r->name = NULL;
	}
	r->settled(r->arg);
}

static void
ask(struct rdns *r, struct slice name, uint32_t type,
    void (*cb)(void *, struct chan_frame *))
{
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, name);
	wire_put_u32(&b, type);
	r->request = peer_request(r->resolver, WIRE_DNS_ASK, buf_slice(&b), -1,
	    TIMEOUT_MS, cb, r);
	buf_release(&b);
}

static bool
read_answer(const struct chan_frame *f, struct wire_dns_answer *a)
{
	return f != NULL && f->type == WIRE_DNS_ANSWER &&
	    wire_dns_answer_get(f->payload, a) == 0 &&
	    a->status == WIRE_DNS_OK;
}

static void
on_address(void *arg, struct chan_frame *f)
{
	struct rdns *r = arg;
	struct wire_dns_answer a;
	bool same = false;

	if (read_answer(f, &a))
		for (uint32_t i = 0; i < a.count; i++)
			same |= slice_eq(a.rdata[i],
			    slice_of(r->address, r->address_length));
	settle(r, same);
}

static void
on_name(void *arg, struct chan_frame *f)
{
	struct rdns *r = arg;
	struct wire_dns_answer a;
	struct buf name = BUF_INIT(LIMIT_DOMAIN);

	if (!read_answer(f, &a) || a.count == 0 ||
	    wire_dns_name(a.rdata[0], &name) == -1 ||
	    !addr_domain_valid(buf_slice(&name), 0)) {
		buf_release(&name);
		settle(r, false);
		return;
	}
	r->name = buf_take(&name);
	ask(r, slice_str(r->name), r->address_length == 4 ? DNS_A : DNS_AAAA,
	    on_address);
}

void
rdns_question(struct buf *out, const unsigned char *address, size_t n)
{
	for (size_t i = n; i > 0; i--) {
		unsigned c = address[i - 1];

		if (n == 4)
			buf_addf(out, "%u.", c);
		else
			buf_addf(out, "%x.%x.", c & 15, c >> 4);
	}
	buf_adds(out, n == 4 ? "in-addr.arpa" : "ip6.arpa");
}

void
rdns_start(struct rdns *r, struct peer *resolver,
    const union sockaddr_any *client, void (*settled)(void *arg), void *arg)
{
	struct buf question = BUF_INIT(128);

	memset(r, 0, sizeof(*r));
	r->resolver = resolver;
	r->settled = settled;
	r->arg = arg;
	if (sockaddr_is_loopback(client)) {
		r->name = mem_str("localhost");
		return;
	}
	/* Four bytes for v4, also when mapped into v6. */
	r->address_length = sockaddr_client_key(client, r->address);
	if (r->address_length == 8) {
		memcpy(r->address, &client->in6.sin6_addr, 16);
		r->address_length = 16;
	}
	if (r->address_length == 0)
		return;
	rdns_question(&question, r->address, r->address_length);
	ask(r, buf_slice(&question), DNS_PTR, on_name);
	buf_release(&question);
}

void
rdns_cancel(struct rdns *r)
{
	if (r->request != 0)
		peer_cancel(r->resolver, r->request);
	mem_free(r->name);
	memset(r, 0, sizeof(*r));
}
