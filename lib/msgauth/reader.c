/* Reading messages. See reader.h. */
#include "msgauth/reader.h"

#include "core/file.h"
#include "mail/header.h"

#define FIRST_READ 16384

void
reader_init(struct reader *m, int fd, uint64_t size,
    const struct wire_edit *edit)
{
	*m = (struct reader){ .fd = fd, .size = size, .edit = edit };
}

/* How many bytes of the original follow until a cut or the end. */
static uint64_t
piece(struct reader *m)
{
	const struct wire_edit *e = m->edit;

	while (e != NULL && m->cut < e->count &&
	    m->at >= e->cuts[m->cut].start) {
		if (e->cuts[m->cut].end > m->at)
			m->at = e->cuts[m->cut].end;
		m->cut++;
	}
	if (m->at >= m->size)
		return 0;
	if (e != NULL && m->cut < e->count &&
	    e->cuts[m->cut].start < m->size)
		return e->cuts[m->cut].start - m->at;
	return m->size - m->at;
}

ssize_t
reader_read(struct reader *m, void *p, size_t n)
{
	uint64_t left;

	if (m->edit != NULL && m->prefix_at < m->edit->prefix.n) {
		struct slice rest = slice_from(m->edit->prefix, m->prefix_at);

		if (n > rest.n)
			n = rest.n;
		memcpy(p, rest.p, n);
		m->prefix_at += n;
		return (ssize_t)n;
	}
	left = piece(m);
	if (n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	if (file_pread_all(m->fd, p, n, (off_t)m->at) == -1)
		return -1;
	m->at += n;
	return (ssize_t)n;
}

int
reader_header(struct reader *m, struct buf *out, size_t *body_at,
    bool *too_long)
{
	size_t want = FIRST_READ;

	*too_long = false;
	for (;;) {
		ssize_t n = 1;

		while (out->n < want && n > 0) {
			char *p = buf_reserve(out, want - out->n);

			if (p == NULL) {
				errno = EFBIG;
				return -1;
			}
			n = reader_read(m, p, want - out->n);
			if (n == -1)
				return -1;
			buf_commit(out, (size_t)n);
		}
		*body_at = header_size(buf_slice(out));
		if (*body_at < out->n || n == 0)
			return 0;
		if (want >= LIMIT_HEADER_BYTES) {
			*too_long = true;
			return 0;
		}
		want *= 4;
	}
}
