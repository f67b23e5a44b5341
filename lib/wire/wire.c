#include "wire/wire.h"

#include "core/num.h"

void
wire_put_u8(struct buf *b, uint8_t v)
{
	buf_addc(b, (char)v);
}

void
wire_put_u32(struct buf *b, uint32_t v)
{
	unsigned char p[4];

	num_be32_put(p, v);
	buf_add(b, p, sizeof(p));
}

void
wire_put_u64(struct buf *b, uint64_t v)
{
	wire_put_u32(b, (uint32_t)(v >> 32));
	wire_put_u32(b, (uint32_t)v);
}

void
wire_put_bool(struct buf *b, bool v)
{
	wire_put_u8(b, v ? 1 : 0);
}

void
wire_put_slice(struct buf *b, struct slice s)
{
	if (s.n > UINT32_MAX) {
		b->failed = true;
		return;
	}
	wire_put_u32(b, (uint32_t)s.n);
	buf_add_slice(b, s);
}

void
wire_put_str(struct buf *b, const char *s)
{
	wire_put_slice(b, slice_str(s));
}

/* The next n bytes, or NULL after marking the failure. */
static const unsigned char *
take(struct wire_in *in, size_t n)
{
	const unsigned char *p;

	if (in->failed || in->rest.n < n) {
		in->failed = true;
		return NULL;
	}
	p = (const unsigned char *)in->rest.p;
	in->rest = slice_from(in->rest, n);
	return p;
}

uint8_t
wire_get_u8(struct wire_in *in)
{
	const unsigned char *p = take(in, 1);

	return p != NULL ? *p : 0;
}

uint32_t
wire_get_u32(struct wire_in *in)
{
	const unsigned char *p = take(in, 4);

	return p != NULL ? num_be32(p) : 0;
}

uint64_t
wire_get_u64(struct wire_in *in)
{
	uint64_t high = wire_get_u32(in);

	return high << 32 | wire_get_u32(in);
}

bool
wire_get_bool(struct wire_in *in)
{
	return wire_get_enum(in, 2) == 1;
}

struct slice
wire_get_slice(struct wire_in *in, size_t max)
{
	uint32_t n = wire_get_u32(in);
	const unsigned char *p;

	if (n > max)
		in->failed = true;
	p = take(in, n);
	return p != NULL ? slice_of(p, n) : slice_of("", 0);
}

unsigned
wire_get_enum(struct wire_in *in, unsigned count)
{
	unsigned v = wire_get_u8(in);

	if (v >= count) {
		in->failed = true;
		return 0;
	}
	return v;
}

int
wire_end(const struct wire_in *in)
{
	return !in->failed && in->rest.n == 0 ? 0 : -1;
}
