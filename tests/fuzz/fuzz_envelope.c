// part: services/queue
/*
 * What is behind a message in the spool. A changed record does not pass its
 * checksum, so the input is records without one: a byte for the type, two for
 * the length, the payload. Then the bytes as they are, cut anywhere.
 */
#include "core/num.h"
#include "services/queue/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint32_t
sum(uint32_t s, const unsigned char *p, size_t n)
{
	while (n-- > 0)
		s = (s ^ *p++) * 16777619u;
	return s;
}

/* Takes a record from *in and appends it with its head; false at the end. */
static bool
seal(struct slice *in, struct buf *out)
{
	const unsigned char *at = (const unsigned char *)in->p;
	unsigned char head[ENVELOPE_RECORD_HEAD] = { 'P', 'b', 'Q', '1' };
	size_t n;

	if (in->n < 3)
		return false;
	n = (size_t)at[1] << 8 | at[2];
	if (n > in->n - 3)
		n = in->n - 3;
	num_be32_put(head + 4, at[0]);
	num_be32_put(head + 8, (uint32_t)n);
	num_be32_put(head + 12,
	    sum(sum(2166136261u, head + 4, 8), at + 3, n));
	buf_add(out, head, sizeof(head));
	buf_add(out, at + 3, n);
	*in = slice_from(*in, 3 + n);
	return true;
}

static void
same(const struct recipient *a, const struct recipient *b)
{
	assert(a->kind == b->kind && a->state == b->state);
	assert(a->notify == b->notify && a->owed == b->owed);
	assert(slice_eq(a->address, b->address));
	assert(slice_eq(a->orig, b->orig) && slice_eq(a->orcpt, b->orcpt));
	assert((a->reply != NULL) == (b->reply != NULL));
	if (a->reply != NULL)
		assert(!recipient_reply_differs(a, b->reply->enhanced,
		    b->reply->text));
}

/* What was read can be written, and is the same again. */
static void
again(const struct envelope *e)
{
	static const struct wire_edit edit = { .count = 0 };
	struct buf b = BUF_INIT(ENVELOPE_MAX);
	struct envelope copy;
	uint32_t edit_size;

	envelope_write(&b, e, &edit);
	envelope_init(&copy);
	assert(buf_ok(&b));
	assert(envelope_read(&copy, buf_slice(&b), &edit_size, NULL) ==
	    (ssize_t)b.n);
	assert(copy.n == e->n && copy.flags == e->flags &&
	    copy.hold == e->hold && slice_eq(copy.sender, e->sender));
	for (uint32_t i = 0; i < e->n; i++)
		same(&e->rcpt[i], &copy.rcpt[i]);
	envelope_release(&copy);
	buf_release(&b);
}

static void
try(struct slice tail)
{
	/* A copy of its own size: reading past the end is seen. */
	char *own = mem_dup(tail.p, tail.n);
	const char *why = NULL;
	struct wire_edit edit;
	struct envelope e;
	uint32_t edit_size = 0;
	ssize_t r;

	envelope_init(&e);
	r = envelope_read(&e, slice_of(own, tail.n), &edit_size, &why);
	assert(r <= (ssize_t)tail.n);
	if (r == -1) {
		assert(why != NULL);
	} else {
		assert(e.n > 0 && e.n <= ENVELOPE_RECIPIENTS);
		assert(edit_size <= (size_t)r);
		if (envelope_read_edit(&edit, slice_of(own, edit_size)) == 0)
			assert(edit.count <= WIRE_CUTS);
		again(&e);
	}
	envelope_release(&e);
	mem_free(own);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n);
	struct buf b = BUF_INIT(1 << 20);

	while (seal(&in, &b))
		continue;
	if (buf_ok(&b)) {
		try(buf_slice(&b));
		if (n > 0)
			try(slice_head(buf_slice(&b), b.n * p[n - 1] / 256));
	}
	try(slice_of(p, n));
	buf_release(&b);
	return 0;
}
