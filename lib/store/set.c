/* Sets of UIDs as sorted ranges, and the texts of errors. */
#include "store/store.h"

static const char *const err_texts[STORE_ERRORS] = {
	[STORE_OK] = "done",
	[STORE_NO_MAILBOX] = "no such mailbox",
	[STORE_NO_MESSAGE] = "no such message",
	[STORE_EXISTS] = "the mailbox exists already",
	[STORE_HAS_CHILDREN] = "the name has only children",
	[STORE_NAME] = "not a valid mailbox name",
	[STORE_LIMIT] = "a limit is reached",
	[STORE_QUOTA] = "the quota is used up",
	[STORE_NO_RIGHT] = "no right to do this",
	[STORE_NO_SPACE] = "the disk is full",
	[STORE_READ_ONLY] = "the file system is read-only",
	[STORE_DENIED] = "access denied by the system",
	[STORE_AGAIN] = "busy, try again",
	[STORE_CORRUPT] = "the mailbox is damaged",
	[STORE_IO] = "disk error",
};

const char *
store_err_text(enum store_err err)
{
	return (unsigned)err < STORE_ERRORS ? err_texts[err] : "unknown error";
}

bool
store_err_is_temporary(enum store_err err)
{
	return err >= STORE_NO_SPACE && err <= STORE_IO;
}

void
store_set_release(struct store_set *set)
{
	mem_free(set->r);
	*set = (struct store_set)STORE_SET_INIT;
}

void
store_set_clear(struct store_set *set)
{
	set->n = 0;
}

/* Index of the first range that ends at or behind uid. */
static size_t
find(const struct store_set *set, uint32_t uid)
{
	size_t lo = 0, hi = set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->r[mid].last < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
insert(struct store_set *set, size_t at, uint32_t first, uint32_t last)
{
	if (set->n == set->cap) {
		set->cap = set->cap == 0 ? 8 : set->cap * 2;
		set->r = mem_grow(set->r, set->cap, sizeof(*set->r));
	}
	memmove(set->r + at + 1, set->r + at,
	    (set->n - at) * sizeof(*set->r));
	set->r[at] = (struct store_range){ first, last };
	set->n++;
}

void
store_set_add(struct store_set *set, uint32_t first, uint32_t last)
{
	size_t at, end;

	if (first > last) {
		uint32_t swap = first;

		first = last;
		last = swap;
	}
	/* The range before may touch first, the one behind may touch last. */
	at = find(set, first > 0 ? first - 1 : 0);
	end = at;
	while (end < set->n &&
	    (last == UINT32_MAX || set->r[end].first <= last + 1)) {
		if (set->r[end].first < first)
			first = set->r[end].first;
		if (set->r[end].last > last)
			last = set->r[end].last;
		end++;
	}
	if (end == at) {
		insert(set, at, first, last);
		return;
	}
	set->r[at] = (struct store_range){ first, last };
	memmove(set->r + at + 1, set->r + end,
	    (set->n - end) * sizeof(*set->r));
	set->n -= end - at - 1;
}

void
store_set_remove(struct store_set *set, uint32_t first, uint32_t last)
{
	size_t at = find(set, first), end = at;

	/* Where there is nothing there may be no memory either. */
	if (set->n == 0)
		return;
	/* One range that reaches beyond both ends becomes two. */
	if (at < set->n && set->r[at].first < first && set->r[at].last > last) {
		insert(set, at, set->r[at].first, first - 1);
		set->r[at + 1].first = last + 1;
		return;
	}
	if (at < set->n && set->r[at].first < first)
		set->r[at++].last = first - 1;
	for (end = at; end < set->n && set->r[end].last <= last; end++)
		;
	if (end < set->n && set->r[end].first <= last)
		set->r[end].first = last + 1;
	if (at == end)
		return;
	memmove(set->r + at, set->r + end, (set->n - end) * sizeof(*set->r));
	set->n -= end - at;
}

void
store_set_common(const struct store_set *a, const struct store_set *b,
    struct store_set *out)
{
	for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
		const struct store_range *x = &a->r[i], *y = &b->r[k];
		uint32_t first = x->first > y->first ? x->first : y->first;
		uint32_t last = x->last < y->last ? x->last : y->last;

		if (first <= last)
			store_set_add(out, first, last);
		if (x->last < y->last)
			i++;
		else
			k++;
	}
}

bool
store_set_has(const struct store_set *set, uint32_t uid)
{
	size_t at = find(set, uid);

	return at < set->n && set->r[at].first <= uid;
}

uint64_t
store_set_count(const struct store_set *set)
{
	uint64_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += (uint64_t)set->r[i].last - set->r[i].first + 1;
	return n;
}

void
store_set_format(const struct store_set *set, struct buf *out)
{
	for (size_t i = 0; i < set->n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_addu(out, set->r[i].first);
		if (set->r[i].last != set->r[i].first) {
			buf_addc(out, ':');
			buf_addu(out, set->r[i].last);
		}
	}
}
