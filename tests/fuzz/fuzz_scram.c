/*
 * The messages of a SCRAM client: the first byte chooses mechanism and
 * channel, a NUL separates the two messages.
 */
#include "sasl/scram.h"
#include "sasl/scram_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct scram_binding bindings[] = {
	{ "tls-exporter", { "exported", 8 } },
	{ "tls-unique", { NULL, 0 } },
};

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct scram_channel channel = { false, bindings, LEN(bindings) };
	struct scram_verifier v = { .rounds = 1, .salt_n = 4 };
	struct buf out = BUF_INIT(2 * LIMIT_SASL_MESSAGE);
	struct slice rest, first = S("");
	const char *why = NULL;
	struct scram s;

	if (n == 0)
		return 0;
	rest = slice_of(p + 1, n - 1);
	slice_split(&rest, '\0', &first);
	channel.offered = (p[0] & 2) != 0;
	scram_init(&s, p[0] & 1 ? SCRAM_SHA256 : SCRAM_SHA1);
	if (scram_first(&s, (p[0] & 4) != 0, &channel, first, &why) == 0) {
		scram_challenge(&s, &v, S("server"), &out);
		if (!buf_ok(&out) || !buf_ok(&s.message))
			abort();
		buf_clear(&out);
		/* Nobody guesses a proof for keys of zeros. */
		if (scram_final(&s, rest, &out, &why) == 0)
			abort();
	}
	if (why == NULL)
		abort();
	scram_release(&s);
	buf_release(&out);
	return 0;
}
