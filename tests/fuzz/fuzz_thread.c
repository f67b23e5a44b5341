// part: services/imap
/*
 * SORT and THREAD over header sections separated by NUL: whatever they say,
 * each message is in the answer once and parentheses match.
 */
#include "services/imap/sort.h"
#include "services/imap/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MESSAGES 64

static unsigned seen[MESSAGES + 1];

static uint32_t
number_of(void *arg UNUSED, uint32_t uid)
{
	assert(uid >= 1 && uid <= MESSAGES);
	seen[uid]++;
	return uid;
}

static bool
never(void *arg UNUSED)
{
	return false;
}

/* Valid until the next one. */
static struct store_message
message_of(uint32_t uid, struct slice headers)
{
	static struct buf form = BUF_INIT(ORDER_MAX);
	struct order order;

	buf_clear(&form);
	order_make(&form, headers);
	assert(buf_ok(&form) && order_read(&order, buf_slice(&form)) == 0);
	return (struct store_message){ .uid = uid, .order = buf_slice(&form),
		.internaldate = 1000000000 - uid % 7, .vsize = headers.n };
}

static void
check_threads(enum thread_algorithm algorithm, struct slice in)
{
	struct buf out = BUF_INIT(1 << 20);
	struct thread t;
	struct slice one;
	uint32_t uid = 0;
	int depth = 0;

	thread_init(&t, algorithm);
	while (uid < MESSAGES && slice_split(&in, '\0', &one)) {
		const struct store_message msg = message_of(++uid, one);

		thread_add(&t, &msg);
	}
	while (!thread_make(&t))
		;
	memset(seen, 0, sizeof(seen));
	thread_write(&t, number_of, NULL, &out);
	for (uint32_t i = 1; i <= uid; i++)
		assert(seen[i] == 1);
	for (size_t i = 0; i < out.n; i++) {
		depth += (out.p[i] == '(') - (out.p[i] == ')');
		assert(depth > 0 || out.p[i] == ')');
	}
	assert(depth == 0);
	thread_release(&t);
	buf_release(&out);
}

static void
check_sort(struct slice criteria, struct slice in)
{
	struct arena arena = ARENA_INIT;
	struct parser p = parser_of(criteria, &arena);
	struct sort_program prog;
	struct sort_list list;
	struct slice one;
	uint32_t uid = 0;

	if (sort_parse(&p, &prog) == 0) {
		sort_list_init(&list, &prog);
		while (uid < MESSAGES && slice_split(&in, '\0', &one)) {
			const struct store_message msg =
			    message_of(++uid, one);

			assert(sort_add(&list, &msg, 100) == 0);
		}
		assert(sort_run(&list, never, NULL));
		memset(seen, 0, sizeof(seen));
		for (size_t i = 0; i < list.n; i++)
			assert(seen[list.order[i]]++ == 0);
		sort_list_release(&list);
	} else {
		assert(p.why != NULL);
	}
	arena_release(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct slice in = slice_of(bytes, n), first = in;
	ssize_t nul = slice_find(in, '\0');

	if (nul >= 0)
		first = slice_head(in, (size_t)nul);
	check_threads(THREAD_ORDEREDSUBJECT, in);
	check_threads(THREAD_REFERENCES, in);
	check_threads(THREAD_REFS, in);
	check_sort(S("(SUBJECT DISPLAYFROM CC REVERSE DATE SIZE)"), in);
	check_sort(first, in);
	return 0;
}
