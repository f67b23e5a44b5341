/* Base subjects and message ids: bounded, inside the input, stable. */
#include "core/limits.h"
#include "mail/msgid.h"
#include "mail/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try_ids(struct slice in)
{
	struct buf id = BUF_INIT(LIMIT_HEADER_BYTES);
	size_t before = in.n;

	while (msgid_next(&in, &id)) {
		assert(in.n < before);
		before = in.n;
		assert(slice_rfind(buf_slice(&id), '@') > 0);
	}
	buf_release(&id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n), base;
	struct buf out = BUF_INIT(LIMIT_HEADER_BYTES * 4);
	bool reply = false, again = false;

	subject_base(&out, in, &reply);
	assert(slice_is_utf8(buf_slice(&out)));
	base = subject_strip(buf_slice(&out), &again);
	/* Nothing is left that would be removed. */
	assert(base.n == out.n && !again);
	buf_release(&out);
	try_ids(in);
	return 0;
}
