#include "services/reports/feedback.h"

#include <expat.h>

#include "core/limits.h"
#include "core/num.h"
#include "msgauth/orgdomain.h"

#define DEPTH 16
/* Of one tag, comment or the like, which expat holds back until it ends, and
 * reads from its start with each piece. */
#define TOKEN_MAX (1 << 20)
/* The largest count that is believed, so that sums stay numbers. */
#define COUNT_MAX INT64_C(1000000000000)
/* Seconds up to the year 5138; above it somebody writes milliseconds. */
#define SECONDS_MAX INT64_C(99999999999)

/* Elements we know, by their path. */
enum element {
	E_OTHER,
	E_FEEDBACK,
	E_METADATA,
	E_ORG,
	E_EMAIL,
	E_ID,
	E_RANGE,
	E_BEGIN,
	E_END,
	E_POLICY,
	E_DOMAIN,
	E_P,
	E_RECORD,
	E_ROW,
	E_SOURCE,
	E_COUNT,
	E_EVALUATED,
	E_DISPOSITION,
	E_DKIM,
	E_SPF,
	E_REASON,
	E_REASON_TYPE,
	E_IDENTIFIERS,
	E_FROM,
	E_ENVELOPE,
	E_AUTH,
	E_AUTH_DKIM,
	E_DKIM_DOMAIN,
	E_DKIM_SELECTOR,
	E_DKIM_RESULT,
	E_AUTH_SPF,
	E_SPF_DOMAIN,
	E_SPF_RESULT,
};

static const struct {
	enum element parent;
	const char *name;
	enum element element;
} tree[] = {
	{ E_OTHER, "feedback", E_FEEDBACK },
	{ E_FEEDBACK, "report_metadata", E_METADATA },
	{ E_METADATA, "org_name", E_ORG },
	{ E_METADATA, "email", E_EMAIL },
	{ E_METADATA, "report_id", E_ID },
	{ E_METADATA, "date_range", E_RANGE },
	{ E_RANGE, "begin", E_BEGIN },
	{ E_RANGE, "end", E_END },
	{ E_FEEDBACK, "policy_published", E_POLICY },
	{ E_POLICY, "domain", E_DOMAIN },
	{ E_POLICY, "p", E_P },
	{ E_FEEDBACK, "record", E_RECORD },
	{ E_RECORD, "row", E_ROW },
	{ E_ROW, "source_ip", E_SOURCE },
	{ E_ROW, "count", E_COUNT },
	{ E_ROW, "policy_evaluated", E_EVALUATED },
	{ E_EVALUATED, "disposition", E_DISPOSITION },
	{ E_EVALUATED, "dkim", E_DKIM },
	{ E_EVALUATED, "spf", E_SPF },
	{ E_EVALUATED, "reason", E_REASON },
	{ E_REASON, "type", E_REASON_TYPE },
	{ E_RECORD, "identifiers", E_IDENTIFIERS },
	{ E_IDENTIFIERS, "header_from", E_FROM },
	{ E_IDENTIFIERS, "envelope_from", E_ENVELOPE },
	{ E_RECORD, "auth_results", E_AUTH },
	{ E_AUTH, "dkim", E_AUTH_DKIM },
	{ E_AUTH_DKIM, "domain", E_DKIM_DOMAIN },
	{ E_AUTH_DKIM, "selector", E_DKIM_SELECTOR },
	{ E_AUTH_DKIM, "result", E_DKIM_RESULT },
	{ E_AUTH, "spf", E_AUTH_SPF },
	{ E_AUTH_SPF, "domain", E_SPF_DOMAIN },
	{ E_AUTH_SPF, "result", E_SPF_RESULT },
};

/* One result of auth_results. */
struct auth {
	struct feedback_text domain;
	struct feedback_text selector;
	struct feedback_text result;
};

struct feedback {
	XML_Parser xml;
	feedback_fn *fn;
	void *arg;
	enum element path[DEPTH];
	unsigned depth;
	struct feedback_head head;
	struct feedback_row row;
	struct auth dkim;
	struct auth spf;
	char text[FEEDBACK_TEXT + 1]; /* of the element at hand */
	size_t n;
	size_t rows;
	bool begun;
	size_t silent; /* octets fed since expat last told something */
	const char *why;
};

static void
stop(struct feedback *f, const char *why)
{
	if (f->why == NULL)
		f->why = why;
	XML_StopParser(f->xml, XML_FALSE);
}

static enum element
lookup(enum element parent, const char *name)
{
	const char *colon = strchr(name, ':');

	if (colon != NULL) /* a namespace prefix says nothing here */
		name = colon + 1;
	for (size_t i = 0; i < LEN(tree); i++)
		if (tree[i].parent == parent &&
		    strcmp(tree[i].name, name) == 0)
			return tree[i].element;
	return E_OTHER;
}

static void
on_start(void *arg, const char *name, const char **attributes UNUSED)
{
	struct feedback *f = arg;
	enum element e = E_OTHER;

	f->silent = 0;
	if (f->depth == DEPTH) {
		stop(f, "nested too deep");
		return;
	}
	/* A stranger among the parents hides what is in it. */
	if (f->depth == 0 || f->path[f->depth - 1] != E_OTHER)
		e = lookup(f->depth == 0 ? E_OTHER : f->path[f->depth - 1],
		    name);
	if (f->depth == 0 && e != E_FEEDBACK) {
		stop(f, "not an aggregate report");
		return;
	}
	f->path[f->depth++] = e;
	f->n = 0;
	if (e == E_RECORD)
		f->row = (struct feedback_row){ 0 };
	if (e == E_AUTH_DKIM)
		f->dkim = (struct auth){ 0 };
	if (e == E_AUTH_SPF)
		f->spf = (struct auth){ 0 };
}

static void
on_text(void *arg, const char *s, int n)
{
	struct feedback *f = arg;

	f->silent = 0;
	for (int i = 0; i < n && f->n < FEEDBACK_TEXT; i++)
		if ((unsigned char)s[i] >= ' ' && s[i] != 0x7f)
			f->text[f->n++] = s[i];
}

static void
keep(struct feedback *f, struct feedback_text *t)
{
	struct slice s = slice_trim(slice_of(f->text, f->n));
	size_t n = 0;

	/* A character that was cut in two. */
	while (!slice_is_utf8(s))
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		/* U+0080 to U+009F are controls, too. */
		if (s.n - i >= 2 && s.p[i] == '\xc2' &&
		    (unsigned char)s.p[i + 1] < 0xa0)
			i++;
		else
			t->s[n++] = s.p[i];
	}
	t->s[n] = '\0';
}

/* Some write "Pass". */
static void
keep_word(struct feedback *f, struct feedback_text *t)
{
	keep(f, t);
	for (char *p = t->s; *p != '\0'; p++)
		*p = ascii_lower(*p);
}

/* "Example.com." is example.com. */
static void
keep_domain(struct feedback *f, struct feedback_text *t)
{
	size_t n;

	keep_word(f, t);
	n = strlen(t->s);
	if (n > 0 && t->s[n - 1] == '.')
		t->s[n - 1] = '\0';
}

static void
keep_count(struct feedback *f, uint64_t *out)
{
	if (num_u64(slice_trim(slice_of(f->text, f->n)), COUNT_MAX, out) == -1)
		*out = 0;
}

static void
keep_date(struct feedback *f, uint64_t *out)
{
	struct slice s = slice_trim(slice_of(f->text, f->n)), whole = s;

	slice_split(&s, '.', &whole); /* some write fractions */
	if (num_u64(whole, INT64_MAX, out) == -1)
		*out = 0;
	if (*out > SECONDS_MAX)
		*out /= 1000;
	if (*out > SECONDS_MAX)
		*out = 0;
}

static void
keep_bool(struct feedback *f, bool *out)
{
	*out = slice_ieq(slice_trim(slice_of(f->text, f->n)), S("pass"));
}

/* Of several signatures one that passed for the author is worth most, then one
 * that passed. */
static int
worth(const struct feedback *f, const char *domain, const char *result)
{
	struct slice author = slice_str(f->row.from.s[0] != '\0' ?
	    f->row.from.s : f->head.domain.s);

	if (strcmp(result, "pass") != 0)
		return result[0] != '\0';
	return slice_eq(orgdomain(slice_str(domain)), orgdomain(author)) ? 3 :
	    2;
}

static void
keep_dkim(struct feedback *f)
{
	struct feedback_row *r = &f->row;

	if (worth(f, f->dkim.domain.s, f->dkim.result.s) <=
	    worth(f, r->dkim_domain.s, r->dkim_result.s))
		return;
	r->dkim_domain = f->dkim.domain;
	r->dkim_selector = f->dkim.selector;
	r->dkim_result = f->dkim.result;
}

static void
keep_spf(struct feedback *f)
{
	struct feedback_row *r = &f->row;

	if (worth(f, f->spf.domain.s, f->spf.result.s) <=
	    worth(f, r->spf_domain.s, r->spf_result.s))
		return;
	r->spf_domain = f->spf.domain;
	r->spf_result = f->spf.result;
}

static void
end_record(struct feedback *f)
{
	if (++f->rows > LIMIT_REPORT_ROWS)
		stop(f, "too many rows");
	else if (f->fn(f->arg, &f->head, &f->row) != 0)
		stop(f, "cannot be kept");
}

static void
on_end(void *arg, const char *name UNUSED)
{
	struct feedback *f = arg;
	struct feedback_head *h = &f->head;
	struct feedback_row *r = &f->row;

	f->silent = 0;
	/* Of "<x/>" expat tells the end, even if its begin stopped it. */
	if (f->why != NULL)
		return;
	switch (f->path[--f->depth]) {
	case E_ORG: keep(f, &h->org); break;
	case E_EMAIL: keep(f, &h->email); break;
	case E_ID: keep(f, &h->id); break;
	case E_BEGIN: keep_date(f, &h->begin); break;
	case E_END: keep_date(f, &h->end); break;
	case E_DOMAIN: keep_domain(f, &h->domain); break;
	case E_P: keep_word(f, &h->policy); break;
	case E_SOURCE: keep(f, &r->source); break;
	case E_COUNT: keep_count(f, &r->count); break;
	case E_DISPOSITION: keep_word(f, &r->disposition); break;
	case E_DKIM: keep_bool(f, &r->dkim); break;
	case E_SPF: keep_bool(f, &r->spf); break;
	case E_REASON_TYPE: keep_word(f, &r->reason); break;
	case E_FROM: keep_domain(f, &r->from); break;
	case E_ENVELOPE: keep_domain(f, &r->envelope); break;
	case E_DKIM_DOMAIN: keep_domain(f, &f->dkim.domain); break;
	case E_DKIM_SELECTOR: keep(f, &f->dkim.selector); break;
	case E_DKIM_RESULT: keep_word(f, &f->dkim.result); break;
	case E_SPF_DOMAIN: keep_domain(f, &f->spf.domain); break;
	case E_SPF_RESULT: keep_word(f, &f->spf.result); break;
	case E_AUTH_DKIM: keep_dkim(f); break;
	case E_AUTH_SPF: keep_spf(f); break;
	case E_RECORD: end_record(f); break;
	default: break;
	}
	f->n = 0;
}

/* Entities are declared in a document type, and a report has none. */
static void
on_doctype(void *arg, const char *name UNUSED, const char *system UNUSED,
    const char *public UNUSED, int internal UNUSED)
{
	stop(arg, "a document type is not allowed");
}

/* Comments and whatever else the others do not get. */
static void
on_other(void *arg, const char *s UNUSED, int n UNUSED)
{
	struct feedback *f = arg;

	f->silent = 0;
}

struct feedback *
feedback_new(feedback_fn *fn, void *arg)
{
	struct feedback *f = mem_zero(sizeof(*f));

	f->fn = fn;
	f->arg = arg;
	f->xml = XML_ParserCreate(NULL);
	if (f->xml == NULL)
		panic("expat: out of memory");
	XML_SetUserData(f->xml, f);
	XML_SetElementHandler(f->xml, on_start, on_end);
	XML_SetCharacterDataHandler(f->xml, on_text);
	XML_SetDefaultHandler(f->xml, on_other);
	XML_SetStartDoctypeDeclHandler(f->xml, on_doctype);
	return f;
}

static int
parse(struct feedback *f, struct slice piece, bool last)
{
	if (f->why != NULL)
		return -1;
	f->begun = true;
	f->silent += piece.n;
	if (XML_Parse(f->xml, piece.p, (int)piece.n, last) != XML_STATUS_OK &&
	    f->why == NULL)
		f->why = "malformed XML";
	else if (f->silent > TOKEN_MAX)
		f->why = "a tag or comment is too long";
	return f->why == NULL ? 0 : -1;
}

int
feedback_feed(struct feedback *f, struct slice piece)
{
	/* Some write a line end before "<?xml", where it must not be. */
	if (!f->begun)
		while (piece.n > 0 && strchr(" \t\r\n", piece.p[0]) != NULL &&
		    piece.p[0] != '\0')
			piece = slice_from(piece, 1);
	while (piece.n > 0) {
		struct slice part = slice_head(piece, TOKEN_MAX / 4);

		if (parse(f, part, false) == -1)
			return -1;
		piece = slice_from(piece, part.n);
	}
	return 0;
}

int
feedback_end(struct feedback *f)
{
	return parse(f, S(""), true);
}

const struct feedback_head *
feedback_head(const struct feedback *f)
{
	return &f->head;
}

const char *
feedback_why(const struct feedback *f)
{
	return f->why;
}

void
feedback_free(struct feedback *f)
{
	if (f == NULL)
		return;
	XML_ParserFree(f->xml);
	mem_free(f);
}
