/* Making signatures. See dkim_sign.h. */
#include "msgauth/dkim_sign.h"

#include <openssl/evp.h>

#include "core/base64.h"
#include "mail/address_list.h"
#include "msgauth/body_hash.h"
#include "msgauth/canon.h"
#include "msgauth/fields.h"
#include "msgauth/tag_writer.h"

#define LINE 72
#define H_MAX 8192
/* Of one name; more (Resent- blocks) are left unsigned. */
#define INSTANCES 8

/* Signed once more than they are there: nobody can add one that a reader would
 * take for the author's (RFC 6376 8.15). Not those that lists add, so that a
 * list that only adds its own fields leaves the signature whole. */
static const char *const guarded_names[] = {
	"From", "Subject", "To", "Date", "Message-ID",
};

/* RFC 6376 5.4.1, and what else a reader takes for the author's words. */
static const char *const signed_names[] = {
	"From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To",
	"Cc", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
	"In-Reply-To", "References", "Resent-Date", "Resent-From",
	"Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID",
	"List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post",
	"List-Subscribe", "List-Post", "List-Owner", "List-Archive",
};

void
dkim_sign_init(struct dkim_sign *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	buf_init(&s->header, 2 * LIMIT_HEADER_BYTES);
}

void
dkim_sign_release(struct dkim_sign *s)
{
	buf_release(&s->header);
	arena_release(&s->arena);
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

static void
add_name(struct buf *h, const char *name)
{
	if (h->n > 0)
		buf_addc(h, ':');
	buf_adds(h, name);
}

static bool
is_guarded(const char *name)
{
	for (size_t i = 0; i < LEN(guarded_names); i++)
		if (strcmp(guarded_names[i], name) == 0)
			return true;
	return false;
}

/* Each instance there is, and one more of some. */
static void
choose_fields(struct dkim_sign *s, const struct fields *f)
{
	struct buf h = BUF_INIT(H_MAX);

	for (size_t i = 0; i < LEN(signed_names); i++) {
		size_t n = fields_count(f, slice_str(signed_names[i]));

		for (size_t k = 0; k < n && k < INSTANCES; k++)
			add_name(&h, signed_names[i]);
		if (is_guarded(signed_names[i]))
			add_name(&h, signed_names[i]);
	}
	/* RFC 8617 4.1.2: so that a signature taken away later shows. */
	if (s->seal != NULL)
		for (size_t k = fields_count(f, S("DKIM-Signature"));
		    k > 0; k--)
			add_name(&h, "DKIM-Signature");
	s->h = arena_slice(&s->arena, buf_slice(&h));
	buf_release(&h);
	fields_select(f, s->h, !s->simple_header, &s->header);
}

static void
find_author(struct dkim_sign *s, struct slice header)
{
	struct buf text = BUF_INIT(LIMIT_ADDRESS + 2);
	struct address_list list;
	struct slice value;

	if (!header_find(header, S("From"), &value))
		return;
	address_list_parse(&s->arena, value, &list);
	for (size_t i = 0; i < list.n && text.n == 0; i++)
		if (list.v[i].kind == ADDRESS_MAILBOX && list.v[i].host.n > 0)
			address_format(&text, &list.v[i]);
	if (buf_ok(&text))
		s->from = arena_slice(&s->arena, buf_slice(&text));
	buf_release(&text);
}

static int
hash_body(struct dkim_sign *s, struct reader *m, struct slice first)
{
	struct body_hash *h = mem_alloc(sizeof(*h));
	int r;

	body_hash_init(h);
	body_hash_want(h, !s->simple_body, false, 0);
	r = body_hash_read(h, m, first);
	memcpy(s->body_hash, h->list[0].digest, sizeof(s->body_hash));
	body_hash_release(h);
	mem_free(h);
	return r;
}

void
dkim_sign_read(struct dkim_sign *s)
{
	struct buf text = BUF_INIT(2 * LIMIT_HEADER_BYTES);
	struct reader m;
	struct fields f;
	struct slice header;
	size_t body_at;
	bool too_long;

	reader_init(&m, s->fd, s->size, &s->edit);
	if (reader_header(&m, &text, &body_at, &too_long) == -1) {
		s->error = errno;
	} else if (too_long) {
		s->error = EFBIG;
	} else {
		header = slice_head(buf_slice(&text), body_at);
		fields_init(&f, header);
		find_author(s, header);
		if (s->seal != NULL)
			arc_seal_prepare(s->seal, &f, s->seal->chain);
		/* RFC 6376 5.4: From must be signed. */
		if (fields_count(&f, S("From")) > 0) {
			choose_fields(s, &f);
			if (hash_body(s, &m, slice_from(buf_slice(&text),
			    body_at)) == -1)
				s->error = errno;
		}
		fields_release(&f);
	}
	buf_release(&text);
}

static const char *
canon_name(const struct dkim_sign *s)
{
	if (s->simple_header)
		return s->simple_body ? "simple/simple" : "simple/relaxed";
	return s->simple_body ? "relaxed/simple" : "relaxed/relaxed";
}

int
dkim_sign_begin(const struct dkim_sign *s, struct slice domain,
    struct slice selector, enum wire_keys_alg alg, int64_t now,
    struct buf *field,
    unsigned char digest[WIRE_KEYS_DIGEST])
{
	struct buf text = BUF_INIT(3 * LIMIT_HEADER_BYTES);
	struct buf hash = BUF_INIT(64);
	struct tag_writer w;
	size_t start = field->n;
	int r = 0;

	base64_encode(&hash, slice_of(s->body_hash, sizeof(s->body_hash)));
	if (s->seal != NULL) {
		/* RFC 8617 4.1.2: no version, and the instance first. */
		tag_writer_begin(&w, field, "ARC-Message-Signature");
		tag_writer_num(&w, "i", s->seal->instance);
	} else {
		tag_writer_begin(&w, field, "DKIM-Signature");
		tag_writer_add(&w, "v", S("1"));
	}
	tag_writer_add(&w, "a", slice_str(tag_writer_algorithm(alg)));
	tag_writer_add(&w, "c", slice_str(canon_name(s)));
	tag_writer_add(&w, "d", domain);
	tag_writer_add(&w, "s", selector);
	tag_writer_num(&w, "t", (uint64_t)now);
	tag_writer_names(&w, s->h);
	tag_writer_add(&w, "bh", buf_slice(&hash));
	tag_writer_signature(&w);
	buf_add_slice(&text, buf_slice(&s->header));
	canon_field(&text, !s->simple_header,
	    slice_from(buf_slice(field), start));
	if (!buf_ok(field) || !buf_ok(&text) || EVP_Digest(text.p, text.n,
	    digest, NULL, EVP_sha256(), NULL) != 1)
		r = -1;
	buf_release(&text);
	buf_release(&hash);
	return r;
}

void
dkim_sign_end(struct buf *field, struct slice signature)
{
	struct buf text = BUF_INIT(16384);
	struct slice rest;
	size_t room = LINE - 10;

	base64_encode(&text, signature);
	rest = buf_slice(&text);
	while (rest.n > 0) {
		size_t n = rest.n < room ? rest.n : room;

		buf_add_slice(field, slice_head(rest, n));
		rest = slice_from(rest, n);
		if (rest.n > 0)
			buf_adds(field, "\r\n\t ");
		room = LINE - 9;
	}
	buf_adds(field, "\r\n");
	buf_release(&text);
}
