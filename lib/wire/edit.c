#include "wire/edit.h"

void
wire_edit_put(struct buf *b, const struct wire_edit *e)
{
	wire_put_slice(b, e->prefix);
	wire_put_u32(b, e->count);
	for (uint32_t i = 0; i < e->count; i++) {
		wire_put_u64(b, e->cuts[i].start);
		wire_put_u64(b, e->cuts[i].end);
	}
}

void
wire_edit_get(struct wire_in *in, struct wire_edit *e)
{
	uint64_t at = 0;

	e->prefix = wire_get_slice(in, WIRE_PREFIX);
	e->count = wire_get_u32(in);
	if (e->count > WIRE_CUTS) {
		in->failed = true;
		e->count = 0;
	}
	for (uint32_t i = 0; i < e->count; i++) {
		struct wire_cut *c = &e->cuts[i];

		c->start = wire_get_u64(in);
		c->end = wire_get_u64(in);
		if (c->start < at || c->end <= c->start || c->end > INT64_MAX)
			in->failed = true;
		at = c->end;
	}
	if (in->failed)
		e->count = 0;
}
