/* Tag lists of ours. See tag_writer.h. */
#include "msgauth/tag_writer.h"

#define LINE 72

void
tag_writer_begin(struct tag_writer *w, struct buf *out, const char *name)
{
	w->out = out;
	w->line = strlen(name) + 1;
	buf_adds(out, name);
	buf_addc(out, ':');
}

void
tag_writer_add(struct tag_writer *w, const char *name, struct slice value)
{
	size_t n = strlen(name) + 2 + value.n;

	if (w->line + 1 + n > LINE) {
		buf_adds(w->out, "\r\n\t");
		w->line = 8;
	} else {
		buf_addc(w->out, ' ');
		w->line += 1;
	}
	buf_adds(w->out, name);
	buf_addc(w->out, '=');
	buf_add_slice(w->out, value);
	buf_addc(w->out, ';');
	w->line += n;
}

void
tag_writer_num(struct tag_writer *w, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	tag_writer_add(w, name, slice_str(text));
}

void
tag_writer_names(struct tag_writer *w, struct slice h)
{
	struct buf *b = w->out;
	struct slice name;
	bool first = true;

	buf_adds(b, "\r\n\th=");
	w->line = 10;
	while (slice_split(&h, ':', &name)) {
		if (!first) {
			buf_addc(b, ':');
			w->line++;
		}
		if (w->line + name.n + 1 > LINE) {
			buf_adds(b, "\r\n\t ");
			w->line = 9;
		}
		buf_add_slice(b, name);
		w->line += name.n;
		first = false;
	}
	buf_addc(b, ';');
	w->line++;
}

void
tag_writer_signature(struct tag_writer *w)
{
	buf_adds(w->out, "\r\n\tb=");
}

static const char *const alg_names[WIRE_KEYS_ALGS] = {
	[WIRE_KEYS_RSA_SHA256] = "rsa-sha256",
	[WIRE_KEYS_ED25519_SHA256] = "ed25519-sha256",
};

const char *
tag_writer_algorithm(enum wire_keys_alg alg)
{
	return alg_names[alg];
}
