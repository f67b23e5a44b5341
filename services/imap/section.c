#include "services/imap/section.h"

#include "mail/header.h"
#include "mail/preview.h"

#define BUILT_MAX (LIMIT_HEADER_BYTES * 2 + 1024)

static void
measure(struct section_cache *m)
{
	m->header_end = header_size(m->text);
	m->size_header =
	    crlf_size(slice_head(m->text, m->header_end), NULL);
	m->size = m->size_header +
	    crlf_size(slice_from(m->text, m->header_end), NULL);
}

struct section_cache *
section_cache_open(struct store_mailbox *mailbox, uint32_t uid,
    enum store_err *err)
{
	struct section_cache *m = mem_zero(sizeof(*m));

	*err = store_body_open(mailbox, uid, &m->body);
	if (*err != STORE_OK) {
		mem_free(m);
		return NULL;
	}
	m->uid = uid;
	m->text = m->body.text;
	measure(m);
	return m;
}

struct section_cache *
section_cache_text(struct slice text)
{
	struct section_cache *m = mem_zero(sizeof(*m));

	m->body.fd = -1;
	m->text = text;
	measure(m);
	return m;
}

void
section_cache_free(struct section_cache *m)
{
	if (m->uid != 0)
		store_body_close(&m->body);
	buf_release(&m->decode.raw);
	buf_release(&m->decode.out);
	arena_release(&m->arena);
	mem_free(m);
}

static void
set_range(struct section *s, size_t start, size_t end, uint64_t size)
{
	s->exists = true;
	s->start = start;
	s->end = end;
	s->size = size;
}

/* Sections of the message itself need no look at its structure. */
static bool
find_top(struct section *s, const struct section_cache *m, struct slice spec)
{
	if (spec.n == 0)
		set_range(s, 0, m->text.n, m->size);
	else if (slice_starts(spec, S("HEADER")))
		set_range(s, 0, m->header_end, m->size_header);
	else if (slice_eq(spec, S("TEXT")))
		set_range(s, m->header_end, m->text.n,
		    m->size - m->size_header);
	else
		return false;
	return true;
}

static void
find_part(struct section *s, struct section_cache *m, struct slice spec)
{
	struct mime_section found;

	if (!m->parsed) {
		mime_parse(&m->arena, m->text, &m->tree);
		m->parsed = true;
	}
	if (mime_find(&m->tree, spec, &found, NULL) != 0)
		return;
	set_range(s, found.start, found.end, found.size);
	/* RFC 2045 6.4: what holds other parts is never encoded itself. */
	if (found.part->kind == MIME_LEAF)
		s->encoding = encoding_parse(found.part->encoding);
}

static void
build_fields(struct section *s, const struct section_cache *m,
    const struct fetch_section *want)
{
	struct slice header =
	    slice_of(m->text.p + s->start, s->end - s->start);

	s->ready = true;
	buf_init(&s->built, BUILT_MAX);
	header_select(&s->built, header, want->names, want->n_names,
	    want->what == MIME_FIELDS_NOT);
	s->size = s->built.n;
}

static void
build_preview(struct section *s, const struct section_cache *m)
{
	s->exists = s->ready = true;
	buf_init(&s->built, PREVIEW_BYTES);
	mime_preview(&s->built, m->text);
	s->size = s->left = s->built.n;
}

void
section_find(struct section *s, struct section_cache *m,
    const struct fetch_section *want)
{
	*s = (struct section){ 0 };
	if (want->form == FORM_PREVIEW) {
		build_preview(s, m);
		return;
	}
	if (!find_top(s, m, want->spec))
		find_part(s, m, want->spec);
	if (!s->exists)
		return;
	if (want->what == MIME_FIELDS || want->what == MIME_FIELDS_NOT)
		build_fields(s, m, want);
	s->partial = want->partial;
	s->offset = want->offset;
	s->length = want->length;
	s->decode = want->form != FORM_BODY;
	s->unknown = s->decode && s->encoding == ENCODING_UNKNOWN;
	section_cut(s);
}

void
section_cut(struct section *s)
{
	s->at = 0;
	s->left = s->size;
	if (!s->partial)
		return;
	s->at = s->offset < s->size ? s->offset : s->size;
	s->left = s->size - s->at;
	if (s->left > s->length)
		s->left = s->length;
}

void
section_release(struct section *s)
{
	if (s->ready)
		buf_release(&s->built);
	s->ready = false;
}

/* The place of the last read in this range, or its start. */
static struct crlf_place *
place_for(struct section_cache *m, const struct section *s)
{
	if (m->place_start != s->start || m->place.virtual > s->at) {
		m->place = (struct crlf_place){ 0 };
		m->place_start = s->start;
	}
	return &m->place;
}

/*
 * A literal holds no NUL (RFC 3501 section 9, CHAR8), and its length is
 * promised already: NULs become 0x80, a range that comes out short (the file
 * was changed under us) is filled with blanks.
 */
static void
make_legal(struct buf *out, size_t from, size_t want, bool literal8)
{
	char *p = out->p + from, *end = out->p + out->n;

	while (!literal8 && p < end && (p = memchr(p, '\0', (size_t)(end - p))) != NULL)
		*p = '\x80';
	while (buf_ok(out) && out->n - from < want)
		buf_addc(out, ' ');
	if (out->n - from > want)
		buf_truncate(out, from + want);
}

bool
section_write(struct section *s, struct section_cache *m, size_t max,
    struct buf *out)
{
	size_t n = s->left < max ? (size_t)s->left : max;
	size_t from = out->n;

	if (n == 0)
		return false;
	if (s->decode)
		section_decode_range(s, m, n, out);
	else if (s->ready)
		buf_add_slice(out,
		    slice_of(s->built.p + s->at, n));
	else
		crlf_range(out,
		    slice_of(m->text.p + s->start, s->end - s->start), s->at, n,
		    place_for(m, s));
	make_legal(out, from, n, s->nul);
	s->at += n;
	s->left -= n;
	return s->left > 0;
}
