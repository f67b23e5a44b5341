/* DMARC records. See dmarc_record.h. */
#include "msgauth/dmarc_record.h"

#include "core/num.h"
#include "mail/addr.h"

static const char *const policy_names[DMARC_POLICIES] = {
	[DMARC_UNSET] = "",
	[DMARC_NONE] = "none",
	[DMARC_QUARANTINE] = "quarantine",
	[DMARC_REJECT] = "reject",
};

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	return policy_names[p];
}

/* The next "name = value"; an item without "=" has an empty name. */
static bool
next_tag(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice item;
	ssize_t eq;

	if (!slice_split(rest, ';', &item))
		return false;
	eq = slice_find(item, '=');
	*name = slice_trim(slice_head(item, eq < 0 ? 0 : (size_t)eq));
	*value = slice_trim(slice_from(item, eq < 0 ? 0 : (size_t)eq + 1));
	return true;
}

bool
dmarc_record_is(struct slice txt)
{
	struct slice name, value;

	/* The version's letters must be as they are (6.3), that of the tag
	 * need not (6.4). */
	return next_tag(&txt, &name, &value) && slice_ieq(name, S("v")) &&
	    slice_eq(value, S("DMARC1"));
}

static enum dmarc_policy
policy_of(struct slice value)
{
	for (unsigned p = DMARC_NONE; p < DMARC_POLICIES; p++)
		if (slice_ieq(value, slice_str(policy_names[p])))
			return p;
	return DMARC_UNSET;
}

static void
take_p(struct dmarc_record *r, struct slice value)
{
	r->p = policy_of(value);
}

static void
take_sp(struct dmarc_record *r, struct slice value)
{
	r->sp = policy_of(value);
}

static void
take_np(struct dmarc_record *r, struct slice value)
{
	r->np = policy_of(value);
}

static void
take_adkim(struct dmarc_record *r, struct slice value)
{
	r->strict_dkim = slice_ieq(value, S("s"));
}

static void
take_aspf(struct dmarc_record *r, struct slice value)
{
	r->strict_spf = slice_ieq(value, S("s"));
}

static void
take_pct(struct dmarc_record *r, struct slice value)
{
	uint64_t n;

	if (num_u64(value, 100, &n) == 0)
		r->pct = (unsigned)n;
}

static void
take_t(struct dmarc_record *r, struct slice value)
{
	r->testing = slice_ieq(value, S("y"));
}

static void
take_psd(struct dmarc_record *r, struct slice value)
{
	if (slice_ieq(value, S("y")))
		r->psd = DMARC_PSD_YES;
	else if (slice_ieq(value, S("n")))
		r->psd = DMARC_PSD_NO;
}

static void
take_fo(struct dmarc_record *r, struct slice value)
{
	static const struct {
		char letter;
		unsigned bit;
	} letters[] = { { '0', DMARC_FO_ALL }, { '1', DMARC_FO_ANY },
		{ 'd', DMARC_FO_DKIM }, { 's', DMARC_FO_SPF } };
	struct slice word;
	unsigned bits = 0;

	while (slice_split(&value, ':', &word))
		for (size_t i = 0; i < LEN(letters); i++) {
			word = slice_trim(word);
			if (word.n == 1 &&
			    ascii_lower(word.p[0]) == letters[i].letter)
				bits |= letters[i].bit;
		}
	if (bits != 0)
		r->fo = bits;
}

static void
take_rf(struct dmarc_record *r, struct slice value)
{
	if (value.n > 0)
		r->rf = value;
}

static void
take_ri(struct dmarc_record *r, struct slice value)
{
	uint64_t n;

	if (num_u64(value, UINT32_MAX, &n) == 0)
		r->ri = (uint32_t)n;
}

static void
take_rua(struct dmarc_record *r, struct slice value)
{
	r->rua = value;
}

static void
take_ruf(struct dmarc_record *r, struct slice value)
{
	r->ruf = value;
}

static const struct {
	const char *name;
	void (*take)(struct dmarc_record *, struct slice);
} known[] = {
	{ "p", take_p }, { "sp", take_sp }, { "np", take_np },
	{ "adkim", take_adkim }, { "aspf", take_aspf }, { "pct", take_pct },
	{ "t", take_t }, { "psd", take_psd }, { "fo", take_fo },
	{ "rf", take_rf }, { "ri", take_ri }, { "rua", take_rua },
	{ "ruf", take_ruf },
};

int
dmarc_record_parse(struct dmarc_record *r, struct slice txt, const char **why)
{
	struct slice rest = txt, name, value, address;
	unsigned seen = 0;
	bool bad_sp = false;
	uint64_t most;

	*r = (struct dmarc_record){ .pct = 100, .fo = DMARC_FO_ALL,
		.ri = DMARC_INTERVAL, .rf = S("afrf") };
	if (!dmarc_record_is(txt))
		return fail(why, "the record does not begin with v=DMARC1");
	while (next_tag(&rest, &name, &value))
		for (size_t i = 0; i < LEN(known); i++) {
			/* A tag that is there twice counts once: which one
			 * would be a guess, the first is what came first. */
			if (!slice_ieq(name, slice_str(known[i].name)) ||
			    (seen & 1u << i) != 0)
				continue;
			seen |= 1u << i;
			known[i].take(r, value);
			bad_sp |= known[i].take == take_sp &&
			    r->sp == DMARC_UNSET;
		}
	if (r->p != DMARC_UNSET && !bad_sp)
		return 0;
	rest = r->rua;
	r->mended = bad_sp ? "the record has no valid sp=" :
	    "the record has no valid p=";
	if (!dmarc_record_mailto(&rest, &address, &most))
		return fail(why, r->mended);
	r->p = r->sp = DMARC_NONE;
	return 0;
}

/* "10m" behind the "!": a number and perhaps a unit (RFC 7489 6.2). */
static int
parse_size(struct slice s, uint64_t *most)
{
	static const char units[] = "kmgt";
	const char *unit;
	unsigned shift = 0;

	if (num_take(&s, UINT64_MAX, most) == -1 || s.n > 1)
		return -1;
	if (s.n == 1) {
		unit = s.p[0] != 0 ? strchr(units, ascii_lower(s.p[0])) : NULL;
		if (unit == NULL)
			return -1;
		shift = (unsigned)(10 * (unit - units + 1));
	}
	*most = *most > UINT64_MAX >> shift ? UINT64_MAX : *most << shift;
	return 0;
}

bool
dmarc_record_uri(struct slice uri, struct slice *address, uint64_t *most)
{
	struct addr a;
	ssize_t bang;

	uri = slice_trim(uri);
	*most = 0;
	bang = slice_rfind(uri, '!');
	if (bang >= 0) {
		if (parse_size(slice_from(uri, (size_t)bang + 1), most) == -1)
			return false;
		uri = slice_head(uri, (size_t)bang);
	}
	if (!slice_istarts(uri, S("mailto:")))
		return false;
	*address = uri = slice_from(uri, 7);
	slice_split(&uri, '?', address); /* fields for a form: RFC 6068 */
	return addr_parse(*address, 0, &a, NULL) == 0;
}

bool
dmarc_record_mailto(struct slice *list, struct slice *address, uint64_t *most)
{
	struct slice uri;

	while (slice_split(list, ',', &uri))
		if (dmarc_record_uri(uri, address, most))
			return true;
	return false;
}
