/* HTML as text, and the first words of a message. */
#include "mail/charset.h"
#include "mail/html.h"
#include "mail/preview.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n), text;
	struct buf out = BUF_INIT(4 * n + 16), preview = BUF_INIT(PREVIEW_BYTES);
	struct buf clean = BUF_INIT(4 * n + 16);
	size_t chars = 0;

	html_text(&out, in);
	assert(buf_ok(&out));
	utf8_sanitize(&clean, in);
	buf_clear(&out);
	html_text(&out, buf_slice(&clean));
	assert(slice_is_utf8(buf_slice(&out)));

	mime_preview(&preview, in);
	assert(buf_ok(&preview));
	for (text = buf_slice(&preview); text.n > 0; chars++)
		assert(utf8_take(&text) >= 0x20);
	assert(chars <= PREVIEW_CHARS);
	assert(slice_is_utf8(buf_slice(&preview)));
	assert(preview.n == 0 || preview.p[preview.n - 1] != ' ');
	buf_release(&out);
	buf_release(&preview);
	buf_release(&clean);
	return 0;
}
