#include "services/imap/sort.h"

#define YIELD_EACH 4096 /* merged messages between looks at the clock */
#define NUMBER ORDER_TEXTS /* a key that is no text */

/* Where a key comes from. */
static const struct {
	const char *name;
	enum order_text text;
	bool header;
} keys[SORT_KEYS] = {
	[SORT_ARRIVAL] = { "ARRIVAL", NUMBER, false },
	[SORT_CC] = { "CC", ORDER_CC, true },
	[SORT_DATE] = { "DATE", NUMBER, true },
	[SORT_DISPLAYFROM] = { "DISPLAYFROM", ORDER_DISPLAYFROM, true },
	[SORT_DISPLAYTO] = { "DISPLAYTO", ORDER_DISPLAYTO, true },
	[SORT_FROM] = { "FROM", ORDER_FROM, true },
	[SORT_RELEVANCY] = { "RELEVANCY", NUMBER, false },
	[SORT_SIZE] = { "SIZE", NUMBER, false },
	[SORT_SUBJECT] = { "SUBJECT", ORDER_SUBJECT, true },
	[SORT_TO] = { "TO", ORDER_TO, true },
};

/* ---- criteria ------------------------------------------------------------- */

static int
read_criterion(struct parser *p, struct sort_program *out)
{
	bool reverse = parse_word(p, S("REVERSE"));
	struct slice name;
	size_t key = 0;

	if ((reverse && parse_sp(p) == -1) || parse_atom(p, &name) == -1)
		return parse_fail(p, "Invalid sort criteria");
	while (key < SORT_KEYS && !slice_ieq(name, slice_str(keys[key].name)))
		key++;
	if (key == SORT_KEYS)
		return parse_fail(p, "Unknown sort criterion");
	/* Where a key decided nothing, it decides nothing again. */
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].key == (enum sort_key)key)
			return 0;
	out->v[out->n++] = (struct sort_criterion){ (enum sort_key)key,
		reverse };
	if (keys[key].header)
		out->header = true;
	if (key == SORT_RELEVANCY)
		out->relevancy = true;
	return 0;
}

int
sort_parse(struct parser *p, struct sort_program *out)
{
	*out = (struct sort_program){ 0 };
	if (parse_char(p, '(') == -1)
		return -1;
	do {
		if (read_criterion(p, out) == -1)
			return -1;
	} while (parse_try(p, ' '));
	return parse_char(p, ')');
}

/* ---- keys ----------------------------------------------------------------- */

/* So that the order of unsigned numbers is that of signed ones. */
static uint64_t
ordinal(int64_t n)
{
	return (uint64_t)n ^ (uint64_t)1 << 63;
}

int64_t
sort_sent_date(const struct store_message *msg, const struct order *order)
{
	return order->dated ? order->sent : msg->internaldate;
}

static uint64_t
number_of(enum sort_key key, const struct store_message *msg,
    unsigned score, const struct order *order)
{
	switch (key) {
	case SORT_ARRIVAL:
		return ordinal(msg->internaldate);
	case SORT_DATE:
		return ordinal(sort_sent_date(msg, order));
	case SORT_RELEVANCY:
		return 100 - score;
	default:
		return msg->vsize;
	}
}

/*
 * A string's key: its first octets, by which most are told apart, and its
 * place in texts, where its length stands before it.
 */
static uint64_t
text_key(struct sort_list *l, struct slice text)
{
	uint64_t first = 0, at = l->texts.n;

	for (size_t i = 0; i < 4; i++)
		first = first << 8 | (i < text.n ? (uint8_t)text.p[i] : 0);
	buf_addc(&l->texts, (char)(text.n >> 8));
	buf_addc(&l->texts, (char)(text.n & 0xff));
	buf_add_slice(&l->texts, text);
	return first << 32 | at;
}

static void
grow(struct sort_list *l)
{
	if (l->n < l->cap)
		return;
	l->cap = l->cap < 64 ? 64 : l->cap + l->cap / 2;
	l->uids = mem_grow(l->uids, l->cap, sizeof(*l->uids));
	l->keys = mem_grow(l->keys, l->cap, l->prog->n * sizeof(*l->keys));
}

int
sort_add(struct sort_list *l, const struct store_message *msg, unsigned score)
{
	struct order order = { 0 };
	uint64_t *out;

	grow(l);
	if (l->prog->header && order_read(&order, msg->order) == -1)
		order = (struct order){ 0 };
	out = l->keys + l->n * l->prog->n;
	for (size_t i = 0; i < l->prog->n; i++) {
		enum sort_key key = l->prog->v[i].key;
		enum order_text text = keys[key].text;

		out[i] = text == NUMBER ? number_of(key, msg, score, &order) :
		    text_key(l, order.texts[text]);
	}
	l->uids[l->n++] = msg->uid;
	return buf_ok(&l->texts) ? 0 : -1;
}

void
sort_list_init(struct sort_list *l, const struct sort_program *prog)
{
	*l = (struct sort_list){ .prog = prog };
	buf_init(&l->texts, LIMIT_IMAP_SORT_BYTES);
}

void
sort_list_release(struct sort_list *l)
{
	buf_release(&l->texts);
	mem_free(l->uids);
	mem_free(l->keys);
	mem_free(l->order);
	mem_free(l->spare);
}

/* ---- order ---------------------------------------------------------------- */

static struct slice
text_at(const struct sort_list *l, uint64_t key)
{
	const uint8_t *p = (const uint8_t *)l->texts.p + (uint32_t)key;

	return slice_of(p + 2, (size_t)p[0] << 8 | p[1]);
}

static int
compare_key(const struct sort_list *l, enum sort_key key, uint64_t a,
    uint64_t b)
{
	uint64_t mask = keys[key].text == NUMBER ? UINT64_MAX :
	    (uint64_t)UINT32_MAX << 32;

	if ((a & mask) != (b & mask))
		return (a & mask) < (b & mask) ? -1 : 1;
	return keys[key].text == NUMBER ? 0 :
	    slice_cmp(text_at(l, a), text_at(l, b));
}

static int
compare(const struct sort_list *l, uint32_t a, uint32_t b)
{
	const struct sort_program *prog = l->prog;
	const uint64_t *ka = l->keys + a * prog->n;
	const uint64_t *kb = l->keys + b * prog->n;

	for (size_t i = 0; i < prog->n; i++) {
		int r = compare_key(l, prog->v[i].key, ka[i], kb[i]);

		if (r != 0)
			return prog->v[i].reverse ? -r : r;
	}
	return 0;
}

/* Merges two neighbouring runs of order, from at on, into spare. */
static void
merge(struct sort_list *l)
{
	size_t left = l->at, middle = left + l->width;
	size_t right, end, to = left;

	if (middle > l->n)
		middle = l->n;
	right = middle;
	end = middle + l->width < l->n ? middle + l->width : l->n;
	while (left < middle && right < end) {
		/* Of equals the left one is first: the sort is stable. */
		bool take = compare(l, l->order[left], l->order[right]) <= 0;

		l->spare[to++] = l->order[take ? left++ : right++];
	}
	while (left < middle)
		l->spare[to++] = l->order[left++];
	while (right < end)
		l->spare[to++] = l->order[right++];
	l->at = end;
}

static void
sort_begin(struct sort_list *l)
{
	l->order = mem_array(l->n + 1, sizeof(*l->order));
	l->spare = mem_array(l->n + 1, sizeof(*l->spare));
	for (size_t i = 0; i < l->n; i++)
		l->order[i] = (uint32_t)i;
	l->width = 1;
	l->at = 0;
}

void
sort_list_again(struct sort_list *l)
{
	mem_free(l->order);
	mem_free(l->spare);
	l->order = l->spare = NULL;
}

bool
sort_run(struct sort_list *l, bool (*yield)(void *arg), void *arg)
{
	size_t merged = 0;

	if (l->order == NULL)
		sort_begin(l);
	for (; l->width < l->n; l->width *= 2) {
		uint32_t *sorted = l->spare;

		while (l->at < l->n) {
			merge(l);
			merged += l->width * 2;
			if (merged < YIELD_EACH)
				continue;
			merged = 0;
			if (yield(arg))
				return false;
		}
		l->spare = l->order;
		l->order = sorted;
		l->at = 0;
	}
	return true;
}

/* ---- later changes -------------------------------------------------------- */

bool
sort_is_before(const struct sort_list *l, uint32_t a, uint32_t b)
{
	int r = compare(l, a, b);

	return r != 0 ? r < 0 : l->uids[a] < l->uids[b];
}

static void
copy_entry(struct sort_list *to, const struct sort_list *from, uint32_t at)
{
	const uint64_t *in = from->keys + at * from->prog->n;
	uint64_t *out;

	grow(to);
	out = to->keys + to->n * to->prog->n;
	for (size_t i = 0; i < from->prog->n; i++)
		out[i] = keys[from->prog->v[i].key].text == NUMBER ? in[i] :
		    text_key(to, text_at(from, in[i]));
	to->uids[to->n++] = from->uids[at];
}

void
sort_list_keep(struct sort_list *l, uint32_t *order, size_t n)
{
	struct sort_list kept;

	sort_list_init(&kept, l->prog);
	for (size_t i = 0; i < n; i++) {
		copy_entry(&kept, l, order[i]);
		order[i] = (uint32_t)i;
	}
	sort_list_release(l);
	*l = kept;
}

size_t
sort_list_size(const struct sort_list *l)
{
	return l->texts.n + l->n * (2 * sizeof(uint32_t) +
	    l->prog->n * sizeof(uint64_t));
}
