#include "sasl/saslprep.h"

#include <idn-free.h>
#include <stringprep.h>

static bool
is_plain(struct slice in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] < ' ' || in.p[i] == 0x7f)
			return false;
	return slice_is_ascii(in);
}

int
saslprep(struct slice in, struct buf *out)
{
	size_t before = out->n;
	char *text, *prepared = NULL;
	int r;

	if (is_plain(in)) {
		buf_add_slice(out, in);
		return buf_ok(out) ? 0 : -1;
	}
	if (!slice_is_utf8(in) || memchr(in.p, '\0', in.n) != NULL)
		return -1;
	text = slice_dup(in);
	r = stringprep_profile(text, &prepared, "SASLprep",
	    STRINGPREP_NO_UNASSIGNED) == STRINGPREP_OK ? 0 : -1;
	if (r == 0) {
		buf_adds(out, prepared);
		mem_wipe(prepared, strlen(prepared));
		idn_free(prepared);
	}
	mem_wipe(text, in.n);
	mem_free(text);
	if (!buf_ok(out)) {
		buf_truncate(out, before);
		return -1;
	}
	return r;
}
