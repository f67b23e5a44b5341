#include "core/base.h"

#include <malloc.h>

#include "core/log.h"

void
panic(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("panic", "%s", text);
	abort();
}

void
fatal(int status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("fatal", "%s", text);
	exit(status);
}

static void *
or_die(void *p, size_t n)
{
	if (p == NULL)
		panic("out of memory (%zu bytes)", n);
	return p;
}

void *
mem_alloc(size_t n)
{
	return or_die(malloc(n > 0 ? n : 1), n);
}

void *
mem_zero(size_t n)
{
	return or_die(calloc(1, n > 0 ? n : 1), n);
}

void *
mem_array(size_t n, size_t size)
{
	return or_die(calloc(n > 0 ? n : 1, size > 0 ? size : 1), n);
}

void *
mem_grow(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		panic("allocation overflow (%zu * %zu)", n, size);
	return or_die(realloc(p, bytes > 0 ? bytes : 1), bytes);
}

void *
mem_dup(const void *p, size_t n)
{
	void *q = mem_alloc(n);

	if (n > 0)
		memcpy(q, p, n);
	return q;
}

char *
mem_str(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

void
mem_free(void *p)
{
	free(p);
}

void
mem_trim(void)
{
	malloc_trim(0);
}

void
mem_trim_after(size_t *most, size_t now)
{
	const size_t crowd = 64;

	if (now > *most) {
		*most = now;
	} else if (*most >= crowd && now <= *most / 2) {
		mem_trim();
		*most = now;
	}
}

void
mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}
