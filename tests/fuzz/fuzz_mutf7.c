/*
 * Mailbox names: whatever decodes, encodes back to exactly itself; what is
 * normalized stays as it is.
 */
#include "mail/mutf7.h"
#include "mail/nfc.h"

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
	buf_clear(&a);
	buf_clear(&b);
	if (slice_is_utf8(in)) {
		nfc_put(&a, in);
		assert(slice_is_utf8(buf_slice(&a)));
		nfc_put(&b, buf_slice(&a));
		/* A run that is cut may go on composing. */
		assert(n > 64 || slice_eq(buf_slice(&a), buf_slice(&b)));
	}
	buf_release(&a);
	buf_release(&b);
	return 0;
}
