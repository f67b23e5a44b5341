#include "mail/gram.h"

#include "mail/charset.h"

/* Bits of the signature for each gram that is set. */
#define BITS_PER_GRAM 5
/* And so many bytes more, for texts of a few words. */
#define LEAST 8
/* From here on (CJK radicals) a character says as much as a few letters. */
#define WIDE_FROM 0x2e80

/* Goes through a text and knows the letters before the one at hand. */
struct window {
	struct slice rest;
	uint32_t before[2]; /* 0: none; [1] is the nearer one */
};

static uint32_t
hash(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t x = (a << 42 | b << 21 | c) * 0x9e3779b97f4a7c15u;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return (uint32_t)(x >> (64 - GRAM_BITS));
}

static uint32_t
take(struct slice *s)
{
	uint32_t c = (unsigned char)s->p[0];

	if (c >= 0x80)
		return utf8_take(s);
	s->p++;
	s->n--;
	return c;
}

static bool
is_wide(uint32_t c)
{
	return c >= WIDE_FROM;
}

/*
 * The next gram, false at the end. Which letters are a gram depends on nothing
 * but themselves, so that a needle has the same ones as the text around it.
 */
static bool
window_next(struct window *w, uint32_t *gram)
{
	while (w->rest.n > 0) {
		uint32_t a = w->before[0], b = w->before[1];
		uint32_t c = take(&w->rest);

		if (c <= ' ') {
			w->before[0] = w->before[1] = 0;
			continue;
		}
		w->before[0] = b;
		w->before[1] = c;
		if (b != 0 && (is_wide(b) || is_wide(c))) {
			*gram = hash(0, b, c);
			return true;
		}
		if (a != 0 && !is_wide(a)) {
			*gram = hash(a, b, c);
			return true;
		}
	}
	return false;
}

void
gram_set_clear(struct gram_set *set)
{
	memset(set->bits, 0, sizeof(set->bits));
}

void
gram_set_add(struct gram_set *set, struct slice folded)
{
	struct window w = { .rest = folded };
	uint32_t gram;

	while (window_next(&w, &gram))
		set->bits[gram / 64] |= (uint64_t)1 << gram % 64;
}

/*
 * A gram has two bits in a signature of n bytes, so that a rare one does not
 * share all it has with a frequent one. The second place is another order of
 * the grams.
 */
static size_t
place(uint32_t gram, int which, size_t n)
{
	uint32_t g = which == 0 ? gram :
	    gram * 0x9e3779b1u >> (32 - GRAM_BITS);

	return (size_t)((uint64_t)g * (n * 8) >> GRAM_BITS);
}

static void
sign(unsigned char *signature, size_t n, uint32_t gram)
{
	for (int which = 0; which < 2; which++) {
		size_t at = place(gram, which, n);

		signature[at / 8] |= (unsigned char)(1u << at % 8);
	}
}

static bool
is_signed(struct slice signature, uint32_t gram)
{
	for (int which = 0; which < 2; which++) {
		size_t at = place(gram, which, signature.n);

		if (((unsigned char)signature.p[at / 8] >> at % 8 & 1) == 0)
			return false;
	}
	return true;
}

static size_t
count(const struct gram_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < GRAM_WORDS; i++)
		n += (size_t)__builtin_popcountll(set->bits[i]);
	return n;
}

void
gram_signature(struct buf *out, const struct gram_set *set)
{
	size_t n = count(set) * BITS_PER_GRAM / 8 + LEAST;
	unsigned char *to;

	if (n > GRAM_SET_BYTES)
		n = GRAM_SET_BYTES;
	to = (unsigned char *)buf_reserve(out, n);
	if (to == NULL)
		return;
	memset(to, 0, n);
	for (uint32_t i = 0; i < GRAM_WORDS; i++)
		for (uint64_t bits = set->bits[i]; bits != 0; bits &= bits - 1)
			sign(to, n, i * 64 + (uint32_t)__builtin_ctzll(bits));
	buf_commit(out, n);
}

void
gram_needle_make(struct gram_needle *out, struct slice folded)
{
	struct window w = { .rest = folded };

	out->n = 0;
	while (out->n < GRAM_NEEDLE && window_next(&w, &out->grams[out->n]))
		out->n++;
}

bool
gram_may_contain(struct slice signature, const struct gram_needle *needle)
{
	for (size_t i = 0; i < needle->n && signature.n > 0; i++)
		if (!is_signed(signature, needle->grams[i]))
			return false;
	return true;
}
