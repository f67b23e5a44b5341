/* Line ends. See crlf.h. */
#include "mail/crlf.h"

uint64_t
crlf_size(struct slice text, uint64_t *lines)
{
	uint64_t extra = 0, count = 0;

	for (size_t i = 0; i < text.n; i++) {
		const char *lf = memchr(text.p + i, '\n', text.n - i);

		if (lf == NULL)
			break;
		i = (size_t)(lf - text.p);
		count++;
		extra += i == 0 || lf[-1] != '\r';
	}
	if (lines != NULL)
		*lines = count;
	return text.n + extra;
}

void
crlf_add(struct buf *out, struct slice text)
{
	size_t from = 0;

	for (size_t i = 0; i < text.n; i++) {
		const char *lf = memchr(text.p + i, '\n', text.n - i);

		if (lf == NULL)
			break;
		i = (size_t)(lf - text.p);
		if (i > 0 && text.p[i - 1] == '\r')
			continue;
		buf_add(out, text.p + from, i - from);
		buf_adds(out, "\r\n");
		from = i + 1;
	}
	buf_add_slice(out, slice_from(text, from));
}

/* The run of bytes from "at" that are one octet each in both forms. */
static size_t
plain_run(struct slice text, size_t at)
{
	size_t i = at;

	while (i < text.n) {
		const char *lf = memchr(text.p + i, '\n', text.n - i);

		if (lf == NULL)
			return text.n - at;
		i = (size_t)(lf - text.p);
		if (i == 0 || text.p[i - 1] != '\r')
			return i - at;
		i++;
	}
	return i - at;
}

/* One step of at most max octets; what was passed is appended if wanted. */
static void
place_step(struct buf *out, struct slice text, uint64_t max,
    struct crlf_place *place)
{
	size_t run;

	if (place->half) {
		if (out != NULL)
			buf_addc(out, '\n');
		place->half = false;
		place->at++;
		place->virtual++;
		return;
	}
	run = plain_run(slice_head(text, max < text.n - place->at ?
	    place->at + (size_t)max : text.n), place->at);
	if (run > 0) {
		if (out != NULL)
			buf_add(out, text.p + place->at, run);
		place->at += run;
		place->virtual += run;
		return;
	}
	if (out != NULL)
		buf_addc(out, '\r');
	place->half = true;
	place->virtual++;
}

void
crlf_range(struct buf *out, struct slice text, uint64_t offset, uint64_t len,
    struct crlf_place *place)
{
	struct crlf_place here = { 0 };

	if (place != NULL && place->virtual <= offset && place->at <= text.n)
		here = *place;
	while (here.virtual < offset && here.at < text.n)
		place_step(NULL, text, offset - here.virtual, &here);
	while (len > 0 && here.at < text.n && buf_ok(out)) {
		uint64_t before = here.virtual;

		place_step(out, text, len, &here);
		len -= here.virtual - before;
	}
	if (place != NULL)
		*place = here;
}

void
crlf_strip(struct buf *out, struct slice wire, bool *cr)
{
	size_t from = 0;

	if (wire.n == 0)
		return;
	if (*cr && wire.p[0] != '\n')
		buf_addc(out, '\r');
	*cr = wire.p[wire.n - 1] == '\r';
	if (*cr)
		wire.n--;
	for (size_t i = 0; i < wire.n; i++) {
		const char *c = memchr(wire.p + i, '\r', wire.n - i);

		if (c == NULL)
			break;
		i = (size_t)(c - wire.p);
		if (i + 1 < wire.n && wire.p[i + 1] == '\n') {
			buf_add(out, wire.p + from, i - from);
			from = i + 1;
		}
	}
	buf_add_slice(out, slice_from(wire, from));
}

void
crlf_strip_end(struct buf *out, bool *cr)
{
	if (*cr)
		buf_addc(out, '\r');
	*cr = false;
}
