/*
 * DMARC. See dmarc.h. Each step runs the evaluation from its start over what
 * has been answered, and stops at the first name that has not.
 */
#include "msgauth/dmarc.h"

#include "mail/addr.h"
#include "msgauth/orgdomain.h"
#include "msgauth/verified.h"

static const char *const result_names[DMARC_RESULTS] = {
	[DMARC_RESULT_NONE] = "none",
	[DMARC_PASS] = "pass",
	[DMARC_FAIL] = "fail",
	[DMARC_TEMPERROR] = "temperror",
	[DMARC_PERMERROR] = "permerror",
};

const char *
dmarc_result_name(enum dmarc_result r)
{
	return result_names[r];
}

void
dmarc_init(struct dmarc *d, struct slice author)
{
	*d = (struct dmarc){ 0 };
	d->author = arena_slice(&d->arena, author);
	d->org = orgdomain(d->author);
	d->tag = "p";
}

void
dmarc_release(struct dmarc *d)
{
	arena_release(&d->arena);
}

void
dmarc_vouch(struct dmarc *d, enum dmarc_method method, const char *result,
    struct slice domain)
{
	struct buf ascii = BUF_INIT(LIMIT_DOMAIN + 1);
	struct dmarc_identifier *id;

	if (d->n == LEN(d->list))
		return;
	id = &d->list[d->n++];
	*id = (struct dmarc_identifier){ .method = method, .result = result };
	if (addr_domain_valid(domain, ADDR_UTF8) &&
	    msgauth_ascii_name(domain, &ascii) == 0)
		id->domain = arena_slice(&d->arena, buf_slice(&ascii));
	buf_release(&ascii);
}

static void
conclude(struct dmarc *d, enum dmarc_result result, struct slice why)
{
	d->result = result;
	d->why = why;
}

/* --- questions ------------------------------------------------------------ */

/* What was answered to a question, or NULL. */
static const struct dmarc_asked *
known(const struct dmarc *d, struct slice name, uint32_t type)
{
	for (size_t i = 0; i < d->asked_count; i++)
		if (d->asked[i].type == type &&
		    slice_eq(d->asked[i].name, name))
			return &d->asked[i];
	return NULL;
}

/*
 * The answer, or NULL: then it must be asked first. Beyond the cap everything
 * counts as absent.
 */
static const struct dmarc_asked *
look(struct dmarc *d, struct slice name, uint32_t type)
{
	static const struct dmarc_asked absent = { .state = DMARC_ABSENT };
	const struct dmarc_asked *a = known(d, name, type);

	if (a != NULL)
		return a;
	if (d->asked_count == LEN(d->asked))
		return &absent;
	d->question = name;
	d->type = type;
	return NULL;
}

static enum msgauth_step
ask(struct dmarc *d, struct dns_question *q)
{
	q->type = d->type;
	q->name = d->type != DNS_TXT ? d->question :
	    slice_str(arena_printf(&d->arena, "_dmarc.%.*s",
	    SLICE_ARG(d->question)));
	return MSGAUTH_ASK;
}

/* RFC 7489 6.6.3, steps 2 to 5; several records count as none, and the walk
 * goes on (DMARCbis 4.10). */
static void
take_records(struct dmarc *d, struct dmarc_asked *a,
    const struct wire_dns_answer *answer)
{
	size_t count = 0;

	for (uint32_t i = 0; i < answer->count; i++) {
		struct buf text = BUF_INIT(LIMIT_FRAME);

		if (wire_dns_txt(answer->rdata[i], &text) == 0 &&
		    dmarc_record_is(buf_slice(&text)) && count++ == 0)
			a->text = arena_slice(&d->arena, buf_slice(&text));
		buf_release(&text);
	}
	a->several = count > 1;
	if (count == 1)
		a->state = dmarc_record_parse(&a->record, a->text, &a->why) ==
		    -1 ? DMARC_INVALID : DMARC_RECORD;
}

void
dmarc_answer(struct dmarc *d, const struct wire_dns_answer *answer)
{
	struct dmarc_asked *a;

	assert(d->asked_count < LEN(d->asked));
	a = &d->asked[d->asked_count++];
	*a = (struct dmarc_asked){ .name = d->question, .type = d->type,
		.state = DMARC_ABSENT };
	if (answer == NULL || answer->status == WIRE_DNS_SERVFAIL ||
	    answer->status == WIRE_DNS_BOGUS)
		a->state = DMARC_UNKNOWN;
	else if (answer->status == WIRE_DNS_NXDOMAIN)
		a->nxdomain = true;
	else if (answer->status == WIRE_DNS_OK && d->type == DNS_TXT)
		take_records(d, a, answer);
	else if (answer->status == WIRE_DNS_OK)
		a->state = DMARC_RECORD;
}

/* --- the tree ------------------------------------------------------------- */

static size_t
labels(struct slice name)
{
	size_t n = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

static struct slice
parent(struct slice name)
{
	ssize_t dot = slice_find(name, '.');

	return dot < 0 ? S("") : slice_from(name, (size_t)dot + 1);
}

/* The next name of a walk: of long names the lower part is passed over. */
static struct slice
up(struct slice name)
{
	do
		name = parent(name);
	while (labels(name) >= LIMIT_DMARC_LABELS);
	return name;
}

/* True if name is top or below it. */
static bool
is_within(struct slice name, struct slice top)
{
	return slice_eq(name, top) || (name.n > top.n &&
	    slice_ends(name, top) && name.p[name.n - top.n - 1] == '.');
}

/* The name right below top on the way to name. */
static struct slice
below(struct slice name, struct slice top)
{
	while (labels(name) > labels(top) + 1)
		name = parent(name);
	return name;
}

/*
 * Looks at one name of a walk that began at start. True if its psd= says
 * where the organizational domain is.
 */
static bool
says_org(const struct dmarc_asked *a, struct slice start, struct slice *org)
{
	if (a == NULL || a->state != DMARC_RECORD ||
	    a->record.psd == DMARC_PSD_UNKNOWN)
		return false;
	/* A name that is a public suffix itself has nothing below. */
	if (a->record.psd == DMARC_PSD_NO || slice_eq(a->name, start))
		*org = a->name;
	else
		*org = below(start, a->name);
	return true;
}

/*
 * The organizational domain of name, for alignment. False: something must be
 * asked first. What cannot be had now is taken as absent: the list then
 * decides.
 */
static bool
find_org(struct dmarc *d, struct slice name, struct slice *org)
{
	struct slice top = orgdomain(name);

	*org = top;
	for (struct slice at = name; at.n > 0; at = up(at)) {
		/* Beyond the list's domain only what is known already. */
		const struct dmarc_asked *a = is_within(at, top) ?
		    look(d, at, DNS_TXT) : known(d, at, DNS_TXT);

		if (a == NULL && is_within(at, top))
			return false;
		if (says_org(a, name, org))
			break;
	}
	return true;
}

/* --- the policy ----------------------------------------------------------- */

static void
use_record(struct dmarc *d, const struct dmarc_asked *a)
{
	d->found = a;
	if (a->state == DMARC_INVALID)
		conclude(d, DMARC_PERMERROR, slice_str(arena_printf(&d->arena,
		    "%s (_dmarc.%.*s)", a->why, SLICE_ARG(a->name))));
}

static void
conclude_unanswered(struct dmarc *d, const struct dmarc_asked *a)
{
	conclude(d, DMARC_TEMPERROR, slice_str(arena_printf(&d->arena,
	    "the DNS does not answer for _dmarc.%.*s", SLICE_ARG(a->name))));
}

/*
 * Walks up from the author's domain, which has no record. False: something
 * must be asked first.
 */
static bool
walk(struct dmarc *d)
{
	const struct dmarc_asked *highest = NULL, *psd = NULL, *a;
	struct slice top = orgdomain(d->author);

	for (struct slice at = up(d->author); at.n > 0; at = up(at)) {
		bool inside = is_within(at, top);

		if (!inside && highest != NULL)
			break;
		a = look(d, at, DNS_TXT);
		if (a == NULL)
			return false;
		if (a->state == DMARC_UNKNOWN && inside) {
			conclude_unanswered(d, a);
			return true;
		}
		if (inside && (a->state == DMARC_RECORD ||
		    (a->state == DMARC_INVALID && highest == NULL)))
			highest = a;
		if (says_org(a, d->author, &d->org)) {
			psd = a;
			break;
		}
	}
	if (psd != NULL) {
		/* DMARCbis 4.10.1: that domain's record, else the suffix's. */
		a = known(d, d->org, DNS_TXT);
		use_record(d, a != NULL && a->state == DMARC_RECORD ? a : psd);
	} else if (highest != NULL) {
		use_record(d, highest);
	}
	return true;
}

/*
 * RFC 9091 section 2.7: a name without A, AAAA and MX does not exist
 * (DMARC_ABSENT). False: something must be asked first.
 */
static bool
author_exists(struct dmarc *d, int *state)
{
	static const uint32_t types[] = { DNS_MX, DNS_A, DNS_AAAA };

	*state = DMARC_ABSENT;
	for (size_t i = 0; i < LEN(types); i++) {
		const struct dmarc_asked *a = look(d, d->author, types[i]);

		if (a == NULL)
			return false;
		if (a->state != DMARC_ABSENT)
			*state = a->state;
		if (a->state == DMARC_RECORD || a->nxdomain)
			break;
	}
	return true;
}

/* Which of p=, sp= and np= counts. False: something must be asked first. */
static bool
choose_policy(struct dmarc *d)
{
	const struct dmarc_record *r = &d->found->record;
	int exists = DMARC_RECORD;

	d->policy = r->p;
	if (slice_eq(d->found->name, d->author))
		return true;
	if (r->np != DMARC_UNSET && !author_exists(d, &exists))
		return false;
	if (r->sp != DMARC_UNSET) {
		d->policy = r->sp;
		d->tag = "sp";
	}
	/* Where the DNS does not tell which counts, the milder one. */
	if (exists == DMARC_ABSENT || (exists == DMARC_UNKNOWN &&
	    r->np < d->policy)) {
		d->policy = r->np;
		d->tag = "np";
	}
	return true;
}

enum msgauth_step
dmarc_discover(struct dmarc *d, struct dns_question *q)
{
	const struct dmarc_asked *own;

	d->result = DMARC_RESULT_NONE;
	d->found = NULL;
	own = look(d, d->author, DNS_TXT);
	if (own == NULL)
		return ask(d, q);
	if (own->state == DMARC_UNKNOWN)
		conclude_unanswered(d, own);
	else if (own->state != DMARC_ABSENT)
		use_record(d, own);
	else if (!walk(d))
		return ask(d, q);
	if (d->result != DMARC_RESULT_NONE || d->found == NULL)
		return MSGAUTH_DONE;
	return choose_policy(d) ? MSGAUTH_DONE : ask(d, q);
}

/* --- alignment ------------------------------------------------------------ */

static bool
is(const struct dmarc_identifier *id, const char *result)
{
	return strcmp(id->result, result) == 0;
}

/* RFC 7489 3.1. False: something must be asked first. */
static bool
align(struct dmarc *d, struct dmarc_identifier *id)
{
	const struct dmarc_record *r = &d->found->record;
	bool strict = id->method == DMARC_SPF ? r->strict_spf :
	    r->strict_dkim;
	struct slice org;

	id->aligned = slice_eq(id->domain, d->author);
	if (id->aligned || strict || id->domain.n == 0 ||
	    !slice_eq(orgdomain(id->domain), orgdomain(d->author)))
		return true;
	if (!find_org(d, d->author, &d->org) ||
	    !find_org(d, id->domain, &org))
		return false;
	id->aligned = slice_eq(org, d->org);
	return true;
}

static void
put_identifier(struct buf *b, const struct dmarc_identifier *id)
{
	buf_addf(b, "%s %s for %.*s", id->method == DMARC_SPF ? "SPF" : "DKIM",
	    id->result, SLICE_ARG(id->domain));
}

static struct slice
why_fail(struct dmarc *d, const char *head)
{
	struct buf b = BUF_INIT(4096);
	struct slice text;
	size_t shown = 0;

	buf_addf(&b, "%s %.*s", head, SLICE_ARG(d->author));
	for (size_t i = 0; i < d->n && shown < 4; i++) {
		if (d->list[i].domain.n == 0)
			continue;
		buf_adds(&b, shown++ == 0 ? ": " : ", ");
		put_identifier(&b, &d->list[i]);
	}
	if (shown == 0)
		buf_adds(&b, ": it is not signed and SPF says nothing");
	text = arena_slice(&d->arena, buf_slice(&b));
	buf_release(&b);
	return text;
}

static struct slice
why_pass(struct dmarc *d, const struct dmarc_identifier *id)
{
	return slice_str(arena_printf(&d->arena, "%s pass for %.*s, which is "
	    "%s %.*s", id->method == DMARC_SPF ? "SPF" : "DKIM",
	    SLICE_ARG(id->domain), slice_eq(id->domain, d->author) ?
	    "the author's domain" : "of one organization with",
	    SLICE_ARG(d->author)));
}

static enum msgauth_step
judge(struct dmarc *d, struct dns_question *q)
{
	const struct dmarc_identifier *pass = NULL;

	d->may_pass_later = false;
	for (size_t i = 0; i < d->n; i++)
		d->list[i].aligned = slice_eq(d->list[i].domain, d->author);
	for (size_t i = 0; i < d->n && pass == NULL; i++)
		if (d->list[i].aligned && is(&d->list[i], "pass"))
			pass = &d->list[i];
	for (size_t i = 0; i < d->n && pass == NULL; i++) {
		if (!is(&d->list[i], "pass") && !is(&d->list[i], "temperror"))
			continue;
		if (!align(d, &d->list[i]))
			return ask(d, q);
		if (d->list[i].aligned && is(&d->list[i], "pass"))
			pass = &d->list[i];
		else if (d->list[i].aligned)
			d->may_pass_later = true;
	}
	if (pass != NULL)
		conclude(d, DMARC_PASS, why_pass(d, pass));
	else if (d->may_pass_later)
		conclude(d, DMARC_TEMPERROR, why_fail(d,
		    "DNS did not answer all questions about"));
	else
		conclude(d, DMARC_FAIL, why_fail(d,
		    "neither SPF nor DKIM vouch for"));
	return MSGAUTH_DONE;
}

static struct slice
why_none(struct dmarc *d)
{
	for (size_t i = 0; i < d->asked_count; i++)
		if (d->asked[i].several)
			return slice_str(arena_printf(&d->arena, "there are "
			    "several DMARC records at _dmarc.%.*s, so that "
			    "none of them counts",
			    SLICE_ARG(d->asked[i].name)));
	return slice_str(arena_printf(&d->arena, "%.*s has no DMARC record",
	    SLICE_ARG(d->author)));
}

enum msgauth_step
dmarc_step(struct dmarc *d, struct dns_question *q)
{
	if (dmarc_discover(d, q) == MSGAUTH_ASK)
		return MSGAUTH_ASK;
	if (d->result != DMARC_RESULT_NONE)
		return MSGAUTH_DONE;
	if (d->found == NULL) {
		conclude(d, DMARC_RESULT_NONE, why_none(d));
		return MSGAUTH_DONE;
	}
	return judge(d, q);
}

void
dmarc_dispose(struct dmarc *d, unsigned sample)
{
	d->disposition = DMARC_NONE;
	d->sampled_out = false;
	if (d->result != DMARC_FAIL)
		return;
	d->disposition = d->policy;
	/* RFC 7489 6.6.4 and t= of DMARCbis 4.7: one step milder. */
	if (!d->found->record.testing && sample < d->found->record.pct)
		return;
	if (d->disposition > DMARC_NONE) {
		d->disposition--;
		d->sampled_out = true;
	}
}

bool
dmarc_puts_off(const struct dmarc *d)
{
	return d->result == DMARC_TEMPERROR && d->may_pass_later &&
	    d->policy == DMARC_REJECT;
}
