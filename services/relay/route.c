#include "services/relay/route.h"

#include "wire/resolver.h"

/* The resolver itself gives up after 10 s. */
#define DNS_MS 15000

enum step {
	STEP_START,
	STEP_MX,        /* waits for the exchangers */
	STEP_HOST,      /* takes the next one */
	STEP_ADDRESSES, /* waits for its addresses */
	STEP_TRY,       /* hands them out */
	STEP_END,
};

/* A question under way; slot 0 is MX or AAAA, slot 1 is A. */
struct lookup {
	struct route *r;
	uint32_t id;    /* of the request, 0: none */
	bool asked;
	struct buf payload;
	struct wire_dns_answer answer; /* views into payload */
};

struct route {
	const struct route_settings *settings;
	struct hop hop;
	void (*ready)(void *arg);
	void *arg;
	enum step step;
	struct lookup lookup[2];
	struct mx_list *list; /* large: only while exchangers are known */
	size_t at;            /* next exchanger */
	union sockaddr_any addr[HOP_ADDRESSES];
	size_t addr_n;
	size_t addr_at;
	unsigned tried;
	bool failed;          /* verdict is set */
	struct verdict verdict;
};

struct route *
route_new(const struct route_settings *settings, const struct hop *hop,
    void (*ready)(void *arg), void *arg)
{
	struct route *r = mem_zero(sizeof(*r));

	r->settings = settings;
	r->hop = *hop;
	r->ready = ready;
	r->arg = arg;
	for (size_t i = 0; i < LEN(r->lookup); i++) {
		r->lookup[i].r = r;
		buf_init(&r->lookup[i].payload, LIMIT_FRAME);
	}
	return r;
}

void
route_free(struct route *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < LEN(r->lookup); i++) {
		if (r->lookup[i].id != 0)
			peer_cancel(r->settings->resolver, r->lookup[i].id);
		buf_release(&r->lookup[i].payload);
	}
	mem_free(r->list);
	mem_free(r);
}

/* A temporary cause is kept over a permanent one: the last word is not said
 * as long as a host may still turn up. */
static void
note(struct route *r, const struct verdict *v)
{
	if (r->failed && r->verdict.outcome == WIRE_LATER)
		return;
	r->failed = true;
	r->verdict = *v;
}

static void
on_answer(void *arg, struct chan_frame *reply)
{
	struct lookup *l = arg;
	struct route *r = l->r;

	l->id = 0;
	buf_clear(&l->payload);
	l->answer = (struct wire_dns_answer){ .status = WIRE_DNS_SERVFAIL };
	if (reply != NULL && reply->type == WIRE_DNS_ANSWER) {
		buf_add_slice(&l->payload, reply->payload);
		if (wire_dns_answer_get(buf_slice(&l->payload),
		    &l->answer) != 0)
			l->answer = (struct wire_dns_answer){
				.status = WIRE_DNS_SERVFAIL };
	}
	for (size_t i = 0; i < LEN(r->lookup); i++)
		if (r->lookup[i].id != 0)
			return;
	r->ready(r->arg);
}

static void
ask(struct lookup *l, const char *name, uint32_t type)
{
	struct buf b = WIRE_BUF;

	wire_put_str(&b, name);
	wire_put_u32(&b, type);
	l->asked = true;
	l->id = peer_request(l->r->settings->resolver, WIRE_DNS_ASK,
	    buf_slice(&b), -1, DNS_MS, on_answer, l);
	buf_release(&b);
}

static const char *
current_host(const struct route *r)
{
	return r->list != NULL ? r->list->mx[r->at].host : r->hop.host;
}

static void
ask_addresses(struct route *r)
{
	r->step = STEP_ADDRESSES;
	r->lookup[0].asked = r->lookup[1].asked = false;
	if (r->settings->ipv6)
		ask(&r->lookup[0], current_host(r), DNS_AAAA);
	if (r->settings->ipv4)
		ask(&r->lookup[1], current_host(r), DNS_A);
}

/* The domain itself is the host (RFC 5321 5.1: the implicit MX). */
static void
use_host(struct route *r)
{
	struct verdict v;

	if (r->hop.mx && slice_ieq(slice_str(r->hop.host),
	    slice_str(r->settings->hostname))) {
		verdict_set(&v, "5.4.6", "mail for %s loops back to myself",
		    r->hop.host);
		note(r, &v);
		r->step = STEP_END;
		return;
	}
	ask_addresses(r);
}

static void
start(struct route *r)
{
	if (r->hop.literal) {
		uint16_t port = r->hop.port != 0 ? r->hop.port :
		    r->settings->port;

		r->addr[0] = r->hop.addr;
		if (r->addr[0].sa.sa_family == AF_INET6)
			r->addr[0].in6.sin6_port = htons(port);
		else
			r->addr[0].in.sin_port = htons(port);
		r->addr_n = 1;
		r->step = STEP_TRY;
	} else if (r->hop.mx) {
		r->step = STEP_MX;
		ask(&r->lookup[0], r->hop.host, DNS_MX);
	} else {
		use_host(r);
	}
}

static void
take_list(struct route *r)
{
	struct verdict v;

	r->list = mem_zero(sizeof(*r->list));
	mx_list_set(r->list, &r->lookup[0].answer, r->settings->hostname);
	r->step = STEP_HOST;
	r->at = 0;
	if (r->list->n > 0)
		return;
	if (r->list->null_mx)
		/* RFC 7505 4.2, RFC 7504 4 */
		verdict_set(&v, "5.1.10", "domain %s does not accept mail "
		    "(null MX)", r->hop.host);
	else if (r->list->self)
		verdict_set(&v, "5.4.6", "mail for %s loops back to myself",
		    r->hop.host);
	else
		verdict_set(&v, "5.4.4", "no usable mail exchanger for %s",
		    r->hop.host);
	note(r, &v);
	r->step = STEP_END;
}

static void
take_mx(struct route *r)
{
	const struct wire_dns_answer *a = &r->lookup[0].answer;
	struct verdict v;

	switch (a->status) {
	case WIRE_DNS_OK:
		take_list(r);
		return;
	case WIRE_DNS_NODATA:
		use_host(r);
		return;
	case WIRE_DNS_NXDOMAIN:
		verdict_set(&v, "5.1.2", "domain %s not found", r->hop.host);
		break;
	case WIRE_DNS_BOGUS:
		verdict_set(&v, "4.7.5", "DNSSEC validation of %s failed",
		    r->hop.host);
		break;
	default:
		verdict_set(&v, "4.4.3", "mail exchanger lookup for %s failed",
		    r->hop.host);
	}
	note(r, &v);
	r->step = STEP_END;
}

/* An exchanger on our own loopback, port 25, can only be us. */
static void
drop_loopback(struct route *r)
{
	size_t keep = 0;

	if (!r->hop.mx || r->settings->port != 25)
		return;
	for (size_t i = 0; i < r->addr_n; i++)
		if (!sockaddr_is_loopback(&r->addr[i]))
			r->addr[keep++] = r->addr[i];
	r->addr_n = keep;
}

static void
take_addresses(struct route *r)
{
	const struct wire_dns_answer *a[2] = { NULL, NULL };
	bool later = false;
	struct verdict v;

	for (size_t i = 0; i < LEN(a); i++) {
		if (!r->lookup[i].asked)
			continue;
		a[i] = &r->lookup[i].answer;
		later |= a[i]->status == WIRE_DNS_SERVFAIL ||
		    a[i]->status == WIRE_DNS_BOGUS;
	}
	r->addr_n = hop_addresses(r->addr, a[0], a[1],
	    r->hop.port != 0 ? r->hop.port : r->settings->port);
	r->addr_at = 0;
	r->step = STEP_TRY;
	if (r->addr_n == 0 && later) {
		verdict_set(&v, "4.4.3", "address lookup for %s failed",
		    current_host(r));
		note(r, &v);
	} else if (r->addr_n == 0) {
		verdict_set(&v, r->list != NULL ? "5.4.4" : "5.1.2",
		    "host %s has no address", current_host(r));
		note(r, &v);
	} else {
		drop_loopback(r);
		if (r->addr_n == 0) {
			verdict_set(&v, "5.4.6", "mail for %s loops back to "
			    "myself", r->hop.host);
			note(r, &v);
		}
	}
}

static bool
is_waiting(const struct route *r)
{
	return r->lookup[0].id != 0 || r->lookup[1].id != 0;
}

/* The host at hand is used up. */
static void
next_host(struct route *r)
{
	if (r->list == NULL) {
		r->step = STEP_END;
		return;
	}
	r->at++;
	r->step = STEP_HOST;
}

enum route_state
route_next(struct route *r, struct route_target *t)
{
	for (;;) {
		if (is_waiting(r))
			return ROUTE_WAIT;
		switch (r->step) {
		case STEP_START:
			start(r);
			break;
		case STEP_MX:
			take_mx(r);
			break;
		case STEP_HOST:
			if (r->at == r->list->n)
				r->step = STEP_END;
			else
				ask_addresses(r);
			break;
		case STEP_ADDRESSES:
			take_addresses(r);
			break;
		case STEP_TRY:
			if (r->addr_at == r->addr_n) {
				next_host(r);
				break;
			}
			if (r->tried++ == HOP_TRIES) {
				r->step = STEP_END;
				break;
			}
			t->host = current_host(r);
			t->addr = r->addr[r->addr_at++];
			return ROUTE_TARGET;
		case STEP_END:
			return ROUTE_END;
		}
	}
}

bool
route_verdict(const struct route *r, struct verdict *v)
{
	if (r->failed)
		*v = r->verdict;
	return r->failed;
}
