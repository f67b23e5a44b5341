#include "core/arena.h"

#define ARENA_BLOCK 2048

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t cap;
	_Alignas(max_align_t) char bytes[];
};

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->blocks;
	size_t align = _Alignof(max_align_t);
	void *p;

	if (n > SIZE_MAX / 2)
		panic("arena allocation of %zu bytes", n);
	n = (n + align - 1) & ~(align - 1);
	if (b == NULL || b->cap - b->used < n) {
		size_t cap = n > ARENA_BLOCK ? n : ARENA_BLOCK;

		b = mem_alloc(sizeof(*b) + cap);
		b->next = a->blocks;
		b->used = 0;
		b->cap = cap;
		a->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += n;
	a->total += n;
	memset(p, 0, n);
	return p;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		panic("arena overflow (%zu * %zu)", n, size);
	return arena_alloc(a, bytes);
}

char *
arena_dup(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

struct slice
arena_slice(struct arena *a, struct slice s)
{
	return slice_of(arena_dup(a, s), s.n);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void
arena_clear(struct arena *a)
{
	struct arena_block *keep = a->blocks;

	/* One ordinary block stays, so a steady user stops calling malloc. */
	if (keep != NULL && keep->cap == ARENA_BLOCK) {
		a->blocks = keep->next;
		arena_release(a);
		keep->next = NULL;
		keep->used = 0;
		a->blocks = keep;
	} else {
		arena_release(a);
	}
	a->total = 0;
}

void
arena_release(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		mem_free(b);
	}
	a->total = 0;
}
