#include "sasl/mechanism.h"

/* PLAIN first: it is what clients that take the first they know have always
 * taken. */
static const struct mechanism mechanisms[] = {
	{ "PLAIN", MECHANISM_PLAIN, 0, false },
	{ "LOGIN", MECHANISM_LOGIN, 0, false },
	{ "SCRAM-SHA-1", MECHANISM_SCRAM, SCRAM_SHA1, false },
	{ "SCRAM-SHA-1-PLUS", MECHANISM_SCRAM, SCRAM_SHA1, true },
	{ "SCRAM-SHA-256", MECHANISM_SCRAM, SCRAM_SHA256, false },
	{ "SCRAM-SHA-256-PLUS", MECHANISM_SCRAM, SCRAM_SHA256, true },
	{ "EXTERNAL", MECHANISM_EXTERNAL, 0, false },
};

const struct mechanism *
mechanism_find(struct slice name)
{
	for (size_t i = 0; i < LEN(mechanisms); i++)
		if (slice_ieq(name, slice_str(mechanisms[i].name)))
			return &mechanisms[i];
	return NULL;
}

static bool
is_offered(const struct mechanism *m, const struct mechanism_offer *o)
{
	switch (m->kind) {
	case MECHANISM_SCRAM:
		return o->scram[m->hash] && (o->plus || !m->plus);
	case MECHANISM_EXTERNAL:
		return o->external;
	default:
		return true;
	}
}

bool
mechanism_offers_plus(const struct mechanism_offer *o,
    const struct mechanism *m)
{
	return m->kind == MECHANISM_SCRAM && o->scram[m->hash] && o->plus;
}

void
mechanism_list(const struct mechanism_offer *o, const char *before,
    struct buf *out)
{
	for (size_t i = 0; i < LEN(mechanisms); i++)
		if (is_offered(&mechanisms[i], o))
			buf_addf(out, "%s%s", before, mechanisms[i].name);
}

void
mechanism_offer_read(struct mechanism_offer *o, const struct slice *text)
{
	struct slice rest = text != NULL ? *text : S(""), line;

	for (unsigned i = 0; i < SCRAM_HASHES; i++)
		o->scram[i] = false;
	while (slice_line(&rest, &line))
		for (unsigned i = 0; i < SCRAM_HASHES; i++)
			if (slice_eq(line, slice_str(scram_hash_name(i))))
				o->scram[i] = true;
}
