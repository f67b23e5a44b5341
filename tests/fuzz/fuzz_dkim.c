/* What dkim reads from strangers: the first byte chooses signatures and
 * header, key records, or the body canonicalizer. */
#include <sys/mman.h>

#include "core/file.h"
#include "msgauth/canon.h"
#include "msgauth/pubkey.h"
#include "msgauth/dkim_sign.h"
#include "msgauth/dkim_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
file_of(struct slice text)
{
	int fd = memfd_create("message", 0);

	if (fd == -1 || file_write_all(fd, text.p, text.n) == -1)
		abort();
	return fd;
}

static void
judge(struct slice text)
{
	struct buf out = BUF_INIT(1 << 20);
	struct dkim_verify v;

	dkim_verify_init(&v);
	v.fd = file_of(text);
	v.size = text.n;
	v.authserv_id = S("mx.test");
	v.now = 1700000000;
	dkim_verify_read(&v);
	if (v.error != 0)
		abort();
	for (size_t i = 0; i < v.n; i++) {
		struct buf name = BUF_INIT(1024);

		if (v.list[i].result == DKIM_NEEDS_KEY &&
		    dkim_verify_key_name(&v.list[i], &name) == 0)
			dkim_verify_use_key(&v.list[i], S("k=ed25519; p="
			    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
		buf_release(&name);
	}
	dkim_verify_report(&v, NULL, 0, &out);
	buf_release(&out);
	dkim_verify_release(&v);
}

static void
sign_it(struct slice text)
{
	unsigned char digest[WIRE_KEYS_DIGEST];
	struct buf field = BUF_INIT(16384);
	struct dkim_sign s;

	dkim_sign_init(&s);
	s.fd = file_of(text);
	s.size = text.n;
	dkim_sign_read(&s);
	if (s.from.n > 0 && dkim_sign_begin(&s, S("x.test"), S("s"),
	    WIRE_KEYS_RSA_SHA256, 1, &field, digest) == 0)
		dkim_sign_end(&field, S("signature"));
	buf_release(&field);
	dkim_sign_release(&s);
}

static void
record(struct slice text)
{
	for (unsigned alg = 0; alg < WIRE_KEYS_ALGS; alg++) {
		struct pubkey k;

		if (pubkey_parse(&k, text, alg, NULL) == -1)
			continue;
		pubkey_verify(&k, alg, S("01234567890123456789012345678901"),
		    text);
		pubkey_release(&k);
	}
}

static void
append(void *arg, struct slice bytes)
{
	buf_add_slice(arg, bytes);
}

/* The result must not depend on how the body is cut. */
static void
body(struct slice text, bool relaxed)
{
	struct buf whole = BUF_INIT(1 << 22), pieces = BUF_INIT(1 << 22);
	struct canon_body c;

	canon_body_init(&c, relaxed, append, &whole);
	canon_body_feed(&c, text);
	canon_body_end(&c);
	canon_body_init(&c, relaxed, append, &pieces);
	for (size_t i = 0; i < text.n; i++)
		canon_body_feed(&c, slice_head(slice_from(text, i), 1));
	canon_body_end(&c);
	if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)))
		abort();
	buf_release(&whole);
	buf_release(&pieces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text;

	if (n == 0 || n > 1 << 20)
		return 0;
	text = slice_of(p + 1, n - 1);
	switch (p[0] % 4) {
	case 0:
		judge(text);
		break;
	case 1:
		record(text);
		break;
	case 2:
		sign_it(text);
		break;
	case 3:
		body(text, false);
		body(text, true);
		break;
	}
	return 0;
}
