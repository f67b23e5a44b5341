// part: services/auth
#include "auth_fixture.h"

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
		CHECK(attempt_net_allowed(slice_str(cases[i].networks),
		    slice_str(cases[i].ip)) == cases[i].allowed, "%s %s",
		    cases[i].networks, cases[i].ip);
}

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
	talk_ask(t, WIRE_AUTH_VERIFY, 1, &b);
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
		{ "v@x.test", "u@x.test", "pw", WIRE_VERIFY_FORBIDDEN },
		{ "v@x.test", "u@x.test", "px", WIRE_VERIFY_DENIED },
		{ "", "near@x.test", "pw", WIRE_VERIFY_OK },
		{ "", "far@x.test", "pw", WIRE_VERIFY_DENIED },
		{ "", "u@x.test", "pw", WIRE_VERIFY_OK },
		{ "", "off@x.test", "pw", WIRE_VERIFY_DENIED },
	};
	static const char accounts[] = "u@x.test|{PLAIN}pw\n"
	    "off@x.test|{PLAIN}pw|userdb_x=1 nologin\n"
	    "near@x.test|{PLAIN}pw|allow_nets=192.0.2.0/24\n"
	    "far@x.test|{PLAIN}pw|allow_nets=10.0.0.0/8\n";
	struct talk t;

	talk_open(&t, accounts);
	t.auth.penalty.first_ms = t.auth.penalty.last_ms = 1000;
	for (size_t i = 0; i < LEN(cases); i++) {
		uint64_t before = now_mono_ms();
		bool ok = cases[i].result == WIRE_VERIFY_OK;

		ask(&t, WIRE_SERVICE_IMAP, cases[i].authzid, cases[i].user,
		    cases[i].password);
		CHECK(t.result == cases[i].result, "%zu", i);
		CHECK(t.ticket == (ok ? WIRE_TICKET : 0), "%zu", i);
		CHECK(ok || now_mono_ms() - before >= 990, "%zu", i);
		CHECK(!ok || now_mono_ms() - before < 990, "%zu", i);
	}
	ask(&t, WIRE_SERVICE_SMTP, "", "U@X.TEST", "pw");
	CHECK(t.result == WIRE_VERIFY_OK && t.ticket == 0, " ");
	CHECK(strcmp(t.user, "u@x.test") == 0, "%s", t.user);
	talk_close(&t);
}

#define OK WIRE_VERIFY_OK
#define DENIED WIRE_VERIFY_DENIED
#define FORBIDDEN WIRE_VERIFY_FORBIDDEN

TEST(masters_open_the_mailboxes_of_others)
{
	static const struct {
		const char *authzid, *user, *password, *to, *master;
		enum wire_verify_result result;
	} cases[] = {
		{ "", "u@x.test*adm", "secret", "u@x.test", "adm", OK },
		{ "", "U@x.test*ADM", "secret", "u@x.test", "adm", OK },
		{ "u@x.test", "u@x.test*adm", "secret", "u@x.test", "adm",
		    OK },
		{ "u@x.test", "adm", "secret", "u@x.test", "adm", OK },
		{ "", "u*v@x.test", "pw", "u*v@x.test", "", OK },
		{ "", "u*v@x.test*adm", "secret", "u*v@x.test", "adm", OK },
		{ "", "u@x.test*adm", "pw", "u@x.test", "adm", DENIED },
		{ "", "z@x.test*adm", "secret", "z@x.test", "adm", FORBIDDEN },
		{ "", "z@x.test*adm", "pw", "z@x.test", "adm", DENIED },
		{ "", "off@x.test*adm", "secret", "off@x.test", "adm",
		    FORBIDDEN },
		{ "", "u@x.test*nobody", "secret", "u@x.test", "nobody",
		    DENIED },
		{ "", "u@x.test*off", "secret", "u@x.test", "off", DENIED },
		{ "", "u@x.test*", "pw", "u@x.test*", "", DENIED },
		{ "", "adm", "secret", "adm", "", DENIED },
		{ "v@x.test", "u@x.test*adm", "secret", "u@x.test", "adm",
		    FORBIDDEN },
		{ "u@x.test", "nobody", "secret", "nobody", "", DENIED },
	};
	struct slice masters = S("adm|{PLAIN}secret\n"
	    "off|{PLAIN}secret|nologin\n");
	struct talk t;

	talk_open(&t, "u@x.test|{PLAIN}pw\nv@x.test|{PLAIN}pw\n"
	    "u*v@x.test|{PLAIN}pw\noff@x.test|{PLAIN}pw|nologin\n");
	CHECK(conf_masters_parse(&t.auth.masters, "f", masters, NULL) == 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		ask(&t, WIRE_SERVICE_IMAP, cases[i].authzid, cases[i].user,
		    cases[i].password);
		CHECK(t.result == cases[i].result, "%zu %u", i, t.result);
		CHECK(strcmp(t.user, cases[i].to) == 0, "%zu %s", i, t.user);
		CHECK(strcmp(t.master, cases[i].master) == 0, "%zu %s", i,
		    t.master);
	}
	talk_close(&t);
}

TESTS(
	T(networks_of_an_account),
	T(logins_are_accepted_and_refused),
	T(masters_open_the_mailboxes_of_others)
)
