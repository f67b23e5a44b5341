#include "services/imap/search_result.h"

#include "services/imap/notify.h"

/* ---- options -------------------------------------------------------------- */

/* "-"nz-number if from_end, else nz-number */
static int
read_end(struct parser *p, bool from_end, uint32_t *out)
{
	if (from_end && !parse_try(p, '-'))
		return parse_fail(p, "Invalid range");
	return parse_nz_number(p, out);
}

int
search_range_parse(struct parser *p, struct search_range *out)
{
	size_t from = p->at;
	uint32_t a, b;

	out->from_end = parse_peek(p) == '-';
	if (read_end(p, out->from_end, &a) == -1 || parse_char(p, ':') == -1 ||
	    read_end(p, out->from_end, &b) == -1)
		return -1;
	out->first = a < b ? a : b;
	out->last = a < b ? b : a;
	out->text = slice_of(p->in.p + from, p->at - from);
	return 0;
}

void
search_range_of(const struct search_range *range, size_t n, size_t *from,
    size_t *to)
{
	size_t first = range->first - 1;
	size_t last = range->last < n ? range->last : n;

	if (first > last)
		first = last;
	*from = range->from_end ? n - last : first;
	*to = range->from_end ? n - first : last;
}

static int
read_option(struct parser *p, struct search_return *out)
{
	static const struct {
		const char *name;
		unsigned option;
	} options[] = {
		{ "MIN", SEARCH_MIN },
		{ "MAX", SEARCH_MAX },
		{ "COUNT", SEARCH_COUNT },
		{ "ALL", SEARCH_RETURN_ALL },
		{ "SAVE", SEARCH_SAVE },
		{ "PARTIAL", SEARCH_PARTIAL },
		{ "UPDATE", SEARCH_UPDATE },
		{ "RELEVANCY", SEARCH_RELEVANCY },
		{ "CONTEXT", 0 }, /* RFC 5267 4.2: a hint */
	};
	const unsigned one_of = SEARCH_RETURN_ALL | SEARCH_PARTIAL;
	size_t i = 0;

	while (i < LEN(options) && !parse_word(p, slice_str(options[i].name)))
		i++;
	if (i == LEN(options))
		return parse_fail(p, "Unknown RETURN option");
	/* RFC 9394 section 3.1 */
	if ((options[i].option & one_of) != 0 && (out->options & one_of) != 0 &&
	    (options[i].option | (out->options & one_of)) != SEARCH_RETURN_ALL)
		return parse_fail(p, "Only one of ALL and PARTIAL");
	out->options |= options[i].option;
	if (options[i].option == SEARCH_UPDATE && p->at + 1 < p->in.n &&
	    parse_peek(p) == ' ' && p->in.p[p->at + 1] == '(')
		return parse_sp(p) == -1 ? -1 :
		    notify_parse_atts(p, &out->atts);
	if (options[i].option != SEARCH_PARTIAL)
		return 0;
	return parse_sp(p) == -1 ? -1 : search_range_parse(p, &out->partial);
}

int
search_return_parse(struct parser *p, struct search_return *out)
{
	*out = (struct search_return){ 0 };
	if (!parse_word(p, S("RETURN")))
		return 0;
	if (parse_sp(p) == -1 || parse_char(p, '(') == -1)
		return -1;
	out->options = SEARCH_RETURN;
	if (parse_try(p, ')')) {
		out->options |= SEARCH_RETURN_ALL;
		return parse_sp(p);
	}
	do {
		if (read_option(p, out) == -1)
			return -1;
	} while (parse_try(p, ' '));
	return parse_char(p, ')') == -1 ? -1 : parse_sp(p);
}

bool
search_return_tells(const struct search_return *ret)
{
	/* RETURN (SAVE) alone says nothing (RFC 5182 2.2). */
	return (ret->options &
	    (SEARCH_MIN | SEARCH_MAX | SEARCH_COUNT | SEARCH_RETURN_ALL |
	    SEARCH_PARTIAL | SEARCH_RELEVANCY)) != 0;
}

/* ---- results -------------------------------------------------------------- */

void
search_result_init(struct search_result *r, bool modseq, bool relevancy)
{
	*r = (struct search_result){ .modseq = modseq,
		.relevancy = relevancy };
}

void
search_result_release(struct search_result *r)
{
	mem_free(r->uids);
	mem_free(r->modseqs);
	mem_free(r->scores);
}

void
search_result_add(struct search_result *r, uint32_t uid, uint64_t modseq,
    unsigned score)
{
	if (r->n == r->cap) {
		r->cap = r->cap < 64 ? 64 : r->cap + r->cap / 2;
		r->uids = mem_grow(r->uids, r->cap, sizeof(*r->uids));
		if (r->modseq)
			r->modseqs = mem_grow(r->modseqs, r->cap,
			    sizeof(*r->modseqs));
		if (r->relevancy)
			r->scores = mem_grow(r->scores, r->cap,
			    sizeof(*r->scores));
	}
	if (r->relevancy)
		r->scores[r->n] = (uint8_t)score;
	if (r->modseq)
		r->modseqs[r->n] = modseq;
	r->uids[r->n++] = uid;
}

void
search_result_order(struct search_result *r, const uint32_t *order, size_t n)
{
	struct search_result sorted;

	search_result_init(&sorted, r->modseq, r->relevancy);
	for (size_t i = 0; i < n; i++)
		search_result_add(&sorted, r->uids[order[i]],
		    r->modseq ? r->modseqs[order[i]] : 0,
		    r->relevancy ? r->scores[order[i]] : 0);
	search_result_release(r);
	*r = sorted;
}

static uint64_t
highest(const struct search_result *r, size_t from, size_t to)
{
	uint64_t max = 0;

	for (size_t i = from; i < to; i++)
		if (r->modseqs[i] > max)
			max = r->modseqs[i];
	return max;
}

uint64_t
search_result_modseq(const struct search_result *r)
{
	return highest(r, 0, r->n);
}

/* Only some messages are told of: the MODSEQ is of those (RFC 4731 3.2). */
static uint64_t
modseq_told(const struct search_result *r, const struct search_return *ret)
{
	uint64_t max = 0, one = 0;
	size_t from = 0, to = 0;

	if ((ret->options & (SEARCH_COUNT | SEARCH_RETURN_ALL)) != 0)
		return search_result_modseq(r);
	if ((ret->options & SEARCH_PARTIAL) != 0)
		search_range_of(&ret->partial, r->n, &from, &to);
	max = highest(r, from, to);
	if ((ret->options & SEARCH_MIN) != 0)
		one = highest(r, 0, 1);
	max = one > max ? one : max;
	if ((ret->options & SEARCH_MAX) != 0)
		one = highest(r, r->n - 1, r->n);
	return one > max ? one : max;
}

/*
 * A sequence-set in the order of the results, with ranges where they ascend
 * (RFC 5267 section 3.2).
 */
static void
write_set(const struct search_result *r, size_t from, size_t to,
    uint32_t (*number)(void *arg, uint32_t uid), void *arg, struct buf *out)
{
	for (size_t i = from; i < to;) {
		uint32_t first = number(arg, r->uids[i]), last = first;
		size_t next = i + 1;

		while (next < to && number(arg, r->uids[next]) == last + 1) {
			last++;
			next++;
		}
		if (i > from)
			buf_addc(out, ',');
		buf_addu(out, first);
		if (last > first) {
			buf_addc(out, ':');
			buf_addu(out, last);
		}
		i = next;
	}
}

/* RFC 6203 section 4: of what PARTIAL returns, else of all. */
static void
write_scores(const struct search_result *r, const struct search_return *ret,
    struct buf *out)
{
	size_t from = 0, to = r->n;

	if ((ret->options & SEARCH_PARTIAL) != 0)
		search_range_of(&ret->partial, r->n, &from, &to);
	if (from == to)
		return;
	buf_adds(out, " RELEVANCY ");
	for (size_t i = from; i < to; i++) {
		buf_addc(out, i == from ? '(' : ' ');
		buf_addu(out, r->scores[i]);
	}
	buf_addc(out, ')');
}

void
search_result_write(const struct search_result *r,
    const struct search_return *ret,
    uint32_t (*number)(void *arg, uint32_t uid), void *arg, struct buf *out)
{
	unsigned options = ret->options;
	size_t from, to;

	if (r->n > 0 && (options & SEARCH_MIN) != 0)
		buf_addf(out, " MIN %u", number(arg, r->uids[0]));
	if (r->n > 0 && (options & SEARCH_MAX) != 0)
		buf_addf(out, " MAX %u", number(arg, r->uids[r->n - 1]));
	if (r->n > 0 && (options & SEARCH_RETURN_ALL) != 0) {
		buf_adds(out, " ALL ");
		write_set(r, 0, r->n, number, arg, out);
	}
	if ((options & SEARCH_PARTIAL) != 0) {
		buf_addf(out, " PARTIAL (%.*s ",
		    SLICE_ARG(ret->partial.text));
		search_range_of(&ret->partial, r->n, &from, &to);
		if (from == to)
			buf_adds(out, "NIL");
		write_set(r, from, to, number, arg, out);
		buf_addc(out, ')');
	}
	if ((options & SEARCH_COUNT) != 0)
		buf_addf(out, " COUNT %zu", r->n);
	if (r->relevancy)
		write_scores(r, ret, out);
	if (r->modseq && r->n > 0)
		buf_addf(out, " MODSEQ %llu",
		    (unsigned long long)modseq_told(r, ret));
}

static int
uid_order(const void *pa, const void *pb)
{
	const uint32_t *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

void
search_result_save(const struct search_result *r,
    const struct search_return *ret, struct store_set *saved)
{
	const unsigned some = SEARCH_MIN | SEARCH_MAX | SEARCH_PARTIAL;
	unsigned options = ret->options;
	size_t from = 0, to = 0;
	uint32_t *uids;

	if ((options & some) == 0 ||
	    (options & (SEARCH_COUNT | SEARCH_RETURN_ALL)) != 0)
		to = r->n;
	else if ((options & SEARCH_PARTIAL) != 0)
		search_range_of(&ret->partial, r->n, &from, &to);
	/* In order, because additions elsewhere would cost O(n) each. */
	uids = mem_array(to - from + 1, sizeof(*uids));
	for (size_t i = from; i < to; i++)
		uids[i - from] = r->uids[i];
	qsort(uids, to - from, sizeof(*uids), uid_order);
	store_set_clear(saved);
	for (size_t i = 0; i < to - from; i++)
		store_set_add(saved, uids[i], uids[i]);
	mem_free(uids);
	if (r->n > 0 && (options & SEARCH_MIN) != 0)
		store_set_add(saved, r->uids[0], r->uids[0]);
	if (r->n > 0 && (options & SEARCH_MAX) != 0)
		store_set_add(saved, r->uids[r->n - 1], r->uids[r->n - 1]);
}
