/* One attempt to log in. See attempt.h. */
#include "services/auth/attempt.h"

#include "core/num.h"

static const char *const service_names[WIRE_SERVICES] = {
	[WIRE_SERVICE_SMTP] = "smtp",
	[WIRE_SERVICE_IMAP] = "imap",
	[WIRE_SERVICE_POP3] = "pop3",
	[WIRE_SERVICE_SIEVE] = "sieve",
};

/* --- the account's own conditions ----------------------------------------- */

static bool
prefix_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned char mask = (unsigned char)(0xff00 >> bits % 8);

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0;
}

static const unsigned char *
address_bytes(const union sockaddr_any *a, unsigned *bits)
{
	if (a->sa.sa_family == AF_INET) {
		*bits = 32;
		return (const unsigned char *)&a->in.sin_addr;
	}
	*bits = 128;
	return (const unsigned char *)&a->in6.sin6_addr;
}

static bool
in_network(struct slice network, const union sockaddr_any *ip)
{
	union sockaddr_any base;
	const unsigned char *a, *b;
	ssize_t slash = slice_find(network, '/');
	unsigned bits_a, bits_b;
	uint64_t length = 128;

	if (slash >= 0) {
		if (num_u64(slice_from(network, (size_t)slash + 1), 128,
		    &length) == -1)
			return false;
		network = slice_head(network, (size_t)slash);
	}
	if (sockaddr_parse(&base, network, 0) == -1)
		return false;
	a = address_bytes(&base, &bits_a);
	b = address_bytes(ip, &bits_b);
	if (bits_a != bits_b || (slash >= 0 && length > bits_a))
		return false;
	return prefix_equal(a, b, slash >= 0 ? (unsigned)length : bits_a);
}

bool
attempt_net_allowed(struct slice networks, struct slice ip)
{
	union sockaddr_any a;
	struct slice network;

	if (sockaddr_parse(&a, ip, 0) == -1)
		return false;
	while (slice_split(&networks, ',', &network))
		if (in_network(slice_trim(network), &a))
			return true;
	return false;
}

/* Dovecot's fields of the account that forbid a login (dms 3.3). */
const char *
attempt_forbidden(const struct conf_account *account, struct slice ip)
{
	struct slice extra = account->extra, key, value;

	if (!conf_account_may_log_in(account))
		return "login disabled";
	while (conf_account_field(&extra, &key, &value))
		if (slice_ieq(key, S("allow_nets")) &&
		    !attempt_net_allowed(value, ip))
			return "address not allowed";
	return NULL;
}

/* --- life ----------------------------------------------------------------- */

struct attempt *
attempt_new(struct auth *a, struct chan *c, uint32_t id,
    enum wire_auth_service service, struct slice ip)
{
	struct attempt *t = mem_zero(sizeof(*t));

	t->auth = a;
	t->chan = c;
	t->id = id;
	t->service = service;
	t->user = t->master = t->owner_name = S("");
	t->refusal = WIRE_VERIFY_DENIED;
	t->ip = arena_slice(&t->arena, ip);
	list_init(&t->link);
	list_push(&a->attempts, &t->link);
	return t;
}

void
attempt_free(struct attempt *t)
{
	loop_timer_free(t->timer);
	exchange_free(t->exchange);
	list_remove(&t->link);
	arena_release(&t->arena);
	mem_free(t);
}

/* --- answers -------------------------------------------------------------- */

void
attempt_reply(struct attempt *t, const struct wire_auth_reply *r)
{
	struct buf b = WIRE_BUF;

	if (t->chan != NULL) {
		wire_auth_reply_put(&b, r);
		chan_send(t->chan, WIRE_AUTH_VERIFY_REPLY, t->id,
		    buf_slice(&b), -1);
	}
	buf_wipe(&b);
}

static void
finish(struct attempt *t, enum wire_verify_result result, struct slice ticket)
{
	attempt_reply(t, &(struct wire_auth_reply){ .result = result,
	    .user = slice_head(t->user, LIMIT_ADDRESS),
	    .master = slice_head(t->master, LIMIT_ADDRESS),
	    .ticket = ticket });
	attempt_free(t);
}

void
attempt_later(struct attempt *t)
{
	finish(t, WIRE_VERIFY_LATER, S(""));
}

void
attempt_accept(struct attempt *t)
{
	struct auth *a = t->auth;
	unsigned char ticket[WIRE_TICKET];
	size_t n = 0;

	penalty_clear(&a->penalty, t->ip);
	/* SMTP goes on in the process that asked: nothing to redeem. */
	if (t->service != WIRE_SERVICE_SMTP) {
		if (tickets_issue(&a->tickets, t->user, t->service,
		    loop_now(a->loop), ticket) == -1) {
			attempt_later(t);
			return;
		}
		n = sizeof(ticket);
	}
	a->logins++;
	finish(t, WIRE_VERIFY_OK, slice_of(ticket, n));
	mem_wipe(ticket, sizeof(ticket));
}

static void
on_delay(void *arg)
{
	struct attempt *t = arg;

	t->auth->delayed--;
	finish(t, t->refusal, S(""));
}

void
attempt_deny(struct attempt *t, const char *reason)
{
	struct auth *a = t->auth;
	unsigned failures = penalty_add(&a->penalty, t->ip, loop_now(a->loop));
	struct log_line l;

	a->refusals++;
	log_begin(&l, LOG_INFO, "login-failed");
	log_slice(&l, "user", t->user);
	if (t->master.n > 0)
		log_slice(&l, "master", t->master);
	log_slice(&l, "ip", t->ip);
	log_str(&l, "service", service_names[t->service]);
	log_num(&l, "failures", failures);
	log_str(&l, "reason", reason);
	log_end(&l);
	if (t->chan == NULL || a->delayed >= LIMIT_AUTH_DELAYED) {
		attempt_later(t);
		return;
	}
	a->delayed++;
	loop_timer_free(t->timer);
	t->timer = loop_timer_new(a->loop, on_delay, t);
	loop_timer_start(t->timer, penalty_delay(&a->penalty,
	    failures), 0);
}

void
attempt_deny_proved(struct attempt *t)
{
	if (t->forbidden)
		t->refusal = WIRE_VERIFY_FORBIDDEN;
	attempt_deny(t, t->denied);
}

/* An attempt without an exchange is being checked or held back, and ends by
 * itself. */
void
attempt_forget(struct auth *a, struct chan *c)
{
	struct attempt *t;

	LIST_EACH(t, &a->attempts, struct attempt, link) {
		if (t->chan != c)
			continue;
		t->chan = NULL;
		if (t->exchange != NULL) {
			a->exchanges--;
			attempt_free(t);
		}
	}
}
