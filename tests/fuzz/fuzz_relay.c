// part: services/relay
/*
 * What another mail server answers: replies in pieces are the replies of the
 * whole, and what is taken from them keeps its form. The first byte is the
 * size of the pieces.
 */
#include "services/relay/ehlo.h"
#include "services/relay/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
look_at(const struct reply *r)
{
	char enhanced[REPLY_ENHANCED], line[200];
	struct ehlo e;

	assert(r->code >= 200 && r->code <= 599);
	assert(r->text.n > 0 && r->text.p[r->text.n - 1] == '\n');
	reply_enhanced(r, enhanced);
	assert(enhanced[0] == (char)('0' + r->code / 100) &&
	    enhanced[1] == '.' && strlen(enhanced) < REPLY_ENHANCED);
	for (size_t size = 5; size <= sizeof(line); size += 39) {
		reply_line(r, line, size);
		assert(strlen(line) < size && strchr(line, '\n') == NULL);
		assert(slice_is_utf8(slice_str(line)));
	}
	ehlo_parse(&e, buf_slice(&r->text));
	assert(e.size || e.size_max == 0);
}

/* Appends code and text of every reply. */
static void
read_all(struct slice in, size_t step, struct buf *out)
{
	enum reply_state state = REPLY_MORE;
	size_t used = 0, there = 0;
	struct reply r;

	reply_init(&r);
	while (state != REPLY_BAD && (there < in.n || state == REPLY_DONE)) {
		/* Only when all that is there was looked at comes more. */
		if (state == REPLY_MORE)
			there = in.n - there > step ? there + step : in.n;
		char *piece = mem_dup(in.p + used, there - used);
		size_t got = reply_feed(&r, slice_of(piece, there - used),
		    &state);

		assert(got <= there - used);
		used += got;
		mem_free(piece);
		if (state != REPLY_DONE)
			continue;
		look_at(&r);
		buf_addf(out, "%u ", r.code);
		buf_add_slice(out, buf_slice(&r.text));
	}
	reply_release(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf whole = BUF_INIT(1 << 22), pieces = BUF_INIT(1 << 22);
	struct slice in;
	struct ehlo e;

	if (n == 0)
		return 0;
	in = slice_of(p + 1, n - 1);
	read_all(in, in.n > 0 ? in.n : 1, &whole);
	read_all(in, p[0] % 64 + 1u, &pieces);
	assert(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	ehlo_parse(&e, in);
	buf_release(&whole);
	buf_release(&pieces);
	return 0;
}
