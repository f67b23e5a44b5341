/* What the DNS side reads itself: resolv.conf, names that are asked for, and
 * the rdata of records. The first byte chooses. */
#include <assert.h>
#include <stdint.h>

#include "dns/question.h"
#include "dns/rungs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
resolv_conf(struct slice text)
{
	struct buf list = BUF_INIT(1024);

	rungs_resolv_conf(text, &list);
	assert(buf_ok(&list));
	for (size_t i = 0; i < list.n; i++)
		assert(list.p[i] > ' ' && list.p[i] < 0x7f);
	buf_release(&list);
}

static void
question(struct slice name)
{
	struct wire_dns_answer a;
	char key[QUESTION_NAME + 5];
	struct question q;
	const char *why;

	if (question_set(&q, name, DNS_TXT, &why) != 0)
		return;
	assert(q.n > 0 && q.n <= QUESTION_NAME && q.name[q.n] == '\0');
	assert(strlen(q.name) == q.n);
	assert(question_key(&q, key).n == q.n + 4);
	(void)question_local(&q, &a);
}

static void
rdata(struct slice bytes)
{
	struct buf b = BUF_INIT(LIMIT_FRAME);
	uint16_t preference;

	if (wire_dns_name(bytes, &b) == 0)
		assert(b.n < 1024);
	buf_clear(&b);
	if (wire_dns_mx(bytes, &preference, &b) == 0)
		assert(b.n < 1024);
	buf_clear(&b);
	if (wire_dns_txt(bytes, &b) == 0)
		assert(b.n <= bytes.n);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct slice) = { resolv_conf, question,
		rdata };
	struct slice rest;

	if (size == 0)
		return 0;
	rest = slice_of((const char *)data + 1, size - 1);
	readers[data[0] % LEN(readers)](rest);
	return 0;
}
