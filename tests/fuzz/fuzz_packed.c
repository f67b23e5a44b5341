/* Compressed messages: whatever comes out stays below the maximum. */
#include "store/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text = slice_of(p, n);
	struct buf out = BUF_INIT(1 << 20);

	if (body_unpack(body_kind(text), text, &out) == 0)
		assert(out.n <= 1 << 20);
	buf_release(&out);
	return 0;
}
