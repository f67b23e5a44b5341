/* Mailbox names: whatever decodes, encodes back to exactly itself. */
#include "mail/mutf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n);
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);

	if (mutf7_decode(&a, in, NULL) == 0) {
		assert(slice_is_utf8(buf_slice(&a)));
		assert(mutf7_encode(&b, buf_slice(&a)) == 0);
		assert(slice_eq(buf_slice(&b), in));
	}
	buf_clear(&a);
	buf_clear(&b);
	if ((n == 0 || memchr(p, 0, n) == NULL) && mutf7_encode(&a, in) == 0) {
		assert(mutf7_decode(&b, buf_slice(&a), NULL) == 0);
		assert(slice_eq(buf_slice(&b), in));
	}
	buf_release(&a);
	buf_release(&b);
	return 0;
}
