/* Paths, configured addresses, address lists, trace fields. */
#include "mail/addr.h"
#include "mail/address_list.h"
#include "mail/authres.h"
#include "mail/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What was accepted formats to something that is accepted and equal. */
static void
check_round_trip(const struct addr *a)
{
	struct buf text = BUF_INIT(1024);
	struct slice rest;
	struct addr again;

	addr_format_path(&text, a);
	assert(buf_ok(&text));
	for (size_t i = 0; i < text.n; i++)
		assert((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f);
	rest = buf_slice(&text);
	/* Quoting anew can only shorten a local part, so it stays legal. */
	assert(addr_parse_path(&rest, ADDR_UTF8 | ADDR_NULL | ADDR_POSTMASTER,
	    &again, NULL) == 0);
	assert(rest.n == 0 && addr_ieq(a, &again));
	buf_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n), rest = in;
	struct arena arena = ARENA_INIT;
	struct buf out = BUF_INIT(1 << 22);
	struct trace_received r = { .helo = in, .rdns = in, .ip = in,
		.rcpt = in, .login = in, .by = S("mx.test"), .id = in };
	struct address_list list;
	struct addr a;

	if (addr_parse_path(&rest, ADDR_UTF8 | ADDR_NULL | ADDR_POSTMASTER, &a,
	    NULL) == 0)
		check_round_trip(&a);
	if (addr_parse(in, ADDR_UTF8, &a, NULL) == 0)
		check_round_trip(&a);
	address_list_parse(&arena, in, &list);
	for (size_t i = 0; i < list.n; i++)
		address_format(&out, &list.v[i]);
	trace_received(&out, &r);
	trace_return_path(&out, in);
	authres_is_ours(in, S("mx.test"));
	buf_release(&out);
	arena_release(&arena);
	return 0;
}
