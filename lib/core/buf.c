#include "core/buf.h"

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_release(struct buf *b)
{
	mem_free(b->p);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		mem_wipe(b->p, b->cap);
	buf_release(b);
}

char *
buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap;

	if (b->failed || n > b->max || b->n > b->max - n) {
		b->failed = true;
		return NULL;
	}
	need = b->n + n + 1;
	if (need > b->cap) {
		cap = b->cap < 64 ? 64 : b->cap * 2;
		if (cap < need)
			cap = need;
		if (cap > b->max + 1)
			cap = b->max + 1;
		b->p = mem_grow(b->p, cap, 1);
		b->cap = cap;
	}
	return b->p + b->n;
}

void
buf_commit(struct buf *b, size_t n)
{
	assert(n == 0 || (b->p != NULL && b->n + n < b->cap));
	b->n += n;
	if (b->p != NULL)
		b->p[b->n] = '\0';
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	char *at = buf_reserve(b, n);

	if (at == NULL)
		return;
	if (n > 0)
		memcpy(at, p, n);
	buf_commit(b, n);
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	int n;
	char *at;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	assert(n >= 0);
	if ((size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
	} else {
		at = buf_reserve(b, (size_t)n);
		if (at != NULL) {
			vsnprintf(at, (size_t)n + 1, fmt, again);
			buf_commit(b, (size_t)n);
		}
	}
	va_end(again);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_addu(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, digits + i, sizeof(digits) - i);
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = '\0';
}

void
buf_truncate(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n = n;
	if (b->p != NULL)
		b->p[n] = '\0';
}

char *
buf_take(struct buf *b)
{
	char *p = b->p != NULL ? b->p : mem_str("");

	b->p = NULL;
	buf_init(b, b->max);
	return p;
}
