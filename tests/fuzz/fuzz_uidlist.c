/* Dovecot's files: dovecot-uidlist, dovecot-keywords, subscriptions. */
#include "store/folder.h"
#include "store/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
read_uidlist(struct slice text)
{
	struct uidlist_record r;
	unsigned damaged = 0, records = 0;
	struct folder f;

	if (!uidlist_header(&text, &f))
		return;
	assert(f.uidvalidity != 0 && f.reserved != 0);
	assert(f.guid[0] == '\0' || strlen(f.guid) <= 32);
	while (uidlist_next(&text, &r, &damaged)) {
		assert(r.uid != 0 && r.uid < UINT32_MAX - 1000000);
		assert(r.base.n > 0 && slice_find(r.base, '\n') < 0);
		assert(slice_find(r.base, ':') < 0);
		records++;
	}
	(void)records;
}

static void
read_keywords(struct slice text)
{
	struct keywords k = { 0 };
	unsigned beyond;

	keywords_parse(&k, text, &beyond);
	assert(k.n <= MAILDIR_LETTERS);
	for (size_t i = 0; i < k.n; i++)
		if (k.names[i] != NULL)
			assert(keywords_find(&k, slice_str(k.names[i])) >= 0);
	keywords_release(&k);
}

static void
read_subscriptions(struct slice text)
{
	struct map_iter it = { 0 };
	struct slice name;
	struct map names;
	void *value;

	subscription_parse(text, &names);
	while (map_next(&names, &it, &name, &value))
		assert(name.n > 0 && name.n <= LIMIT_MAILBOX_NAME);
	map_release(&names, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text = slice_of(p, n);

	read_uidlist(text);
	read_keywords(text);
	read_subscriptions(text);
	return 0;
}
