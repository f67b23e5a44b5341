/* pillarbox-keywords. */
#include "store/keyfile.h"
#include "store/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct keyfile k = { .text = BUF_INIT(LIMIT_KEYWORD_FILE) };
	struct slice names, name;
	uint64_t uid;
	void *value;
	size_t at = 0;

	buf_add(&k.text, p, n);
	idmap_init(&k.by_uid);
	if (!keyfile_parse(&k))
		assert(k.by_uid.count == 0);
	while (idmap_next(&k.by_uid, &at, &uid, &value)) {
		assert(uid > 0 && uid <= UINT32_MAX);
		assert(keyfile_get(&k, (uint32_t)uid, &names));
		while (slice_split(&names, ' ', &name))
			assert(keyword_is_valid(name));
	}
	assert(!keyfile_get(&k, 0, &names));
	keyfile_release(&k);
	return 0;
}
