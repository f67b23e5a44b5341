/* Names of message files: a UID written into a name is read back from it. */
#include "store/maildir.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf named = BUF_INIT(1 << 20), letters = BUF_INIT(256);
	struct slice base, flags, again;
	struct maildir_name b;
	uint64_t bits;

	maildir_split(slice_of(p, n), &base, &flags);
	assert(base.n + flags.n <= n && slice_find(base, ':') < 0);
	maildir_name_with_uid(&named, base, 4711);
	maildir_name_parse(buf_slice(&named), &b);
	assert(b.uid == 4711 || base.n == 0);
	bits = maildir_letters_parse(flags);
	maildir_letters_format(&letters, bits);
	again = slice_from(buf_slice(&letters), 3);
	assert(maildir_letters_parse(again) == bits);
	buf_release(&named);
	buf_release(&letters);
	return 0;
}
