#include "core/rand.h"

#include <sys/random.h>

void
rand_bytes(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			panic("getrandom: %s", strerror(errno));
		at += got;
		n -= (size_t)got;
	}
}

uint64_t
rand_below(uint64_t below)
{
	uint64_t v, limit = UINT64_MAX - UINT64_MAX % below;

	do {
		rand_bytes(&v, sizeof(v));
	} while (v >= limit);
	return v % below;
}

void
rand_text(struct buf *out, size_t n)
{
	static const char set[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	while (n-- > 0)
		buf_addc(out, set[rand_below(sizeof(set) - 1)]);
}
