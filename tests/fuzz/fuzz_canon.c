/* The canonicalizer of header fields (RFC 6376 3.4.1, 3.4.2): simple changes
 * nothing, relaxed is the same when it is done twice and has no line ends and
 * no two blanks. That of bodies is in fuzz_dkim. */
#include "msgauth/canon.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf simple = BUF_INIT(1 << 20), relaxed = BUF_INIT(1 << 20);
	struct buf twice = BUF_INIT(1 << 20);
	struct slice raw = slice_of(p, n);

	if (n > 65536 || slice_find(raw, ':') <= 0)
		return 0;
	canon_field(&simple, false, raw);
	assert(slice_eq(buf_slice(&simple), raw));
	canon_field(&relaxed, true, raw);
	assert(relaxed.n <= n);
	assert(slice_find(slice_from(buf_slice(&relaxed),
	    (size_t)slice_find(buf_slice(&relaxed), ':')), '\t') == -1);
	canon_field(&twice, true, buf_slice(&relaxed));
	assert(slice_eq(buf_slice(&relaxed), buf_slice(&twice)));
	buf_release(&simple);
	buf_release(&relaxed);
	buf_release(&twice);
	return 0;
}
