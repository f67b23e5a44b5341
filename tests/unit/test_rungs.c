#include "dns/rungs.h"

#include "check.h"

TEST(rungs_reads_resolv_conf)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "nameserver 192.0.2.1\n", "192.0.2.1" },
		{ "# nameserver 192.0.2.9\nsearch a.test\n"
		  "nameserver\t::1 \nnameserver fe80::1%eth0\noptions edns0\n",
		  "::1,fe80::1%eth0" },
		{ "nameserver\nnameserver x.test\nnameservers 192.0.2.1\n"
		  "nameserver 192.0.2.300\n", "" },
		{ "nameserver fe80::1%\nnameserver fe80::1%a,b\n"
		  "nameserver fe80::1%a\001\nnameserver ::1%0123456789abcdef\n"
		  "nameserver fe80::1%br-0.1_x\n", "fe80::1%br-0.1_x" },
		{ "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
		  "nameserver 192.0.2.3\nnameserver 192.0.2.4\n",
		  "192.0.2.1,192.0.2.2,192.0.2.3" },
	};

	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf list = BUF_INIT(256);

		rungs_resolv_conf(slice_str(rows[i].text), &list);
		CHECK_SLICE(buf_slice(&list), rows[i].want);
		buf_release(&list);
	}
}

TEST(rungs_reads_no_address_past_a_nul)
{
	struct buf list = BUF_INIT(256);

	rungs_resolv_conf(S("nameserver ::1\0x,y\n"), &list);
	CHECK(list.n == 0);
	buf_release(&list);
}

TEST(rungs_lead_from_the_setting_to_less)
{
	const char *why = NULL;
	struct rungs r;

	CHECK(rungs_init(&r, "192.0.2.1@53", true, false, &why) == 0);
	CHECK(r.n == 2 && r.fallback == 1 && r.list[0].validate &&
	    !r.list[1].validate && r.list[0].dns == r.list[1].dns);
	rungs_release(&r);
	CHECK(rungs_init(&r, "192.0.2.1@53", true, true, &why) == 0);
	CHECK(r.n == 1 && r.list[0].validate);
	rungs_release(&r);
	CHECK(rungs_init(&r, "192.0.2.1@53", false, false, &why) == 0);
	CHECK(r.n == 1 && !r.list[0].validate);
	rungs_release(&r);
	CHECK(rungs_init(&r, "recurse", true, false, &why) == 0);
	CHECK(r.fallback == 0 && strcmp(r.list[0].dns, "recurse") == 0);
	CHECK(r.n == (r.system != NULL ? 3 : 1));
	rungs_release(&r);
}

TEST(rungs_holds_when_the_root_is_known)
{
	struct wire_dns_answer a = { .status = WIRE_DNS_OK };
	struct rung sure = { "192.0.2.1", true, false };
	struct rung plain = { "192.0.2.1", false, false };

	CHECK(!rung_holds(&sure, &a) && rung_holds(&plain, &a));
	a.secure = true;
	CHECK(rung_holds(&sure, &a));
	a = (struct wire_dns_answer){ .status = WIRE_DNS_NXDOMAIN };
	CHECK(!rung_holds(&sure, &a) && rung_holds(&plain, &a));
	a.status = WIRE_DNS_SERVFAIL;
	CHECK(!rung_holds(&sure, &a) && !rung_holds(&plain, &a));
	a.status = WIRE_DNS_BOGUS;
	CHECK(!rung_holds(&sure, &a) && !rung_holds(&plain, &a));
}

TESTS(T(rungs_reads_resolv_conf),
    T(rungs_reads_no_address_past_a_nul),
    T(rungs_lead_from_the_setting_to_less),
    T(rungs_holds_when_the_root_is_known))
