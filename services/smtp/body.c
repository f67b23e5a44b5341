/* A message body into a descriptor. See body.h. */
#include "services/smtp/body.h"

#include <sys/uio.h>

void
body_init(struct body *b, uint64_t limit, bool raw)
{
	memset(b, 0, sizeof(*b));
	dotstuff_init(&b->text, raw);
	b->limit = limit;
}

static bool
is_too_large(const struct body *b)
{
	return b->limit != 0 && b->size > b->limit;
}

/* The file is in the page cache and has no name yet: write(2) does not wait
 * for a disk, so blocking is fine. */
static void
write_all(struct body *b, int fd, struct iovec *v, int count)
{
	while (count > 0) {
		ssize_t n = writev(fd, v, count);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			b->error = errno;
			return;
		}
		while (count > 0 && (size_t)n >= v->iov_len) {
			n -= (ssize_t)v->iov_len;
			v++;
			count--;
		}
		if (count > 0) {
			v->iov_base = (char *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
}

static void
put(struct body *b, int fd, const struct slice *spans, size_t count)
{
	struct iovec v[DOTSTUFF_SPANS];

	for (size_t i = 0; i < count; i++) {
		v[i].iov_base = (void *)(uintptr_t)spans[i].p;
		v[i].iov_len = spans[i].n;
		b->size += spans[i].n;
	}
	if (fd != -1 && b->error == 0 && b->text.faults == 0 &&
	    !is_too_large(b))
		write_all(b, fd, v, (int)count);
}

size_t
body_take(struct body *b, int fd, struct slice in)
{
	size_t used = 0;

	while (used < in.n && !b->text.done) {
		struct slice spans[DOTSTUFF_SPANS];
		size_t count;

		used += dotstuff_decode(&b->text, slice_from(in, used), spans,
		    &count);
		put(b, fd, spans, count);
	}
	return used;
}

void
body_finish(struct body *b, int fd)
{
	struct slice crlf = S("\r\n");

	if (b->text.state == DOTSTUFF_CR)
		b->text.faults |= DOTSTUFF_BARE_CR;
	if (b->text.state == DOTSTUFF_TEXT && b->text.line > 0)
		put(b, fd, &crlf, 1);
	b->text.done = true;
}

const char *
body_fault(const struct body *b)
{
	static const struct {
		unsigned fault;
		const char *reply;
	} faults[] = {
		{ DOTSTUFF_BARE_CR,
		    "550 5.6.0 Error: bare CR in message, lines must end in "
		    "CRLF" },
		{ DOTSTUFF_NUL, "550 5.6.0 Error: NUL in message" },
		{ DOTSTUFF_LONG_LINE, "500 5.6.0 Error: line too long in message" },
	};

	for (size_t i = 0; i < LEN(faults); i++)
		if (b->text.faults & faults[i].fault)
			return faults[i].reply;
	if (is_too_large(b))
		return "552 5.3.4 Error: message file too big";
	if (b->error == ENOSPC || b->error == EDQUOT || b->error == EFBIG)
		return "452 4.3.1 Insufficient system storage";
	if (b->error != 0)
		return "451 4.3.0 Error: queue file write error";
	return NULL;
}
