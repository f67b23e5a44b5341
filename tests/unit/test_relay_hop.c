// part: services/relay
#include "services/relay/hop.h"

#include <sys/mman.h>

#include "core/file.h"
#include "services/relay/body.h"

#include "check.h"

TEST(hop_is_understood_in_all_spellings)
{
	static const struct {
		const char *in, *host;
		uint16_t port;
		bool mx, literal;
	} rows[] = {
		{ "example.test", "example.test", 0, true, false },
		{ "Example.TEST.", "example.test", 0, true, false },
		{ "example.test:587", "example.test", 587, true, false },
		{ "[mx.example.test]", "mx.example.test", 0, false, false },
		{ "[mx.example.test]:2525", "mx.example.test", 2525, false, false },
		{ "[192.0.2.1]", "192.0.2.1", 0, false, true },
		{ "[192.0.2.1]:25", "192.0.2.1", 25, false, true },
		{ "[IPv6:2001:db8::1]", "2001:db8::1", 0, false, true },
		{ "[2001:db8::1]:465", "2001:db8::1", 465, false, true },
		{ "m\xc3\xbcnchen.test", "xn--mnchen-3ya.test", 0, true, false },
	};
	const char *why = NULL;
	struct hop h;

	for (size_t i = 0; i < LEN(rows); i++) {
		CHECK(hop_parse(&h, slice_str(rows[i].in), &why) == 0, "%s: %s",
		    rows[i].in, why);
		CHECK(strcmp(h.host, rows[i].host) == 0, "%s: %s", rows[i].in,
		    h.host);
		CHECK(h.port == rows[i].port && h.mx == rows[i].mx &&
		    h.literal == rows[i].literal, "%s", rows[i].in);
	}
}

TEST(hop_refuses_what_is_no_host)
{
	static const char *const bad[] = { "", ".", "a..b", ".a", "a b", "[", "[]",
		"[a", "[a]b", "[a]:", "[a]:0", "[a]:65536", "a:", "a:x", "a/b",
		"a\r\nb", "a<b", "[IPv6:zz]" };
	const char *why;
	struct hop h;

	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(hop_parse(&h, slice_str(bad[i]), &why) == -1, "%s",
		    bad[i]);
}

struct records {
	struct wire_dns_answer a;
	struct buf bytes[LIMIT_DNS_ANSWERS];
};

static void
add_mx(struct records *r, uint16_t preference, const char *host)
{
	struct buf *b = &r->bytes[r->a.count];
	struct slice rest = slice_str(host), label;

	buf_init(b, 300);
	buf_addc(b, (char)(preference >> 8));
	buf_addc(b, (char)preference);
	while (slice_split(&rest, '.', &label)) {
		buf_addc(b, (char)label.n);
		buf_add_slice(b, label);
	}
	buf_addc(b, '\0');
	r->a.rdata[r->a.count++] = buf_slice(b);
}

static void
records_release(struct records *r)
{
	for (uint32_t i = 0; i < r->a.count; i++)
		buf_release(&r->bytes[i]);
}

TEST(mx_order_is_by_preference_and_random_among_equals)
{
	unsigned first_a = 0;

	for (int round = 0; round < 200; round++) {
		struct records r = { 0 };
		struct mx_list l;

		add_mx(&r, 20, "c.test");
		add_mx(&r, 10, "a.test");
		add_mx(&r, 300, "d.test");
		add_mx(&r, 10, "b.test");
		mx_list_set(&l, &r.a, "we.test");
		CHECK(l.n == 4 && !l.null_mx && !l.self);
		CHECK(l.mx[0].preference == 10 && l.mx[1].preference == 10);
		CHECK(strcmp(l.mx[2].host, "c.test") == 0);
		CHECK(strcmp(l.mx[3].host, "d.test") == 0);
		first_a += strcmp(l.mx[0].host, "a.test") == 0;
		records_release(&r);
	}
	CHECK(first_a > 50 && first_a < 150, "%u", first_a);
}

TEST(mx_list_drops_ourselves_and_worse)
{
	static const struct {
		uint16_t ours;
		size_t left;
	} rows[] = { { 5, 0 }, { 10, 0 }, { 20, 1 }, { 30, 2 } };

	for (size_t i = 0; i < LEN(rows); i++) {
		struct records r = { 0 };
		struct mx_list l;

		add_mx(&r, 20, "b.test");
		add_mx(&r, rows[i].ours, "WE.test");
		add_mx(&r, 10, "a.test");
		mx_list_set(&l, &r.a, "we.test");
		CHECK(l.self && l.n == rows[i].left, "%u: %zu", rows[i].ours,
		    l.n);
		records_release(&r);
	}
}

TEST(mx_list_knows_null_mx_only_when_alone)
{
	struct records r = { 0 };
	struct mx_list l;

	add_mx(&r, 0, "");
	mx_list_set(&l, &r.a, "we.test");
	CHECK(l.null_mx && l.n == 0);
	add_mx(&r, 10, "a.test");
	mx_list_set(&l, &r.a, "we.test");
	CHECK(!l.null_mx && l.n == 1);
	records_release(&r);
}

TEST(mx_list_is_bounded_and_skips_garbage)
{
	struct records r = { 0 };
	struct mx_list l;
	char host[20];

	for (uint16_t i = 0; i < 40; i++) {
		snprintf(host, sizeof(host), "m%u.test", i);
		add_mx(&r, i, host);
	}
	r.a.rdata[r.a.count++] = S("\0");
	r.a.rdata[r.a.count++] = S("\0\x01\x05" "ab");
	mx_list_set(&l, &r.a, "we.test");
	CHECK(l.n == HOP_MX && strcmp(l.mx[9].host, "m9.test") == 0);
	r.a.count -= 2;
	records_release(&r);
}

TEST(addresses_take_turns_between_families)
{
	struct wire_dns_answer v6 = { .count = 1 }, v4 = { .count = 4 };
	union sockaddr_any out[HOP_ADDRESSES];
	char text[SOCKADDR_TEXT];
	static const char *const want[] = { "2001:db8::1", "192.0.2.1",
		"192.0.2.2" };

	v6.rdata[0] = S("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
	v4.rdata[0] = S("\xc0\0\x02\x01");
	v4.rdata[1] = S("\xc0\0\x02");     /* broken */
	v4.rdata[2] = S("\xc0\0\x02\x02");
	v4.rdata[3] = S("\0\0\0\0");       /* this host */
	CHECK(hop_addresses(out, &v6, &v4, 25) == LEN(want));
	for (size_t i = 0; i < LEN(want); i++) {
		CHECK(strcmp(sockaddr_ip(&out[i], text), want[i]) == 0, "%s",
		    text);
		CHECK(sockaddr_port(&out[i]) == 25);
	}
	CHECK(hop_addresses(out, NULL, &v4, 25) == 2);
	CHECK(hop_addresses(out, NULL, NULL, 25) == 0);
}

/* What body makes of text with an edit, and that the size is right. */
static void
run_body(const char *text, const struct wire_edit *e, struct buf *out)
{
	int fd = memfd_create("body", MFD_CLOEXEC), r;
	struct body b;

	CHECK(fd != -1 && file_write_all(fd, text, strlen(text)) == 0);
	body_init(&b, fd, strlen(text), e);
	while ((r = body_next(&b, out)) == 1)
		continue;
	CHECK(r == 0 && buf_ok(out));
	close(fd);
}

TEST(body_is_stuffed_and_ends_every_line)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "a\r\n", "a\r\n" },
		{ "", "" },
		{ "a", "a\r\n" },
		{ "a\r", "a\r\n" },
		{ ".\r\n", "..\r\n" },
		{ "..\r\n.a\r\na.\r\n", "...\r\n..a\r\na.\r\n" },
		{ "a\n.\nb\r\n", "a\r\n..\r\nb\r\n" },
		{ "a\r.\rb\r\n", "a\r\n..\r\nb\r\n" },
		{ "a\r\r\n", "a\r\n\r\n" },
		{ "\r\n\r\n", "\r\n\r\n" },
	};
	static const struct wire_edit none;

	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf out = BUF_INIT(1000);

		run_body(rows[i].in, &none, &out);
		CHECK_SLICE(buf_slice(&out), rows[i].want);
		buf_release(&out);
	}
}

TEST(body_applies_the_edit)
{
	static const struct wire_edit e = {
		.prefix = { "P: 1\r\n", 6 },
		.count = 3,
		.cuts = { { 0, 6 }, { 12, 18 }, { 30, 99 } },
	};
	const char *text = "A: 11\r\nB: 2\r\nC: 3\r\n\r\n.text\r\n";
	struct buf out = BUF_INIT(1000);
	struct body b;

	static const struct wire_edit e2 = {
		.prefix = { "P: 1\r\n", 6 },
		.count = 1,
		.cuts = { { 7, 13 } },
	};

	run_body(text, &e2, &out);
	CHECK_SLICE(buf_slice(&out),
	    "P: 1\r\nA: 11\r\nC: 3\r\n\r\n..text\r\n");
	body_init(&b, -1, strlen(text), &e2);
	CHECK(body_size(&b) == strlen(text) + 6 - 6);
	body_init(&b, -1, 40, &e);
	CHECK(body_size(&b) == 40 + 6 - 6 - 6 - 10, "%llu",
	    (unsigned long long)body_size(&b));
	buf_release(&out);
}

TEST(body_of_any_size_survives_piece_borders)
{
	static const struct wire_edit none;
	struct buf in = BUF_INIT(200000), out = BUF_INIT(300000);
	struct buf want = BUF_INIT(300000);

	for (int i = 0; i < 9000; i++) {
		buf_adds(&in, ".x\r\n.\r\n");
		buf_adds(&want, "..x\r\n..\r\n");
		if (i % 7 == 0) {
			buf_adds(&in, "y");
			buf_adds(&want, "y");
			buf_adds(&in, "\r\n");
			buf_adds(&want, "\r\n");
		}
	}
	run_body(buf_str(&in), &none, &out);
	CHECK(slice_eq(buf_slice(&out), buf_slice(&want)));
	buf_release(&in);
	buf_release(&out);
	buf_release(&want);
}

TEST(body_refuses_a_file_shorter_than_announced)
{
	static const struct wire_edit none;
	int fd = memfd_create("body", MFD_CLOEXEC);
	struct buf out = BUF_INIT(1000);
	struct body b;
	int r;

	CHECK(file_write_all(fd, "abc", 3) == 0);
	body_init(&b, fd, 10, &none);
	while ((r = body_next(&b, &out)) == 1)
		continue;
	CHECK(r == -1);
	close(fd);
	buf_release(&out);
}

TEST(body_scan_tells_header_from_text)
{
	static const struct {
		const char *in;
		int want;
	} rows[] = {
		{ "A: b\r\n\r\ntext\r\n", 0 },
		{ "A: \xc3\xa4\r\n\r\ntext\r\n", BODY_8BIT_HEADER },
		{ "A: b\r\n\r\nt\xc3\xa4xt\r\n", BODY_8BIT_TEXT },
		{ "A: \xc3\xa4\r\n\r\n\xff", BODY_8BIT_HEADER | BODY_8BIT_TEXT },
		{ "\r\n\xff", BODY_8BIT_TEXT },
		{ "A: \xff", BODY_8BIT_HEADER },
	};
	static const struct wire_edit none;

	for (size_t i = 0; i < LEN(rows); i++) {
		int fd = memfd_create("body", MFD_CLOEXEC);
		struct body b;

		CHECK(file_write_all(fd, rows[i].in, strlen(rows[i].in)) == 0);
		body_init(&b, fd, strlen(rows[i].in), &none);
		CHECK(body_scan(&b) == rows[i].want, "%zu", i);
		close(fd);
	}
}

TESTS(T(hop_is_understood_in_all_spellings), T(hop_refuses_what_is_no_host),
    T(mx_order_is_by_preference_and_random_among_equals),
    T(mx_list_drops_ourselves_and_worse),
    T(mx_list_knows_null_mx_only_when_alone),
    T(mx_list_is_bounded_and_skips_garbage),
    T(addresses_take_turns_between_families),
    T(body_is_stuffed_and_ends_every_line), T(body_applies_the_edit),
    T(body_of_any_size_survives_piece_borders),
    T(body_refuses_a_file_shorter_than_announced),
    T(body_scan_tells_header_from_text))
