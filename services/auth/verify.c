/* Login attempts. See verify.h. */
#include "services/auth/verify.h"

#include "core/num.h"
#include "mail/addr.h"
#include "services/auth/password.h"

struct attempt {
	struct list link;
	struct auth *auth;
	struct chan *chan; /* NULL when its caller is gone */
	uint32_t id;
	enum wire_auth_service service;
	struct loop_timer *timer;
	struct arena arena;    /* the strings below; user as given until the
				* account is known, then canonical */
	struct slice user;
	struct slice ip;
	struct slice password; /* wiped after the check */
	struct slice hash;
	unsigned char tag[CACHE_TAG];
	const char *denied;    /* the reason that is known before the check */
	const char *why;
	int result;            /* of password_verify */
};

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
verify_net_allowed(struct slice networks, struct slice ip)
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
static const char *
account_denies(const struct conf_account *account, struct slice ip)
{
	struct slice extra = account->extra, key, value;

	while (conf_account_field(&extra, &key, &value)) {
		if (slice_ieq(key, S("nologin")) &&
		    !slice_ieq(value, S("n")) && !slice_ieq(value, S("no")))
			return "login disabled";
		if (slice_ieq(key, S("allow_nets")) &&
		    !verify_net_allowed(value, ip))
			return "address not allowed";
	}
	return NULL;
}

/* --- answers -------------------------------------------------------------- */

static void
attempt_free(struct attempt *t)
{
	loop_timer_free(t->timer);
	list_remove(&t->link);
	arena_release(&t->arena);
	mem_free(t);
}

static void
send_reply(struct chan *c, uint32_t id, enum wire_verify_result result,
    struct slice user, struct slice ticket)
{
	struct buf b = WIRE_BUF;

	wire_put_u8(&b, (uint8_t)result);
	wire_put_slice(&b, user);
	wire_put_slice(&b, ticket);
	chan_send(c, WIRE_AUTH_VERIFY_REPLY, id, buf_slice(&b), -1);
	buf_wipe(&b);
}

static void
finish(struct attempt *t, enum wire_verify_result result, struct slice user,
    struct slice ticket)
{
	if (t->chan != NULL)
		send_reply(t->chan, t->id, result, user, ticket);
	attempt_free(t);
}

static void
accept_login(struct attempt *t)
{
	struct auth *a = t->auth;
	unsigned char ticket[WIRE_TICKET];
	size_t n = 0;

	penalty_clear(&a->penalty, t->ip);
	/* SMTP goes on in the process that asked: nothing to redeem. */
	if (t->service != WIRE_SERVICE_SMTP) {
		if (tickets_issue(&a->tickets, t->user, t->service,
		    loop_now(a->loop), ticket) == -1) {
			finish(t, WIRE_VERIFY_LATER, S(""), S(""));
			return;
		}
		n = sizeof(ticket);
	}
	a->logins++;
	finish(t, WIRE_VERIFY_OK, t->user, slice_of(ticket, n));
	mem_wipe(ticket, sizeof(ticket));
}

static void
on_delay(void *arg)
{
	struct attempt *t = arg;

	t->auth->delayed--;
	finish(t, WIRE_VERIFY_DENIED, S(""), S(""));
}

static void
deny(struct attempt *t, const char *reason)
{
	struct auth *a = t->auth;
	unsigned failures = penalty_add(&a->penalty, t->ip, loop_now(a->loop));
	struct log_line l;

	a->refusals++;
	log_begin(&l, LOG_INFO, "login-failed");
	log_slice(&l, "user", t->user);
	log_slice(&l, "ip", t->ip);
	log_str(&l, "service", service_names[t->service]);
	log_num(&l, "failures", failures);
	log_str(&l, "reason", reason);
	log_end(&l);
	if (t->chan == NULL || a->delayed >= LIMIT_AUTH_DELAYED) {
		finish(t, WIRE_VERIFY_LATER, S(""), S(""));
		return;
	}
	a->delayed++;
	t->timer = loop_timer_new(a->loop, on_delay, t);
	loop_timer_start(t->timer, penalty_delay(failures), 0);
}

/* --- the check ------------------------------------------------------------ */

static void
check_work(void *arg)
{
	struct attempt *t = arg;

	t->result = password_verify(t->hash, t->password, &t->why);
}

static void
check_done(void *arg)
{
	struct attempt *t = arg;
	struct auth *a = t->auth;

	a->checking--;
	mem_wipe((char *)t->password.p, t->password.n);
	if (t->denied != NULL) {
		deny(t, t->denied);
	} else if (t->result == 1) {
		cache_add(&a->cache, t->tag, loop_now(a->loop));
		accept_login(t);
	} else {
		deny(t, t->result == 0 ? "wrong password" : t->why);
	}
}

/*
 * A hash to spend time on for a user who does not exist: that of some account,
 * always the same for one name, so that unknown users are as slow as known
 * ones whatever mixture of schemes the file has.
 */
static const struct conf_account *
stand_in(const struct directory *d, struct slice user)
{
	return &d->accounts.list[map_hash(user) % d->accounts.n];
}

static void
check_start(struct attempt *t)
{
	struct auth *a = t->auth;
	const struct directory *d = &a->directory;
	const struct conf_account *account = directory_account(d, t->user);

	if (account == NULL && d->accounts.n == 0) {
		deny(t, "unknown user");
		return;
	}
	if (account == NULL) {
		t->denied = "unknown user";
		account = stand_in(d, t->user);
	} else {
		t->denied = account_denies(account, t->ip);
	}
	t->hash = arena_slice(&t->arena, account->hash);
	cache_tag(&a->cache, t->user, t->password, t->hash, t->tag);
	if (t->denied == NULL &&
	    cache_has(&a->cache, t->tag, loop_now(a->loop))) {
		mem_wipe((char *)t->password.p, t->password.n);
		accept_login(t);
		return;
	}
	if (a->checking >= LIMIT_AUTH_JOBS) {
		log_warn("login-overload", "waiting=%zu", a->checking);
		mem_wipe((char *)t->password.p, t->password.n);
		finish(t, WIRE_VERIFY_LATER, S(""), S(""));
		return;
	}
	a->checking++;
	loop_work(a->loop, check_work, check_done, t);
}

static struct slice
lower(struct arena *arena, struct slice s)
{
	char *p = arena_dup(arena, s);

	for (size_t i = 0; i < s.n; i++)
		p[i] = ascii_lower(p[i]);
	return slice_of(p, s.n);
}

int
verify_request(struct auth *a, struct chan *c, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	unsigned service = wire_get_enum(&in, WIRE_SERVICES);
	struct slice ip = wire_get_slice(&in, SOCKADDR_TEXT);
	struct slice authzid = wire_get_slice(&in, LIMIT_SMTP_AUTH_LINE);
	struct slice user = wire_get_slice(&in, LIMIT_SMTP_AUTH_LINE);
	struct slice password = wire_get_slice(&in, LIMIT_SMTP_AUTH_LINE);
	struct attempt *t;

	if (wire_end(&in) == -1)
		return -1;
	t = mem_zero(sizeof(*t));
	t->auth = a;
	t->chan = c;
	t->id = f->id;
	t->service = service;
	list_init(&t->link);
	list_push(&a->attempts, &t->link);
	t->user = lower(&t->arena, slice_head(user, LIMIT_ADDRESS + 1));
	t->ip = arena_slice(&t->arena, ip);
	/* Acting as somebody else (RFC 4616 section 2) is nobody's right. */
	if (authzid.n > 0 && !slice_ieq(authzid, user)) {
		deny(t, "authorization identity differs");
		return 0;
	}
	t->password = arena_slice(&t->arena, password);
	check_start(t);
	return 0;
}

void
verify_forget(struct auth *a, struct chan *c)
{
	struct attempt *t;

	LIST_EACH(t, &a->attempts, struct attempt, link)
		if (t->chan == c)
			t->chan = NULL;
}
