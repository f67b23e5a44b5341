/* A header with ARC sets: collected, judged with a key that fits none, and
 * sealed once more whatever it is. */
#include "msgauth/arc.h"
#include "msgauth/arc_seal.h"
#include "msgauth/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
judge(struct arc *c, struct arena *arena, const struct fields *f)
{
	static const char key[] = "\x40k=ed25519; p="
	    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
	struct wire_dns_answer a = { .status = WIRE_DNS_OK, .count = 1 };
	struct dns_question q;
	size_t asked = 0;

	a.rdata[0] = slice_of(key, sizeof(key) - 1);
	arc_collect(c, arena, f, 1700000000, NULL);
	while (arc_step(c, &q) == MSGAUTH_ASK) {
		if (++asked > LIMIT_ARC_SETS + 1)
			abort();
		arc_answer(c, &a);
	}
	if (c->n > LIMIT_ARC_SETS || (c->result == ARC_NONE) != (c->n == 0 &&
	    c->why == NULL))
		abort();
}

static void
seal(const struct fields *f, enum arc_result chain)
{
	unsigned char digest[WIRE_KEYS_DIGEST];
	struct buf field = BUF_INIT(16384);
	struct arc_seal s;

	arc_seal_init(&s);
	arc_seal_prepare(&s, f, chain);
	if (s.instance > LIMIT_ARC_SETS)
		abort();
	if (s.instance > 0 && (arc_seal_results(&s, S("x.test; none")) == -1 ||
	    arc_seal_begin(&s, S("ARC-Message-Signature: i=1; b=x\r\n"),
	    S("x.test"), S("s"), WIRE_KEYS_RSA_SHA256, 1, &field, digest) ==
	    -1))
		abort();
	buf_release(&field);
	arc_seal_release(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct slice trusted[] = { { "x.test", 6 } };
	struct slice text = slice_of(p, n);
	struct arena arena = ARENA_INIT;
	struct fields f;
	struct arc c;
	struct tags t;

	if (n > LIMIT_HEADER_BYTES)
		return 0;
	if (tags_parse(&t, text, NULL) == 0 && t.n > LIMIT_DKIM_TAGS)
		abort();
	fields_init(&f, text);
	judge(&c, &arena, &f);
	arc_vouches(&c, S("a.test"), trusted, LEN(trusted));
	for (unsigned chain = 0; chain < ARC_RESULTS; chain++)
		seal(&f, chain);
	arc_release(&c);
	arena_release(&arena);
	fields_release(&f);
	return 0;
}
