// part: services/smtp
#include "check.h"

#include "services/smtp/command.h"

/* Where a client can be when it sends a command. */
static const enum session_state reading[] = { SMTP_NEW, SMTP_IDLE, SMTP_MAIL,
	SMTP_RCPT, SMTP_BDAT };

static bool
accepts(const char *verb, enum session_state state)
{
	const struct command *c = command_find(slice_str(verb));

	return c != NULL && (c->accepted & 1u << state) != 0;
}

TEST(command_order_is_that_of_the_rfc)
{
	static const struct {
		const char *verb;
		unsigned states;
	} want[] = {
		{ "MAIL", IN(IDLE) },
		{ "RCPT", IN(MAIL) | IN(RCPT) },
		{ "DATA", IN(RCPT) },
		{ "BDAT", IN(RCPT) | IN(BDAT) },
		{ "STARTTLS", IN(IDLE) },
		{ "AUTH", IN(IDLE) },
		{ "EHLO", IN(NEW) | IN(IDLE) | IN(MAIL) | IN(RCPT) | IN(BDAT) },
		{ "QUIT", IN(NEW) | IN(IDLE) | IN(MAIL) | IN(RCPT) | IN(BDAT) },
	};

	for (size_t i = 0; i < LEN(want); i++)
		for (size_t k = 0; k < LEN(reading); k++)
			CHECK(accepts(want[i].verb, reading[k]) ==
			    ((want[i].states & 1u << reading[k]) != 0),
			    "%s in %s", want[i].verb,
			    session_state_name(reading[k]));
}

TEST(command_is_never_accepted_where_no_line_is_read)
{
	static const char *const verbs[] = { "MAIL", "RCPT", "DATA", "BDAT",
		"EHLO", "HELO", "STARTTLS", "AUTH", "RSET", "NOOP", "QUIT",
		"VRFY", "EXPN", "HELP" };
	static const enum session_state other[] = { SMTP_OPENING, SMTP_AUTH,
		SMTP_DATA, SMTP_CHUNK, SMTP_COMMIT, SMTP_CLOSED };

	for (size_t i = 0; i < LEN(verbs); i++)
		for (size_t k = 0; k < LEN(other); k++)
			CHECK(!accepts(verbs[i], other[k]), "%s in %s",
			    verbs[i], session_state_name(other[k]));
}

/* A refusal that has no words would be a crash. */
TEST(command_has_a_reply_wherever_it_is_refused)
{
	static const char *const verbs[] = { "MAIL", "RCPT", "DATA", "BDAT",
		"STARTTLS", "AUTH" };

	for (size_t i = 0; i < LEN(verbs); i++) {
		const struct command *c = command_find(slice_str(verbs[i]));

		CHECK(c != NULL);
		for (size_t k = 1; k < LEN(reading); k++) {
			if (c->accepted & 1u << reading[k])
				continue;
			if (c->accepted < 1u << reading[k])
				CHECK(c->late != NULL, "%s", c->verb);
			else if (reading[k] != SMTP_MAIL)
				CHECK(c->early != NULL, "%s", c->verb);
		}
	}
}

TEST(command_find_ignores_case_and_nothing_else)
{
	CHECK(command_find(S("eHlO")) != NULL);
	CHECK(command_find(S("EHLO")) == command_find(S("ehlo")));
	CHECK(command_find(S("EHL")) == NULL);
	CHECK(command_find(S("EHLO ")) == NULL);
	CHECK(command_find(S("")) == NULL);
}

TEST(command_keyword_forgives_blanks_behind_the_colon)
{
	struct slice a = S("from:<x>"), b = S("FROM:  <x>"), c = S("FROM <x>");

	CHECK(command_keyword(&a, S("FROM:")));
	CHECK_SLICE(a, "<x>");
	CHECK(command_keyword(&b, S("FROM:")));
	CHECK_SLICE(b, "<x>");
	CHECK(!command_keyword(&c, S("FROM:")));
}

TEST(session_leaves_clear_text_only_through_the_banner_state)
{
	for (unsigned from = 0; from < SMTP_STATES; from++) {
		CHECK(!session_may_move(SMTP_CLOSED, from));
		CHECK(from == SMTP_CLOSED ||
		    session_may_move(from, SMTP_CLOSED));
		/* Data is reached from an accepted recipient only. */
		CHECK(session_may_move(from, SMTP_DATA) == (from == SMTP_RCPT));
		CHECK(session_may_move(from, SMTP_CHUNK) ==
		    (from == SMTP_RCPT || from == SMTP_BDAT));
		CHECK(session_may_move(from, SMTP_COMMIT) ==
		    (from == SMTP_DATA || from == SMTP_CHUNK));
		CHECK(session_may_move(SMTP_OPENING, from) ==
		    (from == SMTP_NEW || from == SMTP_CLOSED));
	}
}

TEST(auth_plain_needs_three_parts)
{
	struct slice authzid, user, password;

	CHECK(auth_plain_parse(slice_of("\0u\0p", 4), &authzid, &user,
	    &password) == 0);
	CHECK_SLICE(user, "u");
	CHECK_SLICE(password, "p");
	CHECK(authzid.n == 0);
	CHECK(auth_plain_parse(slice_of("z\0u\0p", 5), &authzid, &user,
	    &password) == 0);
	CHECK_SLICE(authzid, "z");
	CHECK(auth_plain_parse(slice_of("\0\0p", 3), &authzid, &user,
	    &password) == -1);
	CHECK(auth_plain_parse(slice_of("\0u\0", 3), &authzid, &user,
	    &password) == -1);
	CHECK(auth_plain_parse(slice_of("\0u", 2), &authzid, &user,
	    &password) == -1);
	CHECK(auth_plain_parse(S("u"), &authzid, &user, &password) == -1);
	CHECK(auth_plain_parse(S(""), &authzid, &user, &password) == -1);
	CHECK(auth_plain_parse(slice_of("\0u\0p\0x", 6), &authzid, &user,
	    &password) == -1);
}

static bool
trusts(const struct trust *t, const char *ip)
{
	union sockaddr_any a;

	CHECK(sockaddr_parse(&a, slice_str(ip), 0) == 0, "%s", ip);
	return trust_allows(t, &a);
}

TEST(trust_is_what_is_configured_and_never_the_gateway)
{
	struct trust t;

	CHECK(trust_init(&t, S(""), NULL) == 0);
	CHECK(!trusts(&t, "127.0.0.1") && !trusts(&t, "::1"));
	trust_release(&t);
	CHECK(trust_init(&t, S("172.16.0.0/12,10.1.2.3/32,fd00::/63,::1/128"),
	    NULL) == 0);
	CHECK(trusts(&t, "172.16.0.5") && trusts(&t, "172.31.255.255"));
	CHECK(!trusts(&t, "172.32.0.0") && !trusts(&t, "172.15.255.255"));
	CHECK(trusts(&t, "::ffff:172.16.0.5"));
	CHECK(trusts(&t, "10.1.2.3") && !trusts(&t, "10.1.2.4"));
	CHECK(trusts(&t, "fd00:0:0:1::9") && !trusts(&t, "fd00:0:0:2::9"));
	CHECK(trusts(&t, "::1") && !trusts(&t, "::2"));
	trust_routes_v4(&t, S("Iface\tDestination\tGateway \tFlags\n"
	    "eth0\t00000000\t010010AC\t0003\t0\t0\t0\t00000000\n"
	    "eth0\t000010AC\t050010AC\t0001\t0\t0\t0\t0000FFFF\n"));
	CHECK(!trusts(&t, "172.16.0.1") && !trusts(&t, "::ffff:172.16.0.1"));
	CHECK(trusts(&t, "172.16.0.5"));
	trust_routes_v6(&t, S("00000000000000000000000000000000 00 "
	    "00000000000000000000000000000000 00 "
	    "fd000000000000000000000000000001 00000400 00000001 eth0\n"));
	CHECK(!trusts(&t, "fd00::1") && trusts(&t, "fd00::2"));
	trust_release(&t);
}

TEST(trust_refuses_networks_that_are_none)
{
	static const char *const bad[] = { "x", "1.2.3.4", "1.2.3.4/33",
		"::1/129", "1.2.3/8", "1.2.3.4/8,x/1" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct trust t;

		CHECK(trust_init(&t, slice_str(bad[i]), NULL) == -1, "%s",
		    bad[i]);
		trust_release(&t);
	}
}

TEST(rdns_asks_for_the_reversed_address)
{
	static const unsigned char v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct buf b = BUF_INIT(128);

	rdns_question(&b, (const unsigned char[]){ 192, 0, 2, 1 }, 4);
	CHECK_SLICE(buf_slice(&b), "1.2.0.192.in-addr.arpa");
	buf_clear(&b);
	rdns_question(&b, v6, 16);
	CHECK_SLICE(buf_slice(&b), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	buf_release(&b);
}

TESTS(T(command_order_is_that_of_the_rfc),
    T(command_is_never_accepted_where_no_line_is_read),
    T(command_has_a_reply_wherever_it_is_refused),
    T(command_find_ignores_case_and_nothing_else),
    T(command_keyword_forgives_blanks_behind_the_colon),
    T(session_leaves_clear_text_only_through_the_banner_state),
    T(auth_plain_needs_three_parts),
    T(trust_is_what_is_configured_and_never_the_gateway),
    T(trust_refuses_networks_that_are_none),
    T(rdns_asks_for_the_reversed_address))
