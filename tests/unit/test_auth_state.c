// part: services/auth
#include "services/auth/cache.h"
#include "services/auth/penalty.h"
#include "services/auth/tickets.h"

#include "check.h"

#include "core/limits.h"

TEST(refusals_get_slower_and_are_forgotten)
{
	struct penalty p;
	struct slice ip = S("192.0.2.1");

	penalty_init(&p);
	CHECK(penalty_delay(&p, 1) == 2000, " ");
	CHECK(penalty_delay(&p, 3) == 8000, " ");
	CHECK(penalty_delay(&p, 4) == 15000, " ");
	CHECK(penalty_delay(&p, 1000) == 15000, " ");
	CHECK(penalty_add(&p, ip, 1000) == 1, " ");
	CHECK(penalty_add(&p, ip, 2000) == 2, " ");
	CHECK(penalty_add(&p, S("192.0.2.2"), 2000) == 1, " ");
	CHECK(penalty_add(&p, S("::ffff:192.0.2.1"), 3000) == 3, " ");
	CHECK(penalty_add(&p, ip, 3000 + 240000) == 2, " ");
	CHECK(penalty_add(&p, ip, 3000 + 10000000) == 1, " ");
	penalty_add(&p, ip, 3000 + 10000000);
	penalty_clear(&p, ip);
	CHECK(penalty_add(&p, ip, 3000 + 10000001) == 1, " ");
	penalty_release(&p);
}

TEST(ipv6_clients_are_counted_by_64)
{
	struct penalty p;

	penalty_init(&p);
	CHECK(penalty_add(&p, S("2001:db8::1"), 1) == 1, " ");
	CHECK(penalty_add(&p, S("2001:db8::ffff:1"), 2) == 2, " ");
	CHECK(penalty_add(&p, S("2001:db8:0:1::1"), 2) == 1, " ");
	CHECK(penalty_add(&p, S("nonsense"), 2) == 1, " ");
	CHECK(penalty_add(&p, S(""), 2) == 2, " ");
	penalty_release(&p);
}

TEST(counted_clients_are_bounded)
{
	struct penalty p;
	char ip[32];

	penalty_init(&p);
	for (unsigned i = 0; i < LIMIT_AUTH_CLIENTS + 100; i++) {
		snprintf(ip, sizeof(ip), "10.%u.%u.%u", i >> 16, i >> 8 & 255,
		    i & 255);
		penalty_add(&p, slice_str(ip), i);
	}
	CHECK(p.by_client.count == LIMIT_AUTH_CLIENTS, "%zu",
	    p.by_client.count);
	penalty_release(&p);
}

TEST(remembered_login_depends_on_every_part_and_expires)
{
	unsigned char tag[CACHE_TAG], other[CACHE_TAG];
	struct cache c;

	cache_init(&c);
	cache_tag(&c, S("u@x.test"), S("pw"), S("hash"), tag);
	CHECK(!cache_has(&c, tag, 0), " ");
	cache_add(&c, tag, 0);
	cache_add(&c, tag, 0);
	CHECK(cache_has(&c, tag, 599999), " ");
	cache_tag(&c, S("u@x.test"), S("pX"), S("hash"), other);
	CHECK(!cache_has(&c, other, 1), " ");
	cache_tag(&c, S("u@x.test"), S("pw"), S("hash2"), other);
	CHECK(!cache_has(&c, other, 1), " ");
	cache_tag(&c, S("u@x.testp"), S("w"), S("hash"), other);
	CHECK(!cache_has(&c, other, 1), " ");
	CHECK(!cache_has(&c, tag, 600000), " ");
	cache_add(&c, tag, 0);
	cache_clear(&c);
	CHECK(!cache_has(&c, tag, 1), " ");
	for (unsigned i = 0; i < LIMIT_AUTH_CACHE + 10; i++) {
		memcpy(tag, &i, sizeof(i));
		cache_add(&c, tag, 0);
	}
	CHECK(c.by_tag.count == LIMIT_AUTH_CACHE, " ");
	cache_release(&c);
}

TEST(ticket_works_once_and_for_a_minute)
{
	unsigned char k[WIRE_TICKET], k2[WIRE_TICKET];
	enum wire_auth_service service;
	struct buf user = BUF_INIT(100);
	struct tickets t;
	struct slice s = slice_of(k, sizeof(k));

	tickets_init(&t);
	CHECK(tickets_issue(&t, S("u@x.test"), WIRE_SERVICE_IMAP, 0, k) == 0,
	    " ");
	CHECK(tickets_issue(&t, S("v@x.test"), WIRE_SERVICE_IMAP, 0, k2) == 0,
	    " ");
	CHECK(tickets_redeem(&t, S("0123456789012345"), 1, &user,
	    &service) == -1, " ");
	CHECK(tickets_redeem(&t, slice_head(s, 15), 1, &user, &service) == -1,
	    " ");
	CHECK(tickets_redeem(&t, s, 59999, &user, &service) == 0, " ");
	CHECK_SLICE(buf_slice(&user), "u@x.test");
	CHECK(service == WIRE_SERVICE_IMAP, " ");
	CHECK(tickets_redeem(&t, s, 59999, &user, &service) == -1, " ");
	CHECK(tickets_redeem(&t, slice_of(k2, sizeof(k2)), 60000, &user,
	    &service) == -1, " ");
	buf_release(&user);
	for (unsigned i = 0; i < LIMIT_AUTH_TICKETS; i++)
		CHECK(tickets_issue(&t, S("u"), WIRE_SERVICE_IMAP, 0, k) == 0,
		    " ");
	CHECK(tickets_issue(&t, S("u"), WIRE_SERVICE_IMAP, 1, k) == -1, " ");
	CHECK(tickets_issue(&t, S("u"), WIRE_SERVICE_IMAP, 60000, k) == 0, " ");
	tickets_release(&t);
}

TESTS(
	T(refusals_get_slower_and_are_forgotten),
	T(ipv6_clients_are_counted_by_64),
	T(counted_clients_are_bounded),
	T(remembered_login_depends_on_every_part_and_expires),
	T(ticket_works_once_and_for_a_minute)
)
