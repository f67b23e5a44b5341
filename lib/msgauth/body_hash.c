/* Body hashes. See body_hash.h. */
#include "msgauth/body_hash.h"

#include <openssl/evp.h>

#define READ_SIZE 65536

static void
add(struct body_hash *h, bool relaxed, struct slice bytes)
{
	for (size_t i = 0; i < h->n; i++) {
		struct body_digest *d = &h->list[i];
		size_t n = bytes.n;

		if (d->relaxed != relaxed)
			continue;
		if (d->has_length) {
			uint64_t left = d->length > d->seen ?
			    d->length - d->seen : 0;

			n = n > left ? (size_t)left : n;
		}
		if (n > 0 && EVP_DigestUpdate(d->md, bytes.p, n) != 1)
			panic("SHA-256 failed");
		d->seen += bytes.n;
	}
}

static void
on_simple(void *arg, struct slice bytes)
{
	add(arg, false, bytes);
}

static void
on_relaxed(void *arg, struct slice bytes)
{
	add(arg, true, bytes);
}

void
body_hash_init(struct body_hash *h)
{
	h->n = 0;
	h->wanted[0] = h->wanted[1] = false;
	canon_body_init(&h->bodies[0], false, on_simple, h);
	canon_body_init(&h->bodies[1], true, on_relaxed, h);
}

void
body_hash_release(struct body_hash *h)
{
	for (size_t i = 0; i < h->n; i++)
		EVP_MD_CTX_free(h->list[i].md);
	h->n = 0;
}

size_t
body_hash_want(struct body_hash *h, bool relaxed, bool has_length,
    uint64_t length)
{
	struct body_digest *d;

	for (size_t i = 0; i < h->n; i++) {
		d = &h->list[i];
		if (d->relaxed == relaxed && d->has_length == has_length &&
		    d->length == length)
			return i;
	}
	assert(h->n < LEN(h->list));
	d = &h->list[h->n];
	*d = (struct body_digest){ .relaxed = relaxed,
		.has_length = has_length, .length = length,
		.md = EVP_MD_CTX_new() };
	if (d->md == NULL || EVP_DigestInit_ex(d->md, EVP_sha256(), NULL) != 1)
		panic("SHA-256 failed");
	h->wanted[relaxed ? 1 : 0] = true;
	return h->n++;
}

static void
feed(struct body_hash *h, struct slice bytes)
{
	for (size_t i = 0; i < 2; i++)
		if (h->wanted[i])
			canon_body_feed(&h->bodies[i], bytes);
}

int
body_hash_read(struct body_hash *h, struct reader *m, struct slice first)
{
	size_t room = m->size < READ_SIZE ? (size_t)m->size + 1 : READ_SIZE;
	char *chunk;
	ssize_t n;

	if (h->n == 0)
		return 0;
	chunk = mem_alloc(room);
	feed(h, first);
	while ((n = reader_read(m, chunk, room)) > 0)
		feed(h, slice_of(chunk, (size_t)n));
	for (size_t i = 0; i < 2; i++)
		if (h->wanted[i])
			canon_body_end(&h->bodies[i]);
	for (size_t i = 0; i < h->n; i++)
		if (EVP_DigestFinal_ex(h->list[i].md, h->list[i].digest,
		    NULL) != 1)
			panic("SHA-256 failed");
	mem_free(chunk);
	return n == 0 ? 0 : -1;
}
