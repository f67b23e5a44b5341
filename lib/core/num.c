#include "core/num.h"

int
num_take(struct slice *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < s->n && ascii_is_digit(s->p[i]); i++) {
		uint64_t digit = (uint64_t)(s->p[i] - '0');

		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v) || v > max)
			return -1;
	}
	if (i == 0)
		return -1;
	*s = slice_from(*s, i);
	*out = v;
	return 0;
}

int
num_u64(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (num_take(&s, max, &v) == -1 || s.n != 0)
		return -1;
	*out = v;
	return 0;
}

int
num_u32(struct slice s, uint32_t *out)
{
	uint64_t v;

	if (num_u64(s, UINT32_MAX, &v) == -1)
		return -1;
	*out = (uint32_t)v;
	return 0;
}
