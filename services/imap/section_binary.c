/*
 * BINARY (RFC 3516): a part with its transfer encoding undone. The size has to
 * be said before the bytes, so the part is decoded twice, each time piece by
 * piece: no more than a piece of it is ever in memory.
 */
#include "services/imap/section.h"

#define PIECE 32768

static struct slice
part_text(const struct section *s, const struct section_cache *m)
{
	return slice_of(m->text.p + s->start, s->end - s->start);
}

static void
decode_restart(struct section *s, struct section_cache *m)
{
	struct section_decode *d = &m->decode;

	d->live = true;
	d->ended = false;
	d->start = s->start;
	d->end = s->end;
	d->place = (struct crlf_place){ 0 };
	d->at = 0;
	decoder_init(&d->decoder, s->encoding);
	buf_release(&d->raw);
	buf_release(&d->out);
	buf_init(&d->raw, PIECE);
	/* An escape that was held back comes out with the next piece. */
	buf_init(&d->out, PIECE + sizeof(d->decoder.held));
}

/*
 * Replaces what is in out by the next decoded octets. Line ends go into the
 * decoder as CRLF, so that text comes out with CRLF (section 6).
 */
static void
decode_more(struct section *s, struct section_cache *m)
{
	struct section_decode *d = &m->decode;

	d->at += d->out.n;
	buf_clear(&d->out);
	buf_clear(&d->raw);
	crlf_range(&d->raw, part_text(s, m), d->place.virtual, PIECE, &d->place);
	if (d->raw.n > 0) {
		decoder_feed(&d->decoder, buf_slice(&d->raw), &d->out);
	} else {
		decoder_end(&d->decoder, &d->out);
		d->ended = true;
	}
}

bool
section_measure(struct section *s, struct section_cache *m, size_t max)
{
	struct section_decode *d;
	uint64_t from;

	/* Without a message (m is NULL) nothing exists. */
	if (!s->exists || !s->decode || s->unknown)
		return false;
	d = &m->decode;
	if (!d->measured || d->measured_start != s->start ||
	    d->measured_end != s->end) {
		decode_restart(s, m);
		d->measured_start = s->start;
		d->measured_end = s->end;
		d->measured_nul = false;
		d->measured = true;
		d->measuring = true;
	}
	for (from = d->place.virtual; d->measuring &&
	    d->place.virtual - from < max;) {
		decode_more(s, m);
		d->measured_nul = d->measured_nul ||
		    slice_find(buf_slice(&d->out), '\0') != -1;
		d->measured_size = d->at + d->out.n;
		d->measuring = !d->ended;
	}
	if (d->measuring)
		return true;
	s->size = d->measured_size;
	s->nul = d->measured_nul;
	section_cut(s);
	return false;
}

void
section_decode_range(struct section *s, struct section_cache *m, size_t n,
    struct buf *out)
{
	struct section_decode *d = &m->decode;
	uint64_t at = s->at;

	if (!d->live || d->start != s->start || d->end != s->end ||
	    d->at > at)
		decode_restart(s, m);
	while (n > 0) {
		struct slice have = buf_slice(&d->out);

		if (d->at + have.n > at) {
			have = slice_head(slice_from(have,
			    (size_t)(at - d->at)), n);
			buf_add_slice(out, have);
			at += have.n;
			n -= have.n;
		} else if (d->ended) {
			return;
		} else {
			decode_more(s, m);
		}
	}
}
