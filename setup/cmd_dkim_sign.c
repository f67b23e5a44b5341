#include "setup/commands.h"

#include "core/now.h"
#include "setup/signer.h"

#define FIELD_MAX 16384

int
cmd_dkim_sign(struct setup *s, int argc, char **argv)
{
	struct signer g = { 0 };
	const struct explain_option options[] = { SIGNER_OPTIONS(&g) };
	unsigned char digest[WIRE_KEYS_DIGEST];
	struct buf field = BUF_INIT(FIELD_MAX);
	int r = explain_options(s, argc, argv, options, LEN(options), &g.file,
	    1);

	if (r == -1)
		return EXPLAIN_MISUSE;
	if (r == 0)
		return explain_misuse(s, "which file?");
	r = signer_open(s, &g);
	if (r == 0 && (dkim_sign_begin(&g.sign, slice_str(g.domain),
	    slice_str(g.selector), g.alg, now_wall(), &field, digest) == -1 ||
	    signer_end(&g, digest, &field) == -1))
		r = say_abort(s, "The key does not sign");
	if (r == 0)
		fwrite(field.p, 1, field.n, stdout);
	buf_release(&field);
	signer_release(&g);
	return r;
}
