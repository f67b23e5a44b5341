// objects: services/auth/verify.c services/auth/password.c services/auth/directory.c services/auth/cache.c services/auth/penalty.c services/auth/tickets.c
#include "services/auth/verify.h"

#include <sodium.h>

#include "check.h"

#include "core/now.h"

TEST(networks_of_an_account)
{
	static const struct {
		const char *networks, *ip;
		bool allowed;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.1", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "10.0.0.0/8, 2001:db8::/33", "2001:db8:7fff::1", true },
		{ "10.0.0.0/8,2001:db8::/33", "2001:db8:8000::1", false },
		{ "0.0.0.0/0", "198.51.100.1", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "198.51.100.1", false },
		{ "192.0.2.0/33", "192.0.2.1", false },
		{ "192.0.2.0/x", "192.0.2.1", false },
		{ "garbage", "192.0.2.1", false },
		{ "", "192.0.2.1", false },
		{ "0.0.0.0/0", "garbage", false },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK(verify_net_allowed(slice_str(cases[i].networks),
		    slice_str(cases[i].ip)) == cases[i].allowed, "%s %s",
		    cases[i].networks, cases[i].ip);
}

/* --- attempts over a real channel ----------------------------------------- */

struct talk {
	struct auth auth;
	struct chan *client;
	unsigned result;
	size_t ticket;
	char user[100];
	bool answered;
};

static int
on_request(void *arg, struct chan *c, struct chan_frame *f)
{
	return verify_request(arg, c, f);
}

static int
on_reply(void *arg, struct chan *c UNUSED, struct chan_frame *f)
{
	struct talk *t = arg;
	struct wire_in in = wire_in(f->payload);
	struct slice user;

	t->result = wire_get_enum(&in, WIRE_VERIFY_RESULTS);
	user = wire_get_slice(&in, 99);
	memcpy(t->user, user.p, user.n);
	t->user[user.n] = '\0';
	t->ticket = wire_get_slice(&in, WIRE_TICKET).n;
	CHECK(wire_end(&in) == 0, " ");
	t->answered = true;
	loop_stop(t->auth.loop);
	return 0;
}

static void
on_close(void *arg UNUSED, struct chan *c UNUSED)
{
}

static const struct chan_ops server_ops = { on_request, on_close };
static const struct chan_ops client_ops = { on_reply, on_close };

static void
ask(struct talk *t, enum wire_auth_service service, const char *authzid,
    const char *user, const char *password)
{
	struct buf b = WIRE_BUF;

	wire_put_u8(&b, (uint8_t)service);
	wire_put_str(&b, "192.0.2.7");
	wire_put_str(&b, authzid);
	wire_put_str(&b, user);
	wire_put_str(&b, password);
	t->answered = false;
	chan_send(t->client, WIRE_AUTH_VERIFY, 1, buf_slice(&b), -1);
	buf_release(&b);
	loop_run(t->auth.loop);
	CHECK(t->answered, "%s", user);
}

static void
ignore_line(const char *line UNUSED, size_t n UNUSED)
{
}

TEST(logins_are_accepted_and_refused)
{
	static const struct {
		const char *authzid, *user, *password;
		unsigned result;
	} cases[] = {
		{ "", "u@x.test", "pw", WIRE_VERIFY_OK },
		{ "", "U@X.test", "pw", WIRE_VERIFY_OK },
		{ "U@x.test", "u@x.test", "pw", WIRE_VERIFY_OK },
		{ "v@x.test", "u@x.test", "pw", WIRE_VERIFY_DENIED },
		{ "", "near@x.test", "pw", WIRE_VERIFY_OK },
		{ "", "far@x.test", "pw", WIRE_VERIFY_DENIED },
		{ "", "u@x.test", "pw", WIRE_VERIFY_OK },
		{ "", "off@x.test", "pw", WIRE_VERIFY_DENIED },
	};
	struct slice accounts = S("u@x.test|{PLAIN}pw\n"
	    "off@x.test|{PLAIN}pw|userdb_x=1 nologin\n"
	    "near@x.test|{PLAIN}pw|allow_nets=192.0.2.0/24\n"
	    "far@x.test|{PLAIN}pw|allow_nets=10.0.0.0/8\n");
	struct buf why = BUF_INIT(100);
	struct chan *server;
	struct talk t = { 0 };
	struct auth *a = &t.auth;
	int fds[2];

	log_set_sink(ignore_line);
	CHECK(sodium_init() >= 0, " ");
	directory_init(&a->directory);
	penalty_init(&a->penalty);
	cache_init(&a->cache);
	tickets_init(&a->tickets);
	list_init(&a->attempts);
	CHECK(directory_set_accounts(&a->directory, &accounts, &why) == 0, " ");
	a->loop = loop_new();
	CHECK(chan_pair(fds) == 0, " ");
	server = chan_new(a->loop, fds[0], "server", &server_ops, a);
	t.client = chan_new(a->loop, fds[1], "client", &client_ops, &t);
	for (size_t i = 0; i < LEN(cases); i++) {
		uint64_t before = now_mono_ms();
		bool ok = cases[i].result == WIRE_VERIFY_OK;

		ask(&t, WIRE_SERVICE_IMAP, cases[i].authzid, cases[i].user,
		    cases[i].password);
		CHECK(t.result == cases[i].result, "%zu", i);
		CHECK(t.ticket == (ok ? WIRE_TICKET : 0), "%zu", i);
		CHECK(ok || now_mono_ms() - before >= 1900, "%zu", i);
		CHECK(!ok || now_mono_ms() - before < 1000, "%zu", i);
	}
	ask(&t, WIRE_SERVICE_SMTP, "", "U@X.TEST", "pw");
	CHECK(t.result == WIRE_VERIFY_OK && t.ticket == 0, " ");
	CHECK(strcmp(t.user, "u@x.test") == 0, "%s", t.user);
	CHECK(list_is_empty(&a->attempts) && a->checking == 0 &&
	    a->delayed == 0, " ");
	log_set_sink(NULL);
	chan_close(server);
	chan_close(t.client);
	loop_free(a->loop);
	directory_release(&a->directory);
	penalty_release(&a->penalty);
	cache_release(&a->cache);
	tickets_release(&a->tickets);
	buf_release(&why);
}

TESTS(
	T(networks_of_an_account),
	T(logins_are_accepted_and_refused)
)
