/* Binary parts made base64 while a message comes in. */
#include "mail/unbinary.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
filter(struct slice in, size_t cut, struct buf *out)
{
	struct unbinary u;

	unbinary_init(&u);
	unbinary_feed(&u, slice_head(in, cut), out);
	unbinary_feed(&u, slice_from(in, cut), out);
	unbinary_end(&u, out);
	unbinary_release(&u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n);
	struct buf whole = BUF_INIT(2 * n + 1024);
	struct buf parts = BUF_INIT(2 * n + 1024);

	filter(in, n, &whole);
	filter(in, n > 0 ? p[n / 2] % n : 0, &parts);
	assert(buf_ok(&whole) && buf_ok(&parts));
	assert(slice_eq(buf_slice(&whole), buf_slice(&parts)));
	/* Nothing to do where nothing says binary. */
	if (slice_ifind(in, S("binary")) == -1)
		assert(slice_eq(buf_slice(&whole), in));
	buf_release(&whole);
	buf_release(&parts);
	return 0;
}
